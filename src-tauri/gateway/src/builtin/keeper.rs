//! The one task that decides: who waits, what runs, when it ends.
//!
//! It owns the queue and the stage, and reads everything else. Requests, returned leases and the minder's reports come by
//! one inbox, so that there is an order of events and nothing to lock. It touches no process itself: that is
//! `child`'s business.
//!
//! One child at a time. Whoever asks for the model that runs is served at once, unless someone before him waits for
//! another one: then he stands behind, or that one would wait for ever. A child is exchanged or ended only when nobody
//! uses it.

/// What it is at.
mod stage;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::child::{self, Orders, Report, Running};
use super::command::Launch;
use super::leftover;
use super::library::Library;
use super::offer::{Offer, Offered};
use super::pause::Pause;
use super::{EngineError, Lease, Pace, World};
use crate::catalog::{Catalog, Event};
use crate::settings::{BuiltInMode, Settings};
use stage::{Minder, Serving, Stage, Waiting};

/// What comes in.
#[derive(Debug)]
pub(super) enum Message {
    /// A request wants a model.
    Wanted { model: Arc<str>, reply: oneshot::Sender<Result<Lease, EngineError>> },
    /// A person wants a model out of memory.
    Unwanted { model: Arc<str>, reply: oneshot::Sender<Result<(), EngineError>> },
    /// A request that waited has gone.
    Left,
    /// A lease on this child has ended.
    Returned(u64),
    /// News of this child.
    Child(u64, Report),
    /// How much memory this child holds.
    Memory(u64, u64),
}

/// What a keeper is made of.
pub(super) struct Parts {
    pub(super) world: World,
    pub(super) pace: Pace,
    pub(super) settings: watch::Receiver<Arc<Settings>>,
    pub(super) catalog: watch::Receiver<Arc<Catalog>>,
    pub(super) library: watch::Receiver<Arc<Library>>,
    /// Whether the library should look.
    pub(super) wanted: watch::Sender<bool>,
    pub(super) events: mpsc::Sender<Event>,
    /// The way into the keeper's own inbox, for leases and minders.
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// The model that answers without a wait.
    pub(super) up: watch::Sender<Option<Arc<str>>>,
    pub(super) tasks: TaskTracker,
}

/// See the module.
pub(super) struct Keeper {
    parts: Parts,
    stage: Stage,
    /// Numbers children, so that a lease on an earlier one counts for nothing.
    child: u64,
    queue: VecDeque<Waiting>,
    pauses: HashMap<Arc<str>, Pause>,
    /// What the last crash was, until a child is up again.
    note: Option<String>,
    offered: Offered,
    /// What the catalog has heard.
    told: Offer,
    /// Something changed that the catalog should hear.
    news: bool,
    stopping: bool,
}

impl Keeper {
    pub(super) fn new(parts: Parts) -> Keeper {
        Keeper {
            parts,
            stage: Stage::Empty,
            child: 0,
            queue: VecDeque::new(),
            pauses: HashMap::new(),
            note: None,
            offered: Offered::default(),
            told: Offer::default(),
            news: false,
            stopping: false,
        }
    }

    /// Runs until `stop`, and then until the last child has ended.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>, stop: CancellationToken) {
        leftover::clear(&self.note_file(), self.parts.pace.grace).await;
        let mut last_call = None;
        loop {
            self.decide();
            self.tell().await;
            if self.stopping && matches!(self.stage, Stage::Empty) {
                return;
            }
            let now = Instant::now();
            let wake = [self.idle_ends(), self.offered.changes(now), last_call].into_iter().flatten().min();
            let parts = &mut self.parts;
            tokio::select! {
                // Whoever asks after the stop is refused.
                biased;
                () = stop.cancelled(), if last_call.is_none() => {
                    self.stopping = true;
                    // Streams have their time to end. The server sees to that; this is for the day when it does not.
                    let drain = Duration::from_secs(parts.settings.borrow().limits.drain_seconds);
                    last_call = Some(now + drain + Duration::from_secs(1));
                }
                Some(message) = inbox.recv() => self.hear(message),
                changed = parts.library.changed(), if !self.stopping => {
                    self.news = true;
                    self.stopping |= changed.is_err();
                }
                changed = parts.settings.changed(), if !self.stopping => self.stopping |= changed.is_err(),
                changed = parts.catalog.changed(), if !self.stopping => self.stopping |= changed.is_err(),
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {
                    if last_call.is_some_and(|last_call| last_call <= Instant::now()) {
                        self.end();
                        last_call = Some(Instant::now() + Duration::from_secs(3600));
                    }
                }
            }
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Wanted { model, reply } => self.queue.push_back(Waiting { model, reply }),
            Message::Unwanted { model, reply } => drop(reply.send(self.unload(&model))),
            Message::Left => {}
            Message::Returned(child) if child == self.child => self.returned(),
            Message::Child(child, Report::Up(running)) if child == self.child => self.up(running),
            Message::Child(child, Report::Ended(reason)) if child == self.child => self.ended(reason),
            Message::Memory(child, bytes) if child == self.child => self.weighed(bytes),
            // Of an earlier child.
            Message::Returned(_) | Message::Child(..) | Message::Memory(..) => {}
        }
    }

    /// Does what the present stage and the queue ask for.
    fn decide(&mut self) {
        self.reconsider();
        self.queue.retain(|waiting| !waiting.reply.is_closed());
        self.refuse();
        let wanted = self.queue.front().map(|waiting| Arc::clone(&waiting.model));
        match &mut self.stage {
            Stage::Empty => {
                if let Some(model) = wanted {
                    self.start(model);
                }
            }
            Stage::Starting { .. } if self.stopping => self.end(),
            Stage::Starting { .. } | Stage::Ending => {}
            // Its end is about to be told; nobody is sent there any more.
            Stage::Serving(serving) if wanted.is_some() && child::has_ended(serving.running.process) => {}
            Stage::Serving(serving) => {
                while let Some(first) = self.queue.pop_front_if(|first| first.model == serving.model) {
                    serving.lend(first, self.child, &self.parts.messages);
                }
                let elsewhere = !self.queue.is_empty() || self.stopping || self.mode() == BuiltInMode::Off;
                let idle = self.idle_ends().is_some_and(|ends| ends <= Instant::now());
                if idle || elsewhere && self.stage.users() == 0 {
                    self.end();
                }
            }
        }
        let up = match &self.stage {
            // Behind someone who waits for another model, this one is not to be had at once.
            Stage::Serving(serving) if self.queue.is_empty() => Some(Arc::clone(&serving.model)),
            Stage::Serving(_) | Stage::Empty | Stage::Starting { .. } | Stage::Ending => None,
        };
        self.parts.up.send_if_modified(|known| {
            let differs = *known != up;
            *known = up;
            differs
        });
    }

    fn reconsider(&mut self) {
        let busy = !matches!(self.stage, Stage::Empty);
        let parts = &self.parts;
        let before = self.offered.now;
        self.offered.reconsider(&parts.settings.borrow(), &parts.catalog.borrow(), busy, Instant::now(), &parts.pace);
        if self.offered.now != before {
            self.news = true;
            self.parts.wanted.send_replace(self.offered.now);
        }
    }

    /// Answers those who wait for what cannot be.
    fn refuse(&mut self) {
        for waiting in std::mem::take(&mut self.queue) {
            match self.refusal(&waiting.model) {
                None => self.queue.push_back(waiting),
                Some(error) => drop(waiting.reply.send(Err(error))),
            }
        }
    }

    fn refusal(&self, model: &str) -> Option<EngineError> {
        if self.stopping {
            return Some(EngineError::Stopping);
        }
        if self.mode() == BuiltInMode::Off {
            return Some(EngineError::Off);
        }
        if self.stage.model().is_some_and(|present| **present == *model) {
            return None;
        }
        let library = self.parts.library.borrow();
        if library.model(model).is_none() {
            return Some(EngineError::Unknown);
        }
        if let Err(reason) = &library.program {
            return Some(EngineError::NoServer(Arc::clone(reason)));
        }
        self.pauses.get(model)?.refusal(Instant::now())
    }

    fn start(&mut self, model: Arc<str>) {
        let library = Arc::clone(&self.parts.library.borrow());
        // Whoever waits for what is not there has just been refused.
        let (Some(disk), Ok(program)) = (library.model(&model), &library.program) else { return };
        let settings = Arc::clone(&self.parts.settings.borrow());
        let key: Arc<str> = uuid::Uuid::new_v4().simple().to_string().into();
        let end = CancellationToken::new();
        self.child += 1;
        let launch = Launch {
            program: program.clone(),
            model: Arc::clone(disk),
            settings: settings.builtin.clone(),
            environment: self.parts.world.environment.clone(),
            key: Arc::clone(&key),
        };
        let orders = Orders {
            end: end.clone(),
            patience: Duration::from_secs(settings.limits.first_byte_seconds),
            note: self.note_file(),
            pace: self.parts.pace,
        };
        let minder = Minder { child: self.child, messages: self.parts.messages.clone() };
        self.parts.tasks.spawn(child::mind(launch, orders, move |report| minder.tell(report)));
        self.stage = Stage::Starting { model, key, end };
        self.news = true;
    }

    fn up(&mut self, running: Running) {
        let (model, key, end) = match std::mem::replace(&mut self.stage, Stage::Ending) {
            Stage::Starting { model, key, end } => (model, key, end),
            other @ (Stage::Empty | Stage::Serving(_) | Stage::Ending) => return self.stage = other,
        };
        let now = Instant::now();
        let gone = CancellationToken::new();
        let mut serving = Serving { model, key, end, gone, running, users: 0, since: now, idle: now, memory: None };
        // All who waited for this start, also those behind someone who waits for another model: he is next.
        for waiting in std::mem::take(&mut self.queue) {
            if waiting.model == serving.model {
                serving.lend(waiting, self.child, &self.parts.messages);
            } else {
                self.queue.push_back(waiting);
            }
        }
        self.stage = Stage::Serving(serving);
        self.note = None;
        self.news = true;
        self.weigh();
    }

    fn returned(&mut self) {
        let Stage::Serving(serving) = &mut self.stage else { return };
        serving.users = serving.users.saturating_sub(1);
        if serving.users == 0 {
            serving.idle = Instant::now();
            self.weigh();
        }
    }

    /// The child is gone.
    fn ended(&mut self, reason: Option<String>) {
        self.news = true;
        let (model, lived) = match std::mem::replace(&mut self.stage, Stage::Empty) {
            Stage::Empty | Stage::Ending => return,
            Stage::Starting { model, .. } => (model, None),
            Stage::Serving(serving) => {
                serving.gone.cancel();
                (serving.model, Some(serving.since.elapsed()))
            }
        };
        let reason: Arc<str> = reason.unwrap_or_else(|| "llama-server was lost".to_owned()).into();
        tracing::warn!(%model, "{reason}");
        self.note = Some(format!("{model}: {reason}"));
        let before = self.pauses.get(&model);
        let pause =
            Pause::after(before, Arc::clone(&reason), lived.unwrap_or_default(), Instant::now(), &self.parts.pace);
        self.pauses.insert(Arc::clone(&model), pause);
        if lived.is_none() {
            for waiting in std::mem::take(&mut self.queue) {
                if waiting.model == model {
                    let _ = waiting.reply.send(Err(EngineError::Failed(Arc::clone(&reason))));
                } else {
                    self.queue.push_back(waiting);
                }
            }
        }
    }

    /// Ends the child if it has this model and nobody uses it or waits for it. What is not loaded is no fault.
    fn unload(&mut self, model: &str) -> Result<(), EngineError> {
        if self.stage.model().is_none_or(|present| **present != *model) {
            return Ok(());
        }
        if self.stage.users() > 0 || self.queue.iter().any(|waiting| *waiting.model == *model) {
            return Err(EngineError::Busy);
        }
        self.end();
        Ok(())
    }

    /// Ends the child. The stage is empty once it has told so: two models at a time may be more than memory holds.
    fn end(&mut self) {
        self.news = true;
        match std::mem::replace(&mut self.stage, Stage::Ending) {
            Stage::Empty => self.stage = Stage::Empty,
            Stage::Ending => {}
            Stage::Starting { end, .. } => end.cancel(),
            Stage::Serving(serving) => {
                tracing::info!(model = %serving.model, "ending llama-server");
                self.pauses.remove(&serving.model);
                serving.end.cancel();
            }
        }
    }

    /// Asks the system how much memory the child holds.
    fn weigh(&self) {
        let Stage::Serving(serving) = &self.stage else { return };
        let (child, process, messages) = (self.child, serving.running.process, self.parts.messages.clone());
        self.parts.tasks.spawn_blocking(move || {
            if let Some(bytes) = leftover::memory(process) {
                let _ = messages.send(Message::Memory(child, bytes));
            }
        });
    }

    fn weighed(&mut self, bytes: u64) {
        let Stage::Serving(serving) = &mut self.stage else { return };
        // Each change wakes every reader of the catalog; a few pages are none.
        let known = serving.memory.unwrap_or_default();
        if known.abs_diff(bytes) > known / 16 {
            serving.memory = Some(bytes);
            self.news = true;
        }
    }

    /// Tells the catalog what has changed.
    async fn tell(&mut self) {
        if !std::mem::take(&mut self.news) {
            return;
        }
        let library = Arc::clone(&self.parts.library.borrow());
        let offer =
            Offer::of(self.offered.now, &library, self.stage.present(), self.note.as_deref(), &self.parts.world);
        let events = offer.since(&self.told);
        self.told = offer;
        for event in events {
            // A catalog that has ended needs no news.
            let _ = self.parts.events.send(event).await;
        }
    }

    fn mode(&self) -> BuiltInMode {
        self.parts.settings.borrow().builtin.enabled
    }

    /// When the child has been without users for long enough; `None` while someone uses it.
    fn idle_ends(&self) -> Option<Instant> {
        let Stage::Serving(serving) = &self.stage else { return None };
        let idle = Duration::from_secs(self.parts.settings.borrow().builtin.idle_seconds);
        (serving.users == 0).then(|| serving.idle.checked_add(idle)).flatten()
    }

    fn note_file(&self) -> PathBuf {
        self.parts.world.folders.run.join("engine.json")
    }
}
