//! llama.cpp's router. It answers before a model is loaded, so it is asked until it is.

use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

use super::answer::accepted;
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

/// Takes it out of memory.
pub(super) async fn unload(site: &Site, model: &str) -> Result<(), String> {
    let answer = site.post("/models/unload", json!({"model": model}).to_string().into()).await;
    match accepted(site, answer) {
        Err(reason) if reason.contains("not running") || reason.contains("not loaded") => Ok(()),
        other => other.map(drop),
    }
}
