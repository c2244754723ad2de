//! `pointsman pause` and `pointsman resume`: whether requests to models are answered at all.

use pointsman_gateway::control::Command;

use crate::failure::Failure;
use crate::world::World;

/// Refuses what is asked of models, or goes on; what is being answered ends in peace.
pub(crate) async fn run(world: &World, on: bool) -> Result<(), Failure> {
    world.done(&Command::SetPaused { on }).await?;
    world.terminal.line(if on {
        "Paused: requests to models are refused until `pointsman resume`"
    } else {
        "Serving: requests to models are answered again"
    })
}
