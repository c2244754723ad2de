//! LM Studio's listing, in the newest of its three forms that it answers.
//!
//! Which form answers is remembered: each unknown path is an error line in the user's console.

use serde::Deserialize;

use super::rows::Rows;
use super::{Question, Unlisted, openai, parsed, tokens};
use crate::catalog::{Model, ModelState};
use crate::discovery::client::Site;
use crate::discovery::text;
use crate::protocol::Protocol;

/// The form of its listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// `/api/v1/models`, since 0.4.0.
    Rest1,
    /// `/api/v0/models`, since 0.3.6.
    Rest0,
    /// OpenAI's list alone.
    Plain,
}

/// Asks for the models.
pub(super) async fn list(
    site: &Site,
    question: &Question,
    generation: &mut Option<Generation>,
) -> Result<Vec<Model>, Unlisted> {
    let tried = match *generation {
        Some(known) => vec![known],
        None => vec![Generation::Rest1, Generation::Rest0, Generation::Plain],
    };
    let mut last = Unlisted::Unreadable { status: 404 };
    for form in tried {
        let plain = format!("{}/models", question.prefix(Protocol::OpenAiChat));
        let listed = match form {
            Generation::Rest1 => parsed(&site.get("/api/v1/models").await?, |json| rest1(json, question)),
            Generation::Rest0 => parsed(&site.get("/api/v0/models").await?, |json| rest0(json, question)),
            Generation::Plain => parsed(&site.get(&plain).await?, |json| openai::openai(json, question)),
        };
        match listed {
            Ok(models) => {
                *generation = Some(form);
                return Ok(models);
            }
            // It wants a key: the other forms would say the same.
            Err(Unlisted::Unreadable { status: 401 }) => return Err(Unlisted::Unreadable { status: 401 }),
            Err(error) => last = error,
        }
    }
    *generation = None;
    Err(last)
}

/// The models in an answer to `/api/v1/models`.
pub(super) fn rest1(json: &[u8], question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        models: Rows<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        key: String,
        #[serde(rename = "type", default)]
        kind: Option<String>,
        #[serde(default)]
        architecture: Option<String>,
        #[serde(default)]
        quantization: Option<Quantisation>,
        #[serde(default)]
        size_bytes: Option<u64>,
        #[serde(default)]
        params_string: Option<String>,
        #[serde(default)]
        loaded_instances: Rows<Instance>,
        #[serde(default)]
        max_context_length: Option<u64>,
        #[serde(default)]
        format: Option<String>,
        #[serde(default)]
        capabilities: Option<Can>,
    }
    #[derive(Deserialize)]
    struct Quantisation {
        name: Option<String>,
    }
    #[derive(Deserialize)]
    struct Instance {
        id: String,
        #[serde(default)]
        config: Option<Config>,
    }
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        context_length: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Can {
        #[serde(default)]
        vision: Option<bool>,
        #[serde(default)]
        trained_for_tool_use: Option<bool>,
        #[serde(default)]
        reasoning: Option<serde_json::Value>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let models = listed.models.0.into_iter().filter_map(|row| {
        let mut model = question.model(&row.key)?;
        let instances = row.loaded_instances.0;
        model.aliases = instances
            .iter()
            .filter(|instance| instance.id != row.key)
            .filter_map(|instance| text::name(&instance.id).map(Into::into))
            .collect();
        model.size = row.size_bytes.filter(|size| *size > 0);
        model.parameters = row.params_string.as_deref().and_then(text::fact);
        model.quantisation = row.quantization.and_then(|it| text::fact(&it.name?));
        model.family = row.architecture.as_deref().and_then(text::fact);
        model.format = row.format.as_deref().and_then(text::fact);
        model.context.trained = tokens(row.max_context_length);
        model.context.effective = instances.first().and_then(|it| tokens(it.config.as_ref()?.context_length));
        model.state = if instances.is_empty() { ModelState::Cold } else { ModelState::Loaded };
        kind(&mut model, row.kind.as_deref());
        if let Some(can) = row.capabilities {
            model.capabilities.vision = can.vision;
            model.capabilities.tools = can.trained_for_tool_use;
            model.capabilities.reasoning = Some(can.reasoning.is_some_and(|it| !it.is_null() && it != false));
        }
        Some(model)
    });
    Some(models.collect())
}

/// The models in an answer to `/api/v0/models`.
pub(super) fn rest0(json: &[u8], question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        data: Rows<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(rename = "type", default)]
        kind: Option<String>,
        #[serde(default)]
        arch: Option<String>,
        #[serde(default)]
        compatibility_type: Option<String>,
        #[serde(default)]
        quantization: Option<String>,
        #[serde(default)]
        state: Option<String>,
        #[serde(default)]
        max_context_length: Option<u64>,
        #[serde(default)]
        loaded_context_length: Option<u64>,
        #[serde(default)]
        capabilities: Option<Vec<String>>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let models = listed.data.0.into_iter().filter_map(|row| {
        let mut model = question.model(&row.id)?;
        model.quantisation = row.quantization.as_deref().and_then(text::fact);
        model.family = row.arch.as_deref().and_then(text::fact);
        model.format = row.compatibility_type.as_deref().and_then(text::fact);
        model.context.trained = tokens(row.max_context_length);
        model.context.effective = tokens(row.loaded_context_length);
        model.state = match row.state.as_deref() {
            Some("loaded") => ModelState::Loaded,
            Some("loading") => ModelState::Loading,
            Some("not-loaded") => ModelState::Cold,
            Some(_) | None => ModelState::Unknown,
        };
        kind(&mut model, row.kind.as_deref());
        model.capabilities.tools = row.capabilities.map(|names| names.iter().any(|name| name == "tool_use"));
        Some(model)
    });
    Some(models.collect())
}

fn kind(model: &mut Model, kind: Option<&str>) {
    match kind {
        Some("embedding" | "embeddings") => {
            model.capabilities.chat = false;
            model.capabilities.embeddings = true;
        }
        Some("vlm") => model.capabilities.vision = Some(true),
        Some(_) | None => {}
    }
}
