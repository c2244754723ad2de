//! Watches this machine: keeps one place attended for each address worth asking.
//!
//! It looks at the sockets at each tick, which is cheap, and at processes and files only when they changed or now and
//! then. What a place answers is `places`' business.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::candidates::{Candidate, Interest, candidates};
use super::files::Files;
use super::places::{Place, Report, Surroundings};
use super::ports::{self, Socket};
use super::processes::{Ours, Processes};
use super::{World, client, hosts, installed};
use crate::address;
use crate::catalog::{Event, Installed, Refusal};
use crate::provider::RuntimeId;
use crate::settings::Settings;

/// The source's name in the catalog.
const SOURCE: &str = "ports";

/// Watches until `stop` is cancelled.
pub(super) async fn watch(
    world: World,
    mut settings: watch::Receiver<Arc<Settings>>,
    events: mpsc::Sender<Event>,
    mut rescan: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let (reports, mut reported) = mpsc::channel(64);
    let mut own_ports = world.own_ports.clone();
    let mut started = world.started.clone();
    let mut tick = tokio::time::interval(world.pace.tick);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watcher = Watcher::new(world, &settings.borrow_and_update().clone(), events, reports, rescan.clone());
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(report) = reported.recv() => watcher.hear(report).await,
            Ok(()) = settings.changed() => {
                let settings = Arc::clone(&settings.borrow_and_update());
                watcher.decide(&settings).await;
            }
            Ok(()) = own_ports.changed() => {
                own_ports.mark_unchanged();
                watcher.reconsider();
            }
            Ok(()) = started.changed() => {
                started.mark_unchanged();
                watcher.reconsider();
            }
            Ok(()) = rescan.changed() => {
                rescan.mark_unchanged();
                watcher.reconsider();
            }
            () = watcher.files.changed() => watcher.reconsider(),
            _ = tick.tick() => watcher.look().await,
        }
    }
    for (_, place) in std::mem::take(&mut watcher.places) {
        place.leave().await;
    }
}

struct Watcher {
    world: World,
    settings: Arc<Settings>,
    events: mpsc::Sender<Event>,
    surroundings: Surroundings,
    files: Files,
    interest: Interest,
    processes: Processes,
    owners: BTreeMap<u64, u32>,
    sockets: Vec<Socket>,
    places: BTreeMap<SocketAddr, Place>,
    reports: BTreeMap<SocketAddr, Report>,
    told: (Vec<Refusal>, Option<Vec<Installed>>),
    /// Whether every place of the first look has said what it is.
    settled: bool,
    stale: bool,
    processes_due: Instant,
    installed_due: Instant,
}

impl Watcher {
    fn new(
        world: World,
        settings: &Arc<Settings>,
        events: mpsc::Sender<Event>,
        reports: mpsc::Sender<Report>,
        rescan: watch::Receiver<u64>,
    ) -> Watcher {
        let surroundings = Surroundings {
            table: Arc::clone(&world.runtimes),
            ignored: Arc::default(),
            instance: Arc::clone(&world.instance),
            client: client::loopback(),
            events: events.clone(),
            reports,
            rescan,
            pace: world.pace,
        };
        let now = Instant::now();
        Watcher {
            files: Files::watch(&world.runtimes, &world.environment, &world.folders),
            settings: Arc::clone(settings),
            events,
            surroundings,
            interest: Interest::default(),
            processes: Processes::default(),
            owners: BTreeMap::new(),
            sockets: Vec::new(),
            places: BTreeMap::new(),
            reports: BTreeMap::new(),
            told: (Vec::new(), None),
            settled: false,
            stale: true,
            processes_due: now,
            installed_due: now,
            world,
        }
    }

    /// Takes new settings over. What they ignore from now on is asked again, and then lost.
    async fn decide(&mut self, settings: &Arc<Settings>) {
        let ignored = self.settings.discovery.ignore != settings.discovery.ignore;
        self.settings = Arc::clone(settings);
        if ignored {
            for address in self.places.keys().copied().collect::<Vec<_>>() {
                self.leave(address).await;
            }
        }
        self.reconsider();
        self.look().await;
    }

    /// Everything is worked out anew at the next look.
    fn reconsider(&mut self) {
        self.stale = true;
        self.processes_due = Instant::now();
        self.installed_due = Instant::now();
    }

    /// One look at this machine.
    async fn look(&mut self) {
        let now = Instant::now();
        if self.stale {
            self.interest = self.interest();
            self.surroundings.ignored = Arc::new(self.interest.ignored.clone());
        }
        let sockets = if self.settings.discovery.enabled { self.listening().await } else { Vec::new() };
        let moved = sockets != self.sockets;
        self.sockets = sockets;
        let due = now >= self.processes_due;
        if self.interest.processes && self.settings.discovery.enabled && (moved || due) {
            self.processes_due = now + self.world.pace.processes;
            self.refresh_processes(now).await;
        }
        if moved || due || self.stale {
            self.stale = false;
            self.attend().await;
        }
        self.settle().await;
        // Before that, all that is installed would seem not to run.
        if self.settled && now >= self.installed_due {
            self.installed_due = now + self.world.pace.installed;
            self.files.follow();
            self.tell_installed().await;
        }
    }

    /// Once every address that was worth asking has answered or not, an empty catalog means that nothing runs.
    async fn settle(&mut self) {
        if !self.settled && self.places.keys().all(|address| self.reports.contains_key(address)) {
            self.settled = true;
            let _ = self.events.send(Event::Settled).await;
        }
    }

    async fn listening(&self) -> Vec<Socket> {
        if let Ok(sockets) = ports::listening() {
            return sockets;
        }
        let named = self.processes.runners().filter_map(|(_, runner)| runner.port);
        let ports: BTreeSet<u16> =
            self.interest.ports.keys().chain(self.interest.control.keys()).copied().chain(named).collect();
        let ports = ports.into_iter().filter(|port| !self.interest.skipped.contains(port));
        ports::answering(ports.flat_map(|port| {
            [SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)]
        }))
        .await
    }

    /// Reads processes beside the others' work: on a machine with many it takes some milliseconds.
    async fn refresh_processes(&mut self, now: Instant) {
        let mut processes = std::mem::take(&mut self.processes);
        let (table, sockets) = (Arc::clone(&self.world.runtimes), self.sockets.clone());
        let read = tokio::task::spawn_blocking(move || {
            processes.refresh(&table, now);
            let owners = processes.owners(&sockets);
            (processes, owners)
        });
        (self.processes, self.owners) = read.await.unwrap_or_default();
    }

    /// Starts and ends places as the candidates say.
    async fn attend(&mut self) {
        let wanted = if self.settings.discovery.enabled {
            candidates(&self.sockets, &self.owners, &self.processes, &self.interest, &self.world.runtimes)
        } else {
            BTreeMap::new()
        };
        for address in self.places.keys().copied().collect::<Vec<_>>() {
            if !wanted.contains_key(&address) {
                self.leave(address).await;
            }
        }
        for (address, candidate) in wanted {
            self.arrive(address, candidate).await;
        }
        self.tell_refused().await;
    }

    async fn arrive(&mut self, address: SocketAddr, candidate: Candidate) {
        let mut open = None;
        match self.places.get_mut(&address) {
            Some(place) if candidate.continues(&place.candidate) => {
                place.candidate.inodes = candidate.inodes;
                return;
            }
            // Its port answers at last: the endpoint goes on as the one that was starting.
            Some(place) if place.candidate.starting.is_some() => {
                if let Some(place) = self.places.remove(&address) {
                    open = place.leave().await;
                }
            }
            Some(_) => self.leave(address).await,
            None => {}
        }
        let place = Place::attend(address, candidate, open, self.surroundings.clone());
        self.places.insert(address, place);
    }

    async fn leave(&mut self, address: SocketAddr) {
        let Some(place) = self.places.remove(&address) else {
            return;
        };
        self.reports.remove(&address);
        if let Some(open) = place.leave().await {
            let _ = self.events.send(Event::Lost(open.id)).await;
            self.installed_due = Instant::now();
        }
    }

    async fn hear(&mut self, report: Report) {
        // A report may still be under way when its place is left.
        if !self.places.contains_key(&report.address) {
            return;
        }
        if report.runtime != self.reports.get(&report.address).and_then(|known| known.runtime.clone()) {
            self.installed_due = Instant::now();
        }
        self.reports.insert(report.address, report);
        self.tell_refused().await;
        self.settle().await;
    }

    fn running(&self) -> BTreeSet<RuntimeId> {
        self.reports.values().filter_map(|report| report.runtime.clone()).collect()
    }

    async fn tell_refused(&mut self) {
        let running = self.running();
        let refused: Vec<Refusal> = self
            .reports
            .values()
            .filter(|report| report.unless.as_ref().is_none_or(|runtime| !running.contains(runtime)))
            .filter_map(|report| report.refusal.clone())
            .collect();
        if self.told.0 != refused {
            self.told.0.clone_from(&refused);
            let _ = self.events.send(Event::Refused(SOURCE, refused)).await;
        }
    }

    async fn tell_installed(&mut self) {
        let (table, running) = (Arc::clone(&self.world.runtimes), self.running());
        let (environment, folders) = (self.world.environment.clone(), self.world.folders.clone());
        let ignored = self.interest.ignored.clone();
        let enabled = self.settings.discovery.enabled;
        let look = tokio::task::spawn_blocking(move || {
            if !enabled {
                return Vec::new();
            }
            let mut installed = installed::installed(&table, &running, &environment, &folders);
            installed.retain(|it| !ignored.iter().any(|row| table[*row].id == it.runtime));
            installed
        });
        let Ok(installed) = look.await else { return };
        if self.told.1.as_ref() != Some(&installed) {
            self.told.1 = Some(installed.clone());
            let _ = self.events.send(Event::Installed(installed)).await;
        }
    }

    /// What settings, table, files and environment make worth asking.
    fn interest(&self) -> Interest {
        let discovery = &self.settings.discovery;
        let ours = Ours { process: self.world.process, let_go: self.world.started.borrow().clone() };
        let mut interest = Interest { processes: discovery.processes, ours, ..Interest::default() };
        let ignores = |id: &str| discovery.ignore.iter().any(|ignored| ignored == id);
        for (row, spec) in self.world.runtimes.iter().enumerate() {
            if ignores(&spec.id) {
                interest.ignored.insert(row);
            } else if discovery.default_ports {
                for port in &spec.ports {
                    interest.ports.entry(*port).or_default().insert(row);
                    interest.noted.insert(*port);
                }
                interest.control.extend(spec.control_ports.iter().map(|port| (*port, row)));
                let variables = spec.variables.iter().filter_map(|variable| {
                    hosts::port_in_variable(self.world.environment.get(&variable.name)?, variable.form)
                });
                for port in variables {
                    interest.ports.entry(port).or_default().insert(row);
                }
            }
        }
        if discovery.default_ports {
            for (port, row) in self.files.ports() {
                if !interest.ignored.contains(&row) {
                    interest.ports.entry(port).or_default().insert(row);
                }
            }
        }
        for port in &discovery.ports {
            interest.ports.entry(*port).or_default();
            interest.noted.insert(*port);
        }
        interest.skipped.extend(self.world.own_ports.borrow().iter().copied());
        let by_hand = self.settings.endpoints.iter().filter(|it| address::is_loopback(&it.base_url));
        interest.skipped.extend(by_hand.filter_map(|it| it.base_url.port_or_known_default()));
        interest
    }
}
