//! The log: on stderr, and in a file a day, of which seven are kept. Prompts, answers and keys are never in it.

use pointsman_gateway::settings::read as settings;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::World;

/// How many days are kept.
const DAYS: usize = 7;

/// Who logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The tray's process: on stderr and in the file.
    Tray,
    /// The window's: on stderr only, which is the tray's. A file has one writer.
    Window,
}

/// Starts it, at the level in the settings or as `RUST_LOG` says.
pub fn start(world: &World, writer: Writer) -> Option<WorkerGuard> {
    let filter = match world.environment.get("RUST_LOG") {
        Some(directives) => EnvFilter::builder().parse_lossy(directives),
        None => EnvFilter::default().add_directive(level(world).into()),
    };
    let stderr = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(filter).with(stderr);
    let file = match writer {
        Writer::Tray => {
            let days = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(DAYS);
            // Made first, or the writer complains on stderr.
            let made = std::fs::create_dir_all(world.log());
            made.ok().and_then(|()| days.filename_prefix("pointsman").filename_suffix("log").build(world.log()).ok())
        }
        Writer::Window => None,
    };
    // A folder that cannot be written to must not keep the gateway from serving.
    let Some(file) = file else {
        let _ = tracing::subscriber::set_global_default(subscriber);
        return None;
    };
    let (writer, guard) = tracing_appender::non_blocking(file);
    let file = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let _ = tracing::subscriber::set_global_default(subscriber.with(file));
    Some(guard)
}

/// A broken file is told by the gateway, which then runs on its last good settings or the defaults.
fn level(world: &World) -> LevelFilter {
    let read = settings::load(&world.folders.settings());
    read.ok().and_then(|read| read.settings.log.level.parse().ok()).unwrap_or(LevelFilter::INFO)
}
