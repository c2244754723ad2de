//! `pointsman serve`: the gateway in the foreground.
//!
//! Says on stdout where it listens (`listening on 127.0.0.1:4747`, which scripts wait for), what was found and what
//! comes and goes; the log goes to stderr. The gateway itself is the library's business.

mod announcement;
mod signals;

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use pointsman_gateway::control::Command;
use pointsman_gateway::control::socket::Handler;
use pointsman_gateway::gateway::{self, Start};
use pointsman_gateway::secrets::KeychainMode;
use pointsman_gateway::settings::read as settings;

use crate::failure::{self, Failure};
use crate::world::World;
use crate::{figures, logging};
use signals::Signals;

/// A runtime that appears is seen first and listed a moment later; told is what holds for so long.
const QUIET: Duration = Duration::from_millis(300);

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Listen on this port instead of the one in the settings; 0 takes a free one
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Read the settings from this file instead of the usual one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Serves until asked to stop.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    // Made absolute at once: the file is watched by its folder, and shown to people elsewhere.
    let config = options.config.map(std::path::absolute).transpose().map_err(anyhow::Error::from)?;
    let file = config.clone().unwrap_or_else(|| world.folders.settings());
    // A broken file is told by the gateway, which then runs on its last good settings or the defaults.
    let level = settings::load(&file).map_or_else(|_| "info".to_owned(), |read| read.settings.log.level);
    logging::start(world, &level);

    let mut signals = Signals::new()?;
    pointsman_gateway::server::allow_many_files();
    let running = gateway::start(Start {
        environment: world.environment.clone(),
        folders: world.folders.clone(),
        settings_file: config,
        port: options.port,
        keychain: KeychainMode::System,
    })
    .await
    .map_err(anyhow::Error::from)?;
    for address in &running.addresses {
        say(world, &format!("listening on {address}"));
    }

    let handle = running.handle.clone();
    let mut stopped = pin!(running.stopped());
    tokio::select! {
        cut = &mut stopped => {
            say(world, &ending(cut));
            return Ok(());
        }
        () = tell(world, &handle) => {}
        () = signals.asked_to_stop() => {}
    }
    let open = handle.snapshot().open_streams;
    say(world, &format!("stopping, {}", figures::count(open as usize, "open stream")));
    handle.call(Command::Stop).await;
    tokio::select! {
        cut = stopped => {
            say(world, &ending(cut));
            Ok(())
        }
        () = signals.asked_to_stop() => {
            say(world, "stopped at once");
            Err(Failure::Told(failure::FAILED))
        }
    }
}

/// The last line: how many requests had to be cut off.
fn ending(cut: usize) -> String {
    match cut {
        0 => "stopped".to_owned(),
        cut => format!("stopped; {} took too long and were cut off", figures::count(cut, "request")),
    }
}

/// Tells what was found, then what changes. Ends with the gateway.
async fn tell(world: &World, handle: &impl Handler) {
    let mut changes = handle.changes();
    let mut known = loop {
        changes.borrow_and_update();
        let snapshot = handle.snapshot();
        if snapshot.settled {
            break snapshot;
        }
        if changes.changed().await.is_err() {
            return;
        }
    };
    for line in announcement::found(&known) {
        say(world, &line);
    }
    while changes.changed().await.is_ok() {
        tokio::time::sleep(QUIET).await;
        changes.borrow_and_update();
        let snapshot = handle.snapshot();
        for line in announcement::changed(&known, &snapshot) {
            say(world, &line);
        }
        known = snapshot;
    }
}

/// A gateway goes on serving when nobody reads any longer what it says.
fn say(world: &World, line: &str) {
    if let Err(failure) = world.terminal.line(line) {
        tracing::debug!(?failure, "stdout is gone");
    }
}
