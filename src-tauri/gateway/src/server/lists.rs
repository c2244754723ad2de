//! The lists that surfaces answer from memory: models in OpenAI's, Anthropic's, Gemini's and Ollama's shape.
//!
//! Rendered from one snapshot; no endpoint is asked, so that dead ones cost nothing. Shapes: OpenAI "List models",
//! Anthropic "List Models", Google "models.list", Ollama `docs/api.md`. What Pointsman knows beyond them stands in extra fields.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::catalog::{Catalog, Model};
use crate::error::Error;
use crate::protocol::{Operation, Protocol};
use crate::routing::{self, Asked, Target};
use crate::settings::Settings;
use crate::timestamp::rfc3339;

/// What can be told of a model in Ollama's shape.
pub(super) const OLLAMA_CAPABILITIES: [&str; 6] = ["completion", "tools", "vision", "thinking", "audio", "embedding"];

/// A line of a list: the name to ask for and the model that answers it; for a route the one that would answer now.
struct Line {
    name: String,
    route: bool,
    target: Option<Target>,
    /// The route's context setting.
    context: Option<u32>,
}

impl Line {
    /// How many tokens a request has: what the route sets, what the runtime gives, else what the model was made for.
    fn context(&self) -> Option<u32> {
        let known = self.target.as_ref().map(|target| target.model.context).unwrap_or_default();
        self.context.or(known.effective).or(known.trained)
    }

    /// The same for a tool that speaks Ollama's protocol: where that is the runtime's own, a tool sets the context by
    /// itself, up to what the model was made for.
    fn settable_context(&self) -> Option<u32> {
        let Some(target) = &self.target else { return self.context() };
        let settable = target.endpoint.speaks(Protocol::Ollama, Operation::Chat).is_some();
        let trained = target.model.context.trained.filter(|_| settable && self.context.is_none());
        trained.or_else(|| self.context())
    }
}

/// Routes first, then every model: by its own name once, and where several endpoints offer the same name, the others by
/// `endpoint:name`.
fn lines(catalog: &Catalog, settings: &Settings) -> Vec<Line> {
    let routes = settings.routes.keys().map(String::as_str).filter(|name| *name != routing::DEFAULT);
    let mut lines: Vec<Line> =
        std::iter::once(routing::DEFAULT).chain(routes).map(|name| route(catalog, settings, name)).collect();
    let mut taken: HashSet<&str> = settings.routes.keys().map(String::as_str).chain([routing::DEFAULT]).collect();
    for model in catalog.models() {
        let Some(endpoint) = catalog.endpoint(&model.endpoint) else { continue };
        let target = Target { endpoint: Arc::clone(endpoint), model: Arc::clone(model) };
        if settings.local_only && !target.local() {
            continue;
        }
        let name = if taken.insert(&model.id) { model.id.to_string() } else { format!("{}:{}", endpoint.id, model.id) };
        lines.push(Line { name, route: false, target: Some(target), context: None });
    }
    lines
}

fn route(catalog: &Catalog, settings: &Settings, name: &str) -> Line {
    let asked = Asked { name, operation: Operation::Chat, keyed: true, wrong_key: false };
    let choice = routing::route(catalog, settings, &asked, Instant::now()).ok();
    let context = choice.as_ref().and_then(|choice| choice.context);
    let target = choice.and_then(|choice| choice.targets.into_iter().next());
    Line { name: name.to_owned(), route: true, target, context }
}

/// The line for a name: one of the list, or any other name of a model.
fn line(catalog: &Catalog, settings: &Settings, name: &str) -> Result<Line, Error> {
    let listed = lines(catalog, settings).into_iter().find(|line| line.name == name);
    let known = || {
        let fits = |target: &Target| !settings.local_only || target.local();
        let target = routing::lookup(catalog, name).into_iter().find(fits)?;
        Some(Line { name: name.to_owned(), route: false, target: Some(target), context: None })
    };
    listed.or_else(known).ok_or_else(|| routing::not_found(catalog, settings, name))
}

/// `GET /v1/models`.
pub(super) fn openai(catalog: &Catalog, settings: &Settings) -> Bytes {
    let data: Vec<Value> = lines(catalog, settings).iter().map(openai_line).collect();
    Bytes::from(json!({"object": "list", "data": data}).to_string())
}

/// `GET /v1/models/{id}`, in a protocol's shape.
pub(super) fn one(catalog: &Catalog, settings: &Settings, id: &str, shape: Protocol) -> Result<Bytes, Error> {
    let write = match shape {
        Protocol::Anthropic => anthropic_line,
        Protocol::Gemini => gemini_line,
        Protocol::OpenAiChat
        | Protocol::OpenAiResponses
        | Protocol::Ollama
        | Protocol::BedrockConverse
        | Protocol::Cohere => openai_line,
    };
    line(catalog, settings, id).map(|line| Bytes::from(write(&line).to_string()))
}

fn openai_line(line: &Line) -> Value {
    let mut value = json!({"id": line.name, "object": "model", "created": 0, "owned_by": "pointsman"});
    if let Some(context) = line.context() {
        // One fact under the names that tools look for: OpenRouter's, vLLM's, and Groq's and Otari's.
        for name in ["context_length", "max_model_len", "context_window"] {
            value[name] = context.into();
        }
    }
    let Some(Target { model, endpoint }) = line.target.as_ref().filter(|_| !line.route) else {
        value["pointsman"] = json!({"route": true});
        return value;
    };
    value["created"] = model.created.unwrap_or(0).into();
    value["owned_by"] = endpoint.origin.runtime().unwrap_or(&endpoint.id).into();
    if let Some(terms) = &model.terms {
        if let Some(most) = terms.max_output {
            value["max_output_tokens"] = most.into();
        }
        // For a million tokens, in US dollars.
        value["pricing"] =
            json!({"input": terms.input_price, "output": terms.output_price, "cached_input": terms.cached_price});
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
        "terms": model.terms,
    });
    value
}

/// `GET /v1/models` for a caller that sends `anthropic-version`.
pub(super) fn anthropic(catalog: &Catalog, settings: &Settings) -> Bytes {
    let lines = lines(catalog, settings);
    let data: Vec<Value> = lines.iter().map(anthropic_line).collect();
    let name = |line: Option<&Line>| line.map(|line| line.name.clone());
    let (first, last) = (name(lines.first()), name(lines.last()));
    Bytes::from(json!({"data": data, "has_more": false, "first_id": first, "last_id": last}).to_string())
}

fn anthropic_line(line: &Line) -> Value {
    let created = line.target.as_ref().filter(|_| !line.route).and_then(|target| target.model.created).unwrap_or(0);
    let mut value =
        json!({"type": "model", "id": line.name, "display_name": line.name, "created_at": rfc3339(created)});
    if let Some(tokens) = line.context() {
        value["max_input_tokens"] = tokens.into();
    }
    value
}

/// `GET /v1beta/models`.
pub(super) fn gemini(catalog: &Catalog, settings: &Settings) -> Bytes {
    let models: Vec<Value> = lines(catalog, settings).iter().map(gemini_line).collect();
    Bytes::from(json!({"models": models}).to_string())
}

fn gemini_line(line: &Line) -> Value {
    let mut value = json!({"name": format!("models/{}", line.name), "version": "", "displayName": line.name});
    let known = line.target.as_ref().map(|target| target.model.capabilities).unwrap_or_default();
    if let Some(tokens) = line.context() {
        value["inputTokenLimit"] = tokens.into();
        // An answer shares the context with its prompt, where nothing tells a limit of its own.
        let terms = line.target.as_ref().and_then(|target| target.model.terms.as_ref());
        value["outputTokenLimit"] = terms.and_then(|terms| terms.max_output).unwrap_or(tokens).into();
    }
    let methods = [
        (known.chat, ["generateContent", "streamGenerateContent", "countTokens"].as_slice()),
        (known.embeddings, ["embedContent", "batchEmbedContents"].as_slice()),
    ];
    let methods: Vec<&str> =
        methods.into_iter().filter(|(can, _)| *can).flat_map(|(_, names)| names).copied().collect();
    value["supportedGenerationMethods"] = methods.into();
    if let Some(thinks) = known.reasoning {
        value["thinking"] = thinks.into();
    }
    value
}

/// The lines that Ollama's protocol can tell: a route that leads nowhere now has no model to describe.
fn ollama_lines(catalog: &Catalog, settings: &Settings) -> impl Iterator<Item = (Line, Arc<Model>)> {
    lines(catalog, settings).into_iter().filter_map(|line| {
        let model = Arc::clone(&line.target.as_ref()?.model);
        Some((line, model))
    })
}

/// `GET /api/tags`.
pub(super) fn ollama_tags(catalog: &Catalog, settings: &Settings) -> Bytes {
    let models: Vec<Value> = ollama_lines(catalog, settings)
        .map(|(line, model)| {
            let mut row = ollama_row(&line, &model);
            row["modified_at"] = rfc3339(model.created.unwrap_or(0)).into();
            row["capabilities"] = ollama_capabilities(&model).into();
            row
        })
        .collect();
    Bytes::from(json!({"models": models}).to_string())
}

/// `GET /api/ps`.
pub(super) fn ollama_loaded(catalog: &Catalog, settings: &Settings) -> Bytes {
    let loaded = ollama_lines(catalog, settings).filter(|(line, model)| !line.route && model.is_loaded());
    let models: Vec<Value> = loaded
        .map(|(line, model)| {
            let mut row = ollama_row(&line, &model);
            row["size"] = model.memory.or(model.size).unwrap_or(0).into();
            row["size_vram"] = model.gpu_memory.unwrap_or(0).into();
            row["context_length"] = line.context().unwrap_or(0).into();
            // Ollama's way to say that a model stays; when a runtime unloads one is its own business.
            row["expires_at"] = "9999-12-31T23:59:59Z".into();
            row
        })
        .collect();
    Bytes::from(json!({"models": models}).to_string())
}

/// What `POST /api/show` says of a model, and where that is. What only its runtime knows, such as its template, is empty.
pub(super) fn ollama_show(catalog: &Catalog, settings: &Settings, name: &str) -> Result<(Value, Target), Error> {
    let line = line(catalog, settings, name).or_else(|error| match routing::untagged(name) {
        Some(name) => line(catalog, settings, name),
        None => Err(error),
    })?;
    let Some(target) = &line.target else { return Err(routing::not_found(catalog, settings, name)) };
    let model = &target.model;
    let family = model.family.as_deref().unwrap_or("unknown");
    let mut info = serde_json::Map::new();
    info.insert("general.architecture".to_owned(), family.into());
    if let Some(context) = line.settable_context() {
        info.insert(format!("{family}.context_length"), context.into());
    }
    let parameters = match line.context.or(model.context.effective) {
        Some(context) => format!("num_ctx                        {context}"),
        None => String::new(),
    };
    let shown = json!({
        "license": "",
        "modelfile": "",
        "parameters": parameters,
        "template": "",
        "details": ollama_details(&line, model),
        "model_info": info,
        "capabilities": ollama_capabilities(model),
        "modified_at": rfc3339(model.created.unwrap_or(0)),
    });
    Ok((shown, target.clone()))
}

/// What `tags` and `ps` have in common.
fn ollama_row(line: &Line, model: &Model) -> Value {
    // Ollama's own names always have a tag; Open WebUI adds one to whatever it asks for, and then looks for that here.
    let tagged = if line.name.contains(':') { line.name.clone() } else { format!("{}:latest", line.name) };
    json!({
        "name": line.name,
        "model": tagged,
        "size": model.size.unwrap_or(0),
        "digest": digest(model),
        "details": ollama_details(line, model),
    })
}

fn ollama_details(line: &Line, model: &Model) -> Value {
    json!({
        "parent_model": "",
        "format": model.format.as_deref().unwrap_or(""),
        "family": model.family.as_deref().unwrap_or(""),
        "families": model.family.iter().collect::<Vec<_>>(),
        "parameter_size": model.parameters.as_deref().unwrap_or(""),
        "quantization_level": model.quantisation.as_deref().unwrap_or(""),
        "context_length": line.settable_context().unwrap_or(0),
    })
}

fn ollama_capabilities(model: &Model) -> Vec<&'static str> {
    let known = model.capabilities;
    let has = [
        known.chat,
        known.tools == Some(true),
        known.vision == Some(true),
        known.reasoning == Some(true),
        known.audio == Some(true),
        known.embeddings,
    ];
    OLLAMA_CAPABILITIES.into_iter().zip(has).filter_map(|(name, has)| has.then_some(name)).collect()
}

/// What a client tells two models apart by: the runtime's own, else one made of where the model is and what it is called.
fn digest(model: &Model) -> String {
    use std::fmt::Write as _;
    model.digest.clone().unwrap_or_else(|| {
        let hash = Sha256::new().chain_update(&*model.endpoint).chain_update([0]).chain_update(&*model.id).finalize();
        hash.iter().fold(String::with_capacity(64), |mut digits, byte| {
            // Writing to a text cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
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
