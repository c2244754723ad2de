//! One request's row while it is still being answered.
//!
//! Filled as the request goes on and sent when dropped, so that an answer that is never finished is counted too: a
//! client that hangs up drops it. It never waits and never fails. Until then the row stands in [`Live`], for whoever watches.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::bodies::{Capture, Keeping};
use super::live::{Cancelled, Live, Slot};
use super::story::Miss;
use super::tap::{Tap, Tokens};
use super::{Outcome, Record, Sink};
use crate::completion;
use crate::protocol::{Operation, Protocol};
use crate::routing::Target;

/// A row in the making.
pub struct Recorder {
    sink: Sink,
    live: Live,
    /// Where the row stands, so that whoever watches sees it grow.
    slot: Arc<Slot>,
    started: Instant,
    /// How long the targets took that were tried in vain.
    waited: Duration,
    tap: Option<Tap>,
    /// What is asked and said, while the user wants that kept.
    capture: Option<Box<Capture>>,
}

impl Recorder {
    /// Starts a row. Until told otherwise its outcome is that the client went away.
    pub fn new(sink: Sink, live: Live, surface: Protocol, operation: Operation, asked: Arc<str>) -> Recorder {
        let slot = live.enter(Record {
            started: SystemTime::now(),
            client: None,
            tool: None,
            surface: surface.id(),
            operation: operation.id(),
            asked,
            endpoint: None,
            model: None,
            local: true,
            stream: false,
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            reasoning_tokens: None,
            units: None,
            first_byte: None,
            total: Duration::ZERO,
            status: 0,
            outcome: Outcome::ClientGone,
            attempts: 0,
            error: None,
            chunks: 0,
            missed: Vec::new(),
            dropped: Vec::new(),
            bodies: None,
        });
        Recorder { sink, live, slot, started: Instant::now(), waited: Duration::ZERO, tap: None, capture: None }
    }

    /// When the request came.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Who asks: the client key's name and the tool's `User-Agent`.
    pub fn client(&mut self, key: Option<Arc<str>>, user_agent: Option<&str>) {
        let mut record = self.slot.record();
        record.client = key;
        record.tool = user_agent.and_then(super::tool);
        self.live.note(&record);
    }

    /// Keeps what is asked, and what will be said, if the user wants that now.
    pub fn keep(&mut self, keeping: &Keeping, asked: &Bytes) {
        self.capture = keeping.begin(asked);
    }

    /// Bytes go to the client.
    pub fn said(&mut self, bytes: &[u8]) {
        if let Some(capture) = &mut self.capture {
            capture.said(bytes);
        }
    }

    /// Whether a stream was asked for.
    pub fn stream(&mut self, stream: bool) {
        self.slot.record().stream = stream;
    }

    /// A target is tried.
    pub fn attempt(&mut self, target: &Target) {
        let mut record = self.slot.record();
        record.attempts = record.attempts.saturating_add(1);
        record.endpoint = Some(Arc::clone(&target.endpoint.id));
        record.model = Some(Arc::clone(&target.model.id));
        record.local = target.local();
    }

    /// The target that was tried last gives no answer to pass on.
    pub fn missed(&mut self, reason: String) {
        let until = self.started.elapsed();
        let took = until.saturating_sub(std::mem::replace(&mut self.waited, until));
        let mut record = self.slot.record();
        if let (Some(endpoint), Some(model)) = (record.endpoint.clone(), record.model.clone()) {
            let local = record.local;
            record.missed.push(Miss { endpoint, model, local, took, reason: reason.into() });
        }
    }

    /// What the target that is asked now cannot be told.
    pub fn dropped(&mut self, fields: &[String]) {
        if !fields.is_empty() {
            self.slot.record().dropped = fields.to_vec();
        }
    }

    /// The endpoint and the model that were tried last.
    pub fn target(&self) -> Option<(Arc<str>, Arc<str>)> {
        let record = self.slot.record();
        record.endpoint.clone().zip(record.model.clone())
    }

    /// How many targets were tried.
    pub fn attempts(&self) -> u8 {
        self.slot.record().attempts
    }

    /// The head of an answer came. Its body will pass through `tap`, or its tokens will be told by [`Recorder::count`].
    pub fn answered(&mut self, status: u16, tap: Option<Tap>) {
        let mut record = self.slot.record();
        record.status = status;
        record.first_byte = Some(self.started.elapsed());
        self.tap = tap;
    }

    /// The tokens of an answer so far, and in how many pieces it came.
    pub fn count(&mut self, usage: Option<&completion::Usage>, chunks: u32) {
        if let Some(usage) = usage {
            let mut record = self.slot.record();
            record.input_tokens = Some(usage.input);
            record.output_tokens = Some(usage.output);
            record.cached_tokens = usage.cache_read;
            record.reasoning_tokens = usage.reasoning;
        }
        self.slot.passed(chunks);
    }

    /// What the answer is billed by, where that is no tokens.
    pub fn units(&mut self, units: Option<u32>) {
        self.slot.record().units = units;
    }

    /// Bytes of the answer pass.
    pub fn see(&mut self, bytes: &Bytes) {
        if let Some(tap) = &mut self.tap {
            tap.see(bytes);
            self.slot.passed(tap.chunks());
        }
    }

    /// Whether the answer that passed is complete.
    pub fn complete(&self) -> bool {
        self.tap.as_ref().is_none_or(Tap::complete)
    }

    /// Ends when the user gives the request up.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled(Arc::clone(&self.slot))
    }

    /// Whether the user gave the request up.
    pub fn is_cancelled(&self) -> bool {
        self.slot.is_cancelled()
    }

    /// The same for whoever waits: who polls is woken when it is given up.
    pub fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        self.slot.poll_cancelled(cx)
    }

    /// How it ended; the row goes out when this is dropped.
    pub fn ended(&mut self, outcome: Outcome, status: Option<u16>, error: Option<String>) {
        let mut record = self.slot.record();
        record.outcome = outcome;
        record.status = status.unwrap_or(record.status);
        record.error = error.map(Into::into);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.live.leave(&self.slot);
        let mut record = self.slot.as_it_stands();
        if let Some(tap) = &self.tap {
            let Tokens { input, output, cached, reasoning, units } = tap.tokens();
            record.input_tokens = input;
            record.output_tokens = output;
            record.cached_tokens = cached;
            record.reasoning_tokens = reasoning;
            record.units = units;
        }
        // Given up before anybody could say how it ended: whatever was under way was dropped.
        if record.outcome == Outcome::ClientGone && self.slot.is_cancelled() {
            record.outcome = Outcome::Cancelled;
        }
        record.total = self.started.elapsed();
        record.bodies = self.capture.take().and_then(|capture| capture.end());
        self.sink.send(record);
    }
}
