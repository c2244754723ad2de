//! The page is told what changes: snapshots as events, live requests over a channel.
//!
//! Where the gateway is gone the page hears why, and hears the next snapshot as soon as it is back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use pointsman_gateway::control::client::{Client, Error};
use pointsman_gateway::control::{LiveRequest, Snapshot};
use pointsman_shared::world::World;
use tauri::ipc::Channel;
use tauri::{AppHandle, Emitter, State};

use crate::page::Page;

/// The pause before a gateway that is gone is looked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the window waits for what it could show first; later it is told anyway.
const SOON: Duration = Duration::from_millis(100);
/// What changes in so short a time is told once.
const BURST: Duration = Duration::from_millis(50);

/// Everything there is to show at this moment, if the gateway says so at once.
pub(crate) async fn first(world: &World) -> Option<Snapshot> {
    let ask = async { Client::connect(&world.folders).await.ok()?.watch().await.ok()?.next().await };
    tokio::time::timeout(SOON, ask).await.ok().flatten()
}

/// Leaves it where the page looks for it when it starts.
pub(crate) fn script(snapshot: &Snapshot) -> String {
    // JSON is JavaScript, and a script that stands in no page needs no escapes.
    serde_json::to_string(snapshot).map_or_else(|_| String::new(), |json| format!("globalThis.firstSnapshot = {json};"))
}

/// Begins to tell: event `snapshot` now and after each change, event `gone` with the reason while there is none.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(crate) fn watch(app: AppHandle, page: State<'_, Arc<Page>>) {
    let watching = tauri::async_runtime::spawn(tell(app.clone(), Arc::clone(&page)));
    page.listens(&app, watching);
}

async fn tell(app: AppHandle, page: Arc<Page>) {
    let mut told = None;
    let mut trouble = page.trouble.subscribe();
    loop {
        let reason = match follow(&app, &page).await {
            // It may have stopped between two words: the next try says more.
            Ok(()) => Error::NotRunning.to_string(),
            Err(error) => error.to_string(),
        };
        let reason = trouble.borrow_and_update().clone().unwrap_or(reason);
        if told.as_ref() != Some(&reason) {
            emit(&app, "gone", &reason);
            told = Some(reason);
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = trouble.changed() => {}
        }
        // The next snapshot clears it.
        if Client::connect(&page.world.folders).await.is_ok() {
            told = None;
        }
    }
}

async fn follow(app: &AppHandle, page: &Page) -> Result<(), Error> {
    let mut snapshots = Client::connect(&page.world.folders).await?.watch().await?;
    while let Some(snapshot) = latest(&mut snapshots).await {
        emit(app, "snapshot", &snapshot);
    }
    Ok(())
}

/// The next one, or the last of a burst.
async fn latest(snapshots: &mut (impl Stream<Item = Snapshot> + Unpin)) -> Option<Snapshot> {
    let mut snapshot = snapshots.next().await?;
    while let Some(newer) = snapshots.next().now_or_never() {
        snapshot = newer?;
    }
    Some(snapshot)
}

fn emit(app: &AppHandle, event: &str, payload: &(impl serde::Serialize + Clone)) {
    if let Err(error) = app.emit(event, payload) {
        tracing::warn!(target: "window", %error, event, "the page could not be told");
    }
}

/// Begins to tell of the requests that are being answered.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(crate) fn watch_live(page: State<'_, Arc<Page>>, channel: Channel<Vec<LiveRequest>>) {
    let its = Arc::clone(&page);
    page.listens_live(tauri::async_runtime::spawn(async move {
        loop {
            let watch = async { Client::connect(&its.world.folders).await?.watch_live().await };
            if let Ok(mut live) = watch.await {
                while let Some(requests) = live.next().await {
                    if channel.send(requests).is_err() {
                        return;
                    }
                    tokio::time::sleep(BURST).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }));
}
