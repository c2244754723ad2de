//! The log, on stderr. Prompts, answers and keys are never in it: nothing logs them.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::world::World;

/// Starts it at a level (`info`), or as `RUST_LOG` says.
pub(crate) fn start(world: &World, level: &str) {
    let filter = match world.environment.get("RUST_LOG") {
        Some(directives) => EnvFilter::builder().parse_lossy(directives),
        None => EnvFilter::default().add_directive(level.parse::<LevelFilter>().unwrap_or(LevelFilter::INFO).into()),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(world.terminal.error_style())
        .with_writer(std::io::stderr)
        .finish();
    // A second start in one process changes nothing, which is all that a test needs.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
