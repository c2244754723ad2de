//! What an endpoint offers: one model with all that is known of it.
//!
//! Facts only, each from the runtime's own listing or from the file's header. Nothing here guesses: what a runtime does
//! not tell stays `None`. How sources are merged is `discovery::listing`'s business, who may answer is `routing`'s.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::{EndpointId, Terms};
use crate::timestamp::milliseconds;

/// One model on one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
pub struct Model {
    /// The name as the endpoint wants to hear it; sent upstream unchanged.
    pub id: Arc<str>,
    /// Other names under which the endpoint answers for the same model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub aliases: Vec<Arc<str>>,
    /// Where it is offered.
    pub endpoint: EndpointId,
    /// Size of the weights in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Number of parameters as vendors write it: `8.2B`, `26B-A4B`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// `Q4_K_M`, `4bit`, `F16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<String>,
    /// Architecture family: `qwen3`, `llama`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// File format: `gguf`, `mlx`, `safetensors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// How many tokens fit.
    #[serde(default)]
    pub context: Context,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Whether it is in memory now.
    #[serde(default)]
    pub state: ModelState,
    /// Since when it was seen loaded: kept by the catalog from one listing to the next, whatever a listing says.
    #[serde(skip)]
    pub loaded_since: Option<Instant>,
    /// The same for whoever is told: milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded_ms: Option<i64>,
    /// Whether its server takes models into memory and out of it as it is told: a llama.cpp router's does.
    #[serde(skip)]
    pub exchanged: bool,
    /// Memory that it holds while loaded, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The part of `memory` that is on a GPU, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
    /// What the runtime says its content is known by, where it tells: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether prompts stay on this machine. False for a hosted model, for an endpoint elsewhere, and for the cloud
    /// models that a local runtime lists beside its own (Ollama's `:cloud`).
    pub local: bool,
    /// What it costs and what is promised of it, where it is a provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// When it was made or fetched, seconds since 1970, where the runtime tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
}

impl Model {
    /// A model of which only the name is known.
    pub fn named(id: impl Into<Arc<str>>, endpoint: EndpointId, local: bool) -> Model {
        Model {
            id: id.into(),
            aliases: Vec::new(),
            endpoint,
            size: None,
            parameters: None,
            quantisation: None,
            family: None,
            format: None,
            context: Context::default(),
            capabilities: Capabilities::default(),
            state: ModelState::default(),
            loaded_since: None,
            loaded_ms: None,
            exchanged: false,
            memory: None,
            gpu_memory: None,
            digest: None,
            local,
            terms: None,
            created: None,
        }
    }

    /// Whether a chat can be sent to it.
    pub fn chats(&self) -> bool {
        self.capabilities.chat
    }

    /// As it is told at this moment: with the time since when it is loaded, if it is.
    pub fn told(&self, now: (Instant, SystemTime)) -> Model {
        let since = self.loaded_since.and_then(|since| now.1.checked_sub(now.0.saturating_duration_since(since)));
        Model { loaded_ms: since.map(milliseconds), ..self.clone() }
    }

    /// Whether it answers without being loaded first.
    pub fn is_loaded(&self) -> bool {
        self.state == ModelState::Loaded
    }
}

/// Context lengths in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
pub struct Context {
    /// What the model was trained for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<u32>,
    /// What the runtime really gives one request now; the one that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<u32>,
    /// What its owner set for it; the runtime gives no other unless a request says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<u32>,
}

/// What a model can do. `None` means that the runtime does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
pub struct Capabilities {
    /// Answers conversations.
    pub chat: bool,
    /// Calls tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Sees images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<bool>,
    /// Thinks before it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Hears audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<bool>,
    /// Makes vectors.
    #[serde(default)]
    pub embeddings: bool,
    /// Orders documents.
    #[serde(default)]
    pub rerank: bool,
}

impl Capabilities {
    /// Whether it does anything of what is asked here.
    pub fn is_of_use(&self) -> bool {
        self.chat || self.embeddings || self.rerank
    }
}

impl Default for Capabilities {
    /// A model of which nothing is said is a chat model: that is what most listings leave unsaid.
    fn default() -> Capabilities {
        Capabilities {
            chat: true,
            tools: None,
            vision: None,
            reasoning: None,
            audio: None,
            embeddings: false,
            rerank: false,
        }
    }
}

/// Whether a model is in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// In memory: the first token comes at once.
    Loaded,
    /// Being loaded.
    Loading,
    /// On disk: the first request waits for the load.
    Cold,
    /// Served by someone else's machine; nothing to load.
    Hosted,
    /// The runtime does not tell.
    #[default]
    Unknown,
}
