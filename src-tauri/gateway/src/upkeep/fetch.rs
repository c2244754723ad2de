//! Fetches a file of known size and sum, and puts it in its place only once both are right.
//!
//! What broke off stays beside the place under another name, and the next try goes on from there. Nothing is sent but the
//! question; redirects are followed as far as their host is asked over TLS, since the sum says whether it was the right
//! one. Who wants the file, and whether anything may leave this machine, is `upkeep`'s business.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, LOCATION, RANGE, USER_AGENT};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::builtin::first::FirstModel;
use crate::discovery::{client, text};
use crate::machine;

/// The longest silence.
const SILENCE: Duration = Duration::from_secs(60);
/// How many redirects are followed.
const MOST_HOPS: usize = 5;
/// Left free on the disk beside the file.
const SPARE: u64 = 64 << 20;
/// The place that a mirror stands for.
const HUGGING_FACE: &str = "https://huggingface.co";

/// Where a row is fetched from, `mirror` being what `HF_ENDPOINT` says.
pub(super) fn address(row: &FirstModel, mirror: Option<&str>) -> Result<Url, String> {
    let mirror = mirror.map(|mirror| mirror.trim().trim_end_matches('/')).filter(|mirror| !mirror.is_empty());
    let url = match (mirror, row.url.strip_prefix(HUGGING_FACE)) {
        (Some(mirror), Some(path)) => format!("{mirror}{path}"),
        (_, _) => row.url.clone(),
    };
    url.parse().map_err(|_| "HF_ENDPOINT is no address".to_owned())
}

/// What is there of a file that is being fetched.
pub(super) fn part(folder: &Path, row: &FirstModel) -> PathBuf {
    folder.join(format!("{}.part", row.file))
}

/// Fetches it into `folder`, and tells how many bytes are there.
pub(super) async fn fetch(row: &FirstModel, from: &Url, folder: &Path, tell: impl Fn(&str, u64)) -> Result<(), String> {
    let part = part(folder, row);
    let disk = |error: std::io::Error| format!("{}: {error}", part.display());
    tokio::fs::create_dir_all(folder).await.map_err(disk)?;
    let mut there = tokio::fs::metadata(&part).await.map_or(0, |meta| meta.len());
    if there > row.bytes {
        tokio::fs::remove_file(&part).await.map_err(disk)?;
        there = 0;
    }
    let wanted = row.bytes - there + SPARE;
    if let Some(free) = machine::free_on_disk(folder.to_owned()).await
        && free < wanted
    {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        return Err(format!("needs {} MB on the disk, {} MB are free", megabytes(wanted), megabytes(free)));
    }
    if there < row.bytes {
        tell("asking for it", there);
        download(row, from, &part, there, &tell).await?;
    }
    tell("checking it", row.bytes);
    let sum = {
        let part = part.clone();
        tokio::task::spawn_blocking(move || sum(&part)).await.map_err(|_| "it was given up".to_owned())?
    };
    if sum.map_err(disk)? != row.sha256 {
        // What is wrong in it cannot be told, so the next try begins anew.
        let _ = tokio::fs::remove_file(&part).await;
        return Err("what came is not the file that was expected (its SHA-256 differs), and was deleted".to_owned());
    }
    tokio::fs::rename(&part, folder.join(&row.file)).await.map_err(disk)
}

async fn download(
    row: &FirstModel,
    from: &Url,
    part: &Path,
    there: u64,
    tell: &impl Fn(&str, u64),
) -> Result<(), String> {
    let disk = |error: std::io::Error| format!("{}: {error}", part.display());
    let mut response = ask(from, there).await?;
    let goes_on = response.status() == StatusCode::PARTIAL_CONTENT;
    if goes_on && !is_rest(&response, there) {
        return Err("the server answered with another part than was asked for".to_owned());
    }
    let mut file = tokio::fs::OpenOptions::new();
    file.create(true).write(true).append(goes_on).truncate(!goes_on);
    let mut file = file.open(part).await.map_err(disk)?;
    let mut there = if goes_on { there } else { 0 };
    let broke = |reason: String| format!("it broke off ({reason}); fetched again, it goes on from there");
    let received = async {
        while there < row.bytes {
            let chunk = tokio::time::timeout(SILENCE, response.chunk());
            let chunk = chunk.await.map_err(|_| broke("nothing came for a minute".to_owned()))?;
            let Some(chunk) = chunk.map_err(|error| broke(cause(error)))? else { break };
            there += chunk.len() as u64;
            if there > row.bytes {
                break;
            }
            file.write_all(&chunk).await.map_err(disk)?;
            tell("fetching", there);
        }
        Ok(())
    };
    let received: Result<(), String> = received.await;
    // Whatever came of it: the next try goes on from what lies there.
    file.flush().await.map_err(disk)?;
    file.sync_all().await.map_err(disk)?;
    received?;
    match there.cmp(&row.bytes) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(broke(format!("{there} of {} bytes", row.bytes))),
        std::cmp::Ordering::Greater => {
            let _ = tokio::fs::remove_file(part).await;
            Err(format!("the server has a larger file than the {} bytes that were expected", row.bytes))
        }
    }
}

/// The head of an answer with the file from that byte on, or with all of it.
async fn ask(from: &Url, there: u64) -> Result<reqwest::Response, String> {
    let client = client::elsewhere(false).map_err(|fault| fault.to_string())?;
    let mut url = from.clone();
    for _ in 0..=MOST_HOPS {
        let agent = concat!("pointsman/", env!("CARGO_PKG_VERSION"));
        let mut request = client.get(url.clone()).header(USER_AGENT, agent).header(ACCEPT_ENCODING, "identity");
        if there > 0 {
            request = request.header(RANGE, format!("bytes={there}-"));
        }
        let answer = tokio::time::timeout(SILENCE, request.send()).await;
        let host = url.host_str().unwrap_or_default().to_owned();
        let answer = answer.map_err(|_| format!("{host} did not answer within a minute"))?;
        let response = answer.map_err(|error| format!("{host}: {}", cause(error)))?;
        let status = response.status();
        if status == StatusCode::OK || (status == StatusCode::PARTIAL_CONTENT && there > 0) {
            return Ok(response);
        }
        if !status.is_redirection() {
            return Err(format!("{host} answered {status}"));
        }
        let next = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let next = next.and_then(|place| url.join(place).ok());
        let next = next.ok_or_else(|| format!("{host} answered {status} and names no place"))?;
        // A mirror on this machine may speak plainly; nobody is led out of TLS.
        if next.scheme() != "https" && next.scheme() != url.scheme() {
            return Err(format!("{host} leads to an address without TLS"));
        }
        url = next;
    }
    Err("it was led on and on, and came to nothing".to_owned())
}

/// Whether a partial answer begins where the file ends so far: `bytes 100-999/1000`.
fn is_rest(response: &reqwest::Response, there: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    range.strip_prefix("bytes ").and_then(|range| range.split('-').next()) == Some(&*there.to_string())
}

fn sum(file: &Path) -> std::io::Result<String> {
    let (mut file, mut sum, mut piece) = (std::fs::File::open(file)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
    }
    Ok(sum.finalize().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")))
}

fn cause(error: reqwest::Error) -> String {
    // The address that one was led to may hold a signature.
    text::printable(&crate::upstream::deepest(&error.without_url()), 200)
}

#[cfg(test)]
mod tests;
