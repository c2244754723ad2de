//! The lists that surfaces answer from memory: models in OpenAI's, Anthropic's and Ollama's shape.
//!
//! Rendered from one snapshot; no endpoint is asked, so that dead ones cost nothing. Shapes: OpenAI "List models",
//! Anthropic "List Models", Ollama `docs/api.md`. What Pointsman knows beyond them stands in extra fields.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::catalog::{Catalog, Endpoint, Model, ModelState};
use crate::error::Error;
use crate::protocol::Protocol;
use crate::routing;
use crate::settings::Settings;
use crate::timestamp::rfc3339;

/// A line of a list: the name to ask for and, unless it is a route, the model behind it.
struct Line<'a> {
    name: String,
    model: Option<(&'a Model, &'a Endpoint)>,
}

/// Routes first, then every model: by its own name once, and where several endpoints offer the same name, the others by
/// `endpoint:name`.
fn lines<'a>(catalog: &'a Catalog, settings: &'a Settings) -> Vec<Line<'a>> {
    let routes = settings.routes.keys().map(String::as_str).filter(|name| *name != routing::DEFAULT);
    let mut lines: Vec<Line<'a>> = std::iter::once(routing::DEFAULT)
        .chain(routes)
        .map(|name| Line { name: name.to_owned(), model: None })
        .collect();
    let mut taken: HashSet<&str> = settings.routes.keys().map(String::as_str).chain([routing::DEFAULT]).collect();
    for model in catalog.models() {
        let Some(endpoint) = catalog.endpoint(&model.endpoint) else { continue };
        if settings.local_only && !(model.local && endpoint.local) {
            continue;
        }
        let name = if taken.insert(&model.id) { model.id.to_string() } else { format!("{}:{}", endpoint.id, model.id) };
        lines.push(Line { name, model: Some((model, endpoint)) });
    }
    lines
}

/// `GET /v1/models`.
pub(super) fn openai(catalog: &Catalog, settings: &Settings) -> Bytes {
    let data: Vec<Value> = lines(catalog, settings).iter().map(openai_line).collect();
    Bytes::from(json!({"object": "list", "data": data}).to_string())
}

/// `GET /v1/models/{id}`, in OpenAI's shape or in Anthropic's.
pub(super) fn one(catalog: &Catalog, settings: &Settings, id: &str, anthropic: bool) -> Result<Bytes, Error> {
    // Slashes in names come escaped from some clients and plain from others.
    let id = id.replace("%2F", "/").replace("%2f", "/").replace("%3A", ":").replace("%3a", ":");
    let lines = lines(catalog, settings);
    let write = if anthropic { anthropic_line } else { openai_line };
    let line = lines.iter().find(|line| line.name == id).map(write).or_else(|| {
        let target = routing::lookup(catalog, &id).into_iter().next()?;
        let name = id.clone();
        Some(write(&Line { name, model: Some((&target.model, &target.endpoint)) }))
    });
    line.map(|line| Bytes::from(line.to_string())).ok_or_else(|| routing::not_found(catalog, settings, &id))
}

fn openai_line(line: &Line<'_>) -> Value {
    let Some((model, endpoint)) = line.model else {
        return json!({"id": line.name, "object": "model", "created": 0, "owned_by": "pointsman", "pointsman": {"route": true}});
    };
    let mut value = json!({
        "id": line.name,
        "object": "model",
        "created": model.created.unwrap_or(0),
        "owned_by": endpoint.origin.runtime().unwrap_or(&endpoint.id),
    });
    if let Some(context) = model.context.effective.or(model.context.trained) {
        value["context_length"] = context.into();
    }
    value["pointsman"] = json!({
        "endpoint": endpoint.id,
        "local": model.local && endpoint.local,
        "state": model.state,
        "size": model.size,
        "parameters": model.parameters,
        "quantisation": model.quantisation,
        "family": model.family,
        "context": model.context,
        "capabilities": model.capabilities,
        "memory": model.memory,
    });
    value
}

/// `GET /v1/models` for a caller that sends `anthropic-version`.
pub(super) fn anthropic(catalog: &Catalog, settings: &Settings) -> Bytes {
    let lines = lines(catalog, settings);
    let data: Vec<Value> = lines.iter().map(anthropic_line).collect();
    let name = |line: Option<&Line<'_>>| line.map(|line| line.name.clone());
    let (first, last) = (name(lines.first()), name(lines.last()));
    Bytes::from(json!({"data": data, "has_more": false, "first_id": first, "last_id": last}).to_string())
}

fn anthropic_line(line: &Line<'_>) -> Value {
    let created = line.model.and_then(|(model, _)| model.created).unwrap_or(0);
    json!({"type": "model", "id": line.name, "display_name": line.name, "created_at": rfc3339(created)})
}

/// The models that can be asked in Ollama's protocol.
fn ollama_models<'a>(catalog: &'a Catalog, settings: &'a Settings) -> impl Iterator<Item = (String, &'a Model)> {
    lines(catalog, settings).into_iter().filter_map(|line| {
        let (model, endpoint) = line.model?;
        endpoint.speaks.iter().any(|speaks| speaks.protocol == Protocol::Ollama).then_some((line.name, model))
    })
}

/// `GET /api/tags`.
pub(super) fn ollama_tags(catalog: &Catalog, settings: &Settings) -> Bytes {
    let models: Vec<Value> = ollama_models(catalog, settings).map(|(name, model)| ollama_line(&name, model)).collect();
    Bytes::from(json!({"models": models}).to_string())
}

/// `GET /api/ps`.
pub(super) fn ollama_loaded(catalog: &Catalog, settings: &Settings) -> Bytes {
    let loaded = ollama_models(catalog, settings).filter(|(_, model)| model.state == ModelState::Loaded);
    let models: Vec<Value> = loaded
        .map(|(name, model)| {
            let mut line = ollama_line(&name, model);
            line["size"] = model.memory.or(model.size).unwrap_or(0).into();
            line["size_vram"] = model.gpu_memory.unwrap_or(0).into();
            line["context_length"] = model.context.effective.unwrap_or(0).into();
            line["expires_at"] = "9999-12-31T23:59:59Z".into();
            line
        })
        .collect();
    Bytes::from(json!({"models": models}).to_string())
}

fn ollama_line(name: &str, model: &Model) -> Value {
    let known = model.capabilities;
    let capabilities: Vec<&str> = [
        (known.chat, "completion"),
        (known.tools == Some(true), "tools"),
        (known.vision == Some(true), "vision"),
        (known.reasoning == Some(true), "thinking"),
        (known.embeddings, "embedding"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect();
    json!({
        "name": name,
        "model": name,
        "modified_at": rfc3339(model.created.unwrap_or(0)),
        "size": model.size.unwrap_or(0),
        "digest": "",
        "details": {
            "parent_model": "",
            "format": model.format.as_deref().unwrap_or(""),
            "family": model.family.as_deref().unwrap_or(""),
            "families": model.family.iter().collect::<Vec<_>>(),
            "parameter_size": model.parameters.as_deref().unwrap_or(""),
            "quantization_level": model.quantisation.as_deref().unwrap_or(""),
            "context_length": model.context.trained.unwrap_or(0),
        },
        "capabilities": capabilities,
    })
}

/// `GET /api/version`. Clients compare it to know what they may ask; the features are those of this Ollama.
pub(super) fn ollama_version() -> Bytes {
    Bytes::from_static(b"{\"version\":\"0.17.4\"}")
}

/// `GET /.well-known/pointsman.json`.
pub(super) fn well_known(instance: &str) -> Bytes {
    Bytes::from(json!({"name": "pointsman", "version": env!("CARGO_PKG_VERSION"), "instance": instance}).to_string())
}
