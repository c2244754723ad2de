//! llama.cpp's router. It answers before a model is loaded, so it is asked until it is.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::answer::accepted;
use super::pulls::Ticket;
use crate::discovery::client::Site;

/// Between two questions whether it is loaded.
const POLL: Duration = Duration::from_millis(250);

/// Loads it, and returns once it is loaded. Discovery is told in between: that it loads is worth seeing.
pub(super) async fn load(site: &Site, model: &str, rescan: &Notify) -> Result<(), String> {
    let answer = site.post("/models/load", json!({"model": model}).to_string().into()).await;
    match accepted(site, answer) {
        Err(reason) if reason.contains("already") => {}
        other => drop(other?),
    }
    rescan.notify_one();
    loop {
        let listed = accepted(site, site.get("/models").await)?;
        let rows = listed["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let row = rows.iter().find(|row| row["id"] == model).ok_or("the router does not list it any more")?;
        let status = &row["status"];
        if status["failed"] == true {
            return Err(format!("its server ended before it was loaded (exit code {})", status["exit_code"]));
        }
        match status["value"].as_str() {
            Some("loaded" | "sleeping") => return Ok(()),
            Some("loading" | "downloading" | "downloaded") => tokio::time::sleep(POLL).await,
            // It was unloaded meanwhile, to make room for another or because it failed.
            Some(_) | None => return Err("the router let it go again".to_owned()),
        }
    }
}

/// Between two questions how far a download is.
const PULL_POLL: Duration = Duration::from_millis(500);
/// How often in a row such a question may fail, or the model not be listed: it is so for a moment at both ends.
const VAIN: u32 = 6;

/// Has it fetched from Hugging Face into the router's cache, and returns when it is whole. The router says so to whoever
/// listens to its events; its list says the same to whoever asks, and asking is bounded in size and time.
pub(super) async fn pull(site: &Site, name: &str, ticket: &Ticket) -> Result<(), String> {
    let answer = site.post("/models", json!({"model": name}).to_string().into()).await;
    if answer.as_ref().is_ok_and(|answer| matches!(answer.status, 404 | 405)) {
        return Err("this version cannot be told to fetch a model; a newer llama-server can".to_owned());
    }
    accepted(site, answer)?;
    let (mut vain, mut seen) = (0, false);
    loop {
        tokio::time::sleep(PULL_POLL).await;
        let listed = accepted(site, site.get("/models").await);
        let row = listed.as_ref().ok().and_then(|listed| row(listed, name));
        match row {
            Some(row) if row["status"]["value"] == "downloading" => {
                (vain, seen) = (0, true);
                let files = row["status"]["progress"].as_object();
                let sum = |part: &str| {
                    let parts = files.into_iter().flatten().filter_map(|(_, file)| file[part].as_u64());
                    parts.fold(0, u64::saturating_add)
                };
                ticket.tell("fetching", sum("done"), Some(sum("total")).filter(|total| *total > 0));
            }
            Some(_) => return Ok(()),
            None if vain < VAIN => vain += 1,
            None => {
                listed?;
                let when = if seen { "broke off" } else { "was not begun" };
                return Err(format!("the download {when}; what llama-server wrote says why"));
            }
        }
    }
}

/// Gives a download up: the router takes the same word for it as for a model in memory.
pub(super) async fn give_up(site: &Site, name: &str) {
    let answer = site.post("/models/unload", json!({"model": name}).to_string().into()).await;
    if let Err(error) = accepted(site, answer) {
        tracing::debug!(%error, "a download was not given up");
    }
}

/// A model in the router's list. One that was asked for without its quantisation gets that of the file that was chosen.
fn row<'l>(listed: &'l Value, name: &str) -> Option<&'l Value> {
    let is_it = |row: &&Value| {
        let rest = row["id"].as_str().and_then(|id| id.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    listed["data"].as_array().map(Vec::as_slice).unwrap_or_default().iter().find(is_it)
}

/// Takes it out of memory.
pub(super) async fn unload(site: &Site, model: &str) -> Result<(), String> {
    let answer = site.post("/models/unload", json!({"model": model}).to_string().into()).await;
    match accepted(site, answer) {
        Err(reason) if reason.contains("not running") || reason.contains("not loaded") => Ok(()),
        other => other.map(drop),
    }
}
