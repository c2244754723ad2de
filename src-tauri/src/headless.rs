//! The gateway where there is no display: as `pointsman serve` does it, and nothing else.

use pointsman_gateway::control::Command;
use pointsman_gateway::control::socket::Handler;
use pointsman_gateway::gateway;
use pointsman_shared::world::World;

use crate::keeper;
use crate::signals::Signals;

/// Serves until asked to stop; a second request cuts what is still open.
pub(crate) async fn run(world: World) -> anyhow::Result<i32> {
    let mut signals = Signals::new()?;
    pointsman_gateway::server::allow_many_files();
    let running = gateway::start(keeper::start(&world)).await?;
    for address in &running.addresses {
        tracing::info!(target: "desktop", "no display: listening on {address}, without tray and window");
    }
    let handle = running.handle.clone();
    let mut stopped = std::pin::pin!(running.stopped());
    tokio::select! {
        _ = &mut stopped => return Ok(0),
        () = signals.asked_to_stop() => {}
    }
    handle.call(Command::Stop).await;
    tokio::select! {
        _ = stopped => Ok(0),
        () = signals.asked_to_stop() => Ok(1),
    }
}
