//! `pointsman settings`: where they are, and what can be set.
//!
//! It reads and shows; a person changes the file with an editor, and the running gateway reads it again by itself.

use std::io;

use pointsman_gateway::settings::DEFAULTS;

use crate::failure::Failure;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Show every setting with its default and what it means
    #[arg(long, conflicts_with = "path")]
    defaults: bool,
    /// Show only where the file is
    #[arg(long)]
    path: bool,
}

/// Shows them.
pub(crate) fn run(world: &World, options: &Options) -> Result<(), Failure> {
    let path = world.folders.settings();
    if options.defaults {
        return world.terminal.bytes(DEFAULTS.as_bytes());
    }
    if options.path {
        return world.terminal.line(&path.display().to_string());
    }
    match std::fs::read(&path) {
        Ok(text) => world.terminal.bytes(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            world.terminal.note(&format!(
                "Nothing is set, every default holds (`pointsman settings --defaults`); to change one, write it to {}",
                path.display()
            ));
            Ok(())
        }
        Err(error) => Err(Failure::Failed(anyhow::anyhow!("{} cannot be read: {error}", path.display()))),
    }
}
