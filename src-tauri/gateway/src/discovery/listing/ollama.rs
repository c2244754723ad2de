//! Ollama's listing: what is installed, what is loaded, and for older servers what each model can do.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rows::Rows;
use super::{Listed, Question, Unlisted, parsed, time, tokens};
use crate::catalog::{Capabilities, Model, ModelState};
use crate::discovery::client::Site;
use crate::discovery::text;
use crate::protocol::Protocol;

/// How many details are asked at a time.
const AT_ONCE: usize = 4;
/// How long details may be asked before the list is told without the rest.
const DETAILS: Duration = Duration::from_millis(600);
/// The most models whose details are kept.
const MOST_SHOWN: usize = 10_000;

/// What `/api/show` tells of one model; kept by digest, since it changes only with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    capabilities: Option<Vec<String>>,
    trained: Option<u32>,
    configured: Option<u32>,
    remote: bool,
}

/// Asks for the models.
pub(super) async fn list(
    site: &Site,
    question: &Question,
    shown: &mut HashMap<String, Shown>,
) -> Result<Listed, Unlisted> {
    let prefix = question.prefix(Protocol::Ollama);
    let tags = parsed(&site.get(&format!("{prefix}/tags")).await?, rows::<Tag>)?;
    let running = site.get(&format!("{prefix}/ps")).await.ok();
    let running = running.and_then(|answer| parsed(&answer, rows::<Running>).ok());
    if shown.len() > MOST_SHOWN {
        shown.clear();
    }
    let unfinished = !ask_details(site, &format!("{prefix}/show"), &tags, shown).await;
    Ok(Listed { models: models(&tags, running.as_deref(), shown, question), unfinished })
}

/// Asks for what the list itself leaves out. Whether all could be asked in time.
async fn ask_details(site: &Site, path: &str, tags: &[Tag], shown: &mut HashMap<String, Shown>) -> bool {
    let wanted = tags
        .iter()
        .filter(|tag| tag.capabilities.is_none())
        .filter_map(|tag| Some((tag.key()?, tag.id()?)))
        .filter(|(key, _)| !shown.contains_key(*key))
        .map(|(key, id)| (key.to_owned(), serde_json::json!({ "model": id }).to_string()))
        .collect::<Vec<_>>();
    let answers = futures_util::stream::iter(wanted)
        .map(async |(key, body)| (key, site.post(path, Bytes::from(body)).await))
        .buffer_unordered(AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    // A server that is slow to tell details is listed without them, and asked on next time.
    let asked = tokio::time::timeout(DETAILS, async {
        while let Some((key, answer)) = answers.next().await {
            if let Ok(answer) = answer {
                shown.insert(key, parsed(&answer, details).unwrap_or_default());
            }
        }
    });
    asked.await.is_ok()
}

/// One model of `/api/tags`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    model: Option<String>,
    name: Option<String>,
    modified_at: Option<String>,
    size: Option<u64>,
    digest: Option<String>,
    details: Option<Details>,
    capabilities: Option<Vec<String>>,
    remote_model: Option<String>,
    remote_host: Option<String>,
}

impl Tag {
    fn id(&self) -> Option<&str> {
        self.model.as_deref().or(self.name.as_deref())
    }

    fn key(&self) -> Option<&str> {
        self.digest.as_deref().or(self.id()).filter(|key| key.len() <= 512)
    }

    fn is_remote(&self) -> bool {
        [&self.remote_model, &self.remote_host].into_iter().flatten().any(|remote| !remote.is_empty())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    format: Option<String>,
    family: Option<String>,
    parameter_size: Option<String>,
    quantization_level: Option<String>,
    context_length: Option<u64>,
}

/// One model of `/api/ps`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Running {
    model: String,
    size: Option<u64>,
    size_vram: Option<u64>,
    context_length: Option<u64>,
}

fn rows<T: DeserializeOwned>(json: &[u8]) -> Option<Vec<T>> {
    #[derive(Deserialize)]
    struct Listed<T: DeserializeOwned> {
        #[serde(bound = "")]
        models: Rows<T>,
    }
    serde_json::from_slice::<Listed<T>>(json).ok().map(|listed| listed.models.0)
}

fn details(json: &[u8]) -> Option<Shown> {
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Show {
        parameters: Option<String>,
        model_info: Option<serde_json::Map<String, Value>>,
        capabilities: Option<Vec<String>>,
        remote_model: Option<String>,
        remote_host: Option<String>,
    }
    let show: Show = serde_json::from_slice(json).ok()?;
    let info = show.model_info.unwrap_or_default();
    let trained = info
        .get("general.architecture")
        .and_then(Value::as_str)
        .and_then(|family| info.get(&format!("{family}.context_length"))?.as_u64());
    let parameters = show.parameters.unwrap_or_default();
    let configured = parameters.lines().find_map(|line| line.trim().strip_prefix("num_ctx")?.trim().parse().ok());
    let remote = [show.remote_model, show.remote_host].into_iter().flatten().any(|remote| !remote.is_empty());
    Some(Shown { capabilities: show.capabilities, trained: tokens(trained), configured: tokens(configured), remote })
}

fn models(
    tags: &[Tag],
    running: Option<&[Running]>,
    shown: &HashMap<String, Shown>,
    question: &Question,
) -> Vec<Model> {
    let loaded: Option<HashMap<&str, &Running>> =
        running.map(|running| running.iter().map(|model| (&*model.model, model)).collect());
    let nothing = Details::default();
    tags.iter()
        .filter_map(|tag| {
            let id = tag.id()?;
            let mut model = question.model(id)?;
            let details = tag.details.as_ref().unwrap_or(&nothing);
            let shown = tag.key().and_then(|key| shown.get(key));
            let fact = |text: &Option<String>| text.as_deref().and_then(text::fact);
            model.size = tag.size.filter(|size| *size > 0);
            model.parameters = fact(&details.parameter_size);
            model.quantisation = fact(&details.quantization_level).filter(|it| it != "unknown");
            model.family = fact(&details.family);
            model.format = fact(&details.format);
            model.digest = fact(&tag.digest);
            model.created = tag.modified_at.as_deref().and_then(time::seconds);
            model.context.trained = tokens(details.context_length).or(shown.and_then(|it| it.trained));
            let capabilities = tag.capabilities.as_ref().or(shown.and_then(|it| it.capabilities.as_ref()));
            if let Some(capabilities) = capabilities.filter(|it| !it.is_empty()) {
                model.capabilities = named(capabilities);
            }
            if tag.is_remote() || shown.is_some_and(|it| it.remote) {
                // Its prompts leave the machine although this server does not.
                model.local = false;
                model.state = ModelState::Hosted;
                return Some(model);
            }
            model.context.configured = shown.and_then(|it| it.configured);
            model.context.effective = model.context.configured;
            match loaded.as_ref().map(|loaded| loaded.get(id)) {
                None => {}
                Some(None) => model.state = ModelState::Cold,
                Some(Some(running)) => {
                    model.state = ModelState::Loaded;
                    model.memory = running.size.filter(|size| *size > 0);
                    model.gpu_memory = running.size_vram.filter(|_| model.memory.is_some());
                    model.context.effective = tokens(running.context_length).or(model.context.effective);
                }
            }
            Some(model)
        })
        .collect()
}

fn named(names: &[String]) -> Capabilities {
    let has = |name: &str| names.iter().any(|it| it == name);
    Capabilities {
        chat: has("completion"),
        tools: Some(has("tools")),
        vision: Some(has("vision")),
        reasoning: Some(has("thinking")),
        audio: Some(has("audio")),
        embeddings: has("embedding"),
        rerank: false,
    }
}

/// The models in the answers to `/api/tags` and `/api/ps`, with what `/api/show` answered for some of them.
#[cfg(test)]
pub(super) fn read(tags: &[u8], ps: &[u8], shows: &[(&str, &[u8])], question: &Question) -> Option<Vec<Model>> {
    let shown = shows.iter().filter_map(|(key, json)| Some(((*key).to_owned(), details(json)?))).collect();
    Some(models(&rows::<Tag>(tags)?, rows::<Running>(ps).as_deref(), &shown, question))
}
