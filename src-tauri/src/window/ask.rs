//! The page asks the gateway: one command, one reply.

use std::sync::Arc;

use pointsman_gateway::control::client::Client;
use pointsman_gateway::control::{Command, Reply};
use pointsman_shared::world::World;
use tauri::State;

use crate::page::Page;

/// Has something done, and rejects with why it could not be.
#[tauri::command]
pub(crate) async fn ask(page: State<'_, Arc<Page>>, command: Command) -> Result<Reply, String> {
    match command {
        // The gateway is the tray's, and so is its end.
        Command::Stop => Err("a window does not stop the gateway; Quit in the tray does".to_owned()),
        Command::Watch | Command::WatchLive => {
            Err("that is answered without end: there is a command for it".to_owned())
        }
        command => call(&page.world, &command).await,
    }
}

/// Asks over the control socket.
pub(crate) async fn call(world: &World, command: &Command) -> Result<Reply, String> {
    let mut client = Client::connect(&world.folders).await.map_err(|error| error.to_string())?;
    match client.call(command).await.map_err(|error| error.to_string())? {
        Reply::Failed { message } => Err(message),
        reply => Ok(reply),
    }
}
