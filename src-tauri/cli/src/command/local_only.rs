//! `pointsman local-only`: whether anything may leave this machine.

use clap::ValueEnum;
use pointsman_gateway::control::Command;

use crate::failure::Failure;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Turn it on or off, or tell how it is
    #[arg(default_value = "status")]
    wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Nothing leaves this machine
    On,
    /// Hosted models may answer
    Off,
    /// Tell how it is
    Status,
}

/// Turns it or tells it.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let on = match options.wanted {
        Wanted::On => true,
        Wanted::Off => false,
        Wanted::Status => return world.terminal.line(told(world.snapshot().await?.local_only)),
    };
    world.done(&Command::SetLocalOnly { on }).await?;
    world.terminal.line(told(on))
}

/// The one sentence for it.
pub(super) fn told(on: bool) -> &'static str {
    if on { "Local-only is on: nothing leaves this machine" } else { "Local-only is off: hosted models may answer" }
}
