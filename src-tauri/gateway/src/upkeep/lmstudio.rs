//! LM Studio 0.4 and later. A second load makes a second instance of the model, so it is asked first what is loaded.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{accepted, told};
use super::pulls::Ticket;
use crate::discovery::client::Site;

/// Between two questions how far a download is.
const POLL: Duration = Duration::from_secs(1);
/// How often in a row such a question may fail.
const VAIN: u32 = 10;

/// Loads it, unless it is loaded.
pub(super) async fn load(site: &Site, model: &str) -> Result<(), String> {
    if !instances(site, model).await?.is_empty() {
        return Ok(());
    }
    let answer = site.post("/api/v1/models/load", json!({"model": model}).to_string().into()).await;
    accepted(site, answer).map(drop)
}

/// Takes every instance of it out of memory.
pub(super) async fn unload(site: &Site, model: &str) -> Result<(), String> {
    for instance in instances(site, model).await? {
        let body = json!({"instance_id": instance}).to_string();
        accepted(site, site.post("/api/v1/models/unload", body.into()).await)?;
    }
    Ok(())
}

/// The instances of a model that are in memory.
async fn instances(site: &Site, model: &str) -> Result<Vec<String>, String> {
    let listed = accepted(site, site.get("/api/v1/models").await)?;
    let rows = listed["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = rows.iter().find(|row| row["key"] == model);
    let row = row.ok_or("it does not list the model any more")?;
    let loaded = row["loaded_instances"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(loaded.iter().filter_map(|instance| instance["id"].as_str().map(str::to_owned)).collect())
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    job_id: Option<String>,
    status: String,
    #[serde(default)]
    total_size_bytes: Option<u64>,
    #[serde(default)]
    downloaded_bytes: Option<u64>,
}

/// Fetches it, and returns when it is whole.
pub(super) async fn pull(site: &Site, name: &str, ticket: &Ticket) -> Result<(), String> {
    let begun = site.post("/api/v1/models/download", json!({"model": name}).to_string().into()).await;
    let mut job = job(accepted(site, begun)?)?;
    let id = job.job_id.clone();
    let mut vain = 0;
    loop {
        match &*job.status {
            "completed" | "already_downloaded" => return Ok(()),
            "failed" => return Err("the download failed; its own window may say why".to_owned()),
            _ => {}
        }
        ticket.tell(&told(site, &job.status), job.downloaded_bytes.unwrap_or(0), job.total_size_bytes);
        // It is a part of a path now, whatever it was.
        let plain = |id: &&String| id.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'));
        let id = id.as_ref().filter(plain).ok_or("it began a download that cannot be asked about")?;
        tokio::time::sleep(POLL).await;
        job = match accepted(site, site.get(&format!("/api/v1/models/download/status/{id}")).await).and_then(self::job)
        {
            Ok(job) => job,
            Err(reason) if vain == VAIN => return Err(reason),
            Err(_) => {
                vain += 1;
                continue;
            }
        };
        vain = 0;
    }
}

fn job(value: Value) -> Result<Job, String> {
    serde_json::from_value(value).map_err(|_| "it answered something else than a download".to_owned())
}
