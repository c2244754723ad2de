//! Ollama: a request without a prompt loads a model, one that is to be kept for no time unloads it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::answer::{accepted, told};
use super::pulls::Ticket;
use crate::catalog::Model;
use crate::discovery::client::Site;

/// The longest silence in a download: a large model's sum is made in it.
const SILENCE: Duration = Duration::from_secs(900);

/// Loads it, for as long as Ollama keeps models by its own settings.
pub(super) async fn load(site: &Site, model: &Model) -> Result<(), String> {
    let body = json!({"model": &*model.id, "stream": false}).to_string();
    let answer = site.post(path(model), body.into()).await;
    accepted(site, answer).map(drop)
}

/// Takes it out of memory.
pub(super) async fn unload(site: &Site, model: &Model) -> Result<(), String> {
    let body = json!({"model": &*model.id, "stream": false, "keep_alive": 0}).to_string();
    let answer = site.post(path(model), body.into()).await;
    accepted(site, answer).map(drop)
}

/// One that makes vectors answers no prompt, not even an empty one.
fn path(model: &Model) -> &'static str {
    if model.capabilities.embeddings && !model.capabilities.chat { "/api/embed" } else { "/api/generate" }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    status: String,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    completed: Option<u64>,
    #[serde(default)]
    error: Option<String>,
}

/// Fetches it, and returns when it is whole. Ollama gives up when nobody listens any more, and goes on when it is asked
/// again. A registry without TLS is never taken: that would need the user's own word.
pub(super) async fn pull(site: &Site, name: &str, ticket: &Ticket) -> Result<(), String> {
    let body = json!({"model": name, "stream": true}).to_string();
    let mut lines = site.lines("/api/pull", body.into(), SILENCE).await.map_err(|fault| fault.to_string())?;
    // A line a layer, again and again: its size and what has come of it.
    let mut layers: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    while let Some(line) = lines.next().await.map_err(|fault| fault.to_string())? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Ok(line) = serde_json::from_slice::<Line>(&line) else {
            return Err(format!("it answered {} and nothing that can be read", lines.status));
        };
        if let Some(error) = line.error {
            return Err(told(site, &error));
        }
        if line.status == "success" {
            return Ok(());
        }
        if let (Some(digest), Some(total)) = (line.digest, line.total)
            && (layers.len() < MOST_LAYERS || layers.contains_key(&digest))
        {
            layers.insert(digest, (total, line.completed.unwrap_or(0).min(total)));
        }
        let sum = |part: fn(&(u64, u64)) -> u64| layers.values().map(part).fold(0, u64::saturating_add);
        let total = sum(|layer| layer.0);
        ticket.tell(&told(site, &line.status), sum(|layer| layer.1), (total > 0).then_some(total));
    }
    Err("it broke off before the model was whole; fetched again, it goes on from there".to_owned())
}

/// The most layers that are counted: a real model has a handful.
const MOST_LAYERS: usize = 1_000;
