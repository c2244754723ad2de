//! What a path asks for: protocol and operation, or something the catalog answers itself.
//!
//! A pure table of paths. It reads no body and knows no endpoint; [`peek`] and [`turn`] look into bodies, [`mlflow`] knows the paths
//! of another gateway, `server` joins them.

pub mod mlflow;
pub mod peek;
pub mod turn;

use http::Method;

use crate::protocol::{Holding, Operation, Protocol, gemini};

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A question to a model.
    Infer(Protocol, Operation),
    /// Anything in the own API of an endpoint, by the endpoint's name and the path there.
    Proxy(&'a str, &'a str),
    /// What an account holds at its provider, and the path there, with the protocol's own word first.
    Held(Protocol, Holding, &'a str),
    /// A question whose model stands in the path, as the path writes it, and whose body says what kind it is.
    Invoke(&'a str),
    /// The list of models, in OpenAI's shape or, for a caller that says so, in Anthropic's.
    Models,
    /// One model of that list.
    Model(&'a str),
    /// One kept response, by its id.
    Response(&'a str),
    /// Its input items.
    ResponseItems(&'a str),
    /// A word to stop it.
    ResponseCancel(&'a str),
    /// The list of models in Gemini's shape.
    GeminiModels,
    /// One model of that list, its name as the path writes it.
    GeminiModel(&'a str),
    /// Ollama's list of models.
    OllamaTags,
    /// Ollama's list of loaded models.
    OllamaLoaded,
    /// One model's details in Ollama's shape.
    OllamaShow,
    /// Ollama's version.
    OllamaVersion,
    /// An Ollama route that changes what is on disk or loaded; refused.
    OllamaChange(&'static str),
    /// Who we are, for probes of another Pointsman.
    WellKnown,
    /// A word for a person who opens the address in a browser.
    Root,
    /// Whether we are up.
    Health,
}

/// What a path is for; `None` if for nothing. A path of [`mlflow`] is made plain before.
pub fn place(path: &str) -> Option<Place<'_>> {
    if let Some((endpoint, rest)) = path.strip_prefix("/gateway/proxy/").and_then(|rest| rest.split_once('/')) {
        return Some(Place::Proxy(endpoint, rest)).filter(|_| !endpoint.is_empty() && !rest.is_empty());
    }
    if let Some(name) = mlflow::invoked(path) {
        return Some(Place::Invoke(name));
    }
    if let Some(path) = path.strip_prefix("/api/") {
        return ollama(path);
    }
    if let Some(place) = gemini(path) {
        return Some(place);
    }
    // Some tools are told a base URL with `/v1`, some without.
    let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let infer = |protocol, operation| Some(Place::Infer(protocol, operation));
    match path {
        "/chat/completions" => infer(Protocol::OpenAiChat, Operation::Chat),
        "/completions" => infer(Protocol::OpenAiChat, Operation::Completion),
        "/embeddings" => infer(Protocol::OpenAiChat, Operation::Embeddings),
        "/audio/transcriptions" => infer(Protocol::OpenAiChat, Operation::Transcription),
        "/audio/translations" => infer(Protocol::OpenAiChat, Operation::Translation),
        "/rerank" => infer(Protocol::OpenAiChat, Operation::Rerank),
        "/images/generations" => infer(Protocol::OpenAiChat, Operation::Images),
        "/images/edits" => infer(Protocol::OpenAiChat, Operation::ImageEdit),
        "/audio/speech" => infer(Protocol::OpenAiChat, Operation::Speech),
        "/moderations" => infer(Protocol::OpenAiChat, Operation::Moderation),
        "/responses" => infer(Protocol::OpenAiResponses, Operation::Chat),
        "/messages" => infer(Protocol::Anthropic, Operation::Chat),
        "/messages/count_tokens" => infer(Protocol::Anthropic, Operation::CountTokens),
        "/models" => Some(Place::Models),
        _ if let Some(held) = held(path) => Some(held),
        "/.well-known/pointsman.json" => Some(Place::WellKnown),
        "/health" | "/health/liveness" | "/health/readiness" => Some(Place::Health),
        "/" => Some(Place::Root),
        _ => match path.strip_prefix("/models/").filter(|id| !id.is_empty()) {
            Some(id) => Some(Place::Model(id)),
            None => kept(path.strip_prefix("/responses/")?),
        },
    }
}

/// Files and batches, and what is below them.
fn held(path: &str) -> Option<Place<'_>> {
    let below = |word: &str| path.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match path {
        _ if below("/files") => Some(Place::Held(Protocol::OpenAiChat, Holding::Files, path)),
        _ if below("/batches") => Some(Place::Held(Protocol::OpenAiChat, Holding::Batches, path)),
        _ if below("/messages/batches") => Some(Place::Held(Protocol::Anthropic, Holding::Batches, path)),
        _ => None,
    }
}

/// What is below `/responses/`: an id, perhaps with a word behind it.
fn kept(path: &str) -> Option<Place<'_>> {
    let (id, word) = path.split_once('/').map_or((path, None), |(id, word)| (id, Some(word)));
    match (id, word) {
        // Questions of OpenAI's own, which are not answered here.
        ("" | "input_tokens" | "compact", _) => None,
        (id, None) => Some(Place::Response(id)),
        (id, Some("input_items")) => Some(Place::ResponseItems(id)),
        (id, Some("cancel")) => Some(Place::ResponseCancel(id)),
        (_, Some(_)) => None,
    }
}

/// Google's versions of its API. Under `/v1`, where Google's SDKs ask too, lists stay OpenAI's, unless the caller shows
/// itself to be one of those SDKs; a model's name with a verb is nobody else's.
fn gemini(path: &str) -> Option<Place<'_>> {
    if let Some(call) = gemini::path::call(path) {
        return Some(Place::Infer(Protocol::Gemini, call.verb.operation()));
    }
    let rest = ["/v1beta/models", "/v1beta1/models"].iter().find_map(|list| path.strip_prefix(list))?;
    match rest.strip_prefix('/') {
        Some(id) if !id.is_empty() => Some(Place::GeminiModel(id)),
        Some(_) => Some(Place::GeminiModels),
        None => rest.is_empty().then_some(Place::GeminiModels),
    }
}

fn ollama(path: &str) -> Option<Place<'_>> {
    let infer = |operation| Some(Place::Infer(Protocol::Ollama, operation));
    match path {
        "chat" => infer(Operation::Chat),
        "generate" => infer(Operation::Completion),
        "embed" => infer(Operation::Embeddings),
        "embeddings" => infer(Operation::SingleEmbedding),
        "show" => Some(Place::OllamaShow),
        "tags" => Some(Place::OllamaTags),
        "ps" => Some(Place::OllamaLoaded),
        "version" => Some(Place::OllamaVersion),
        "pull" => Some(Place::OllamaChange("pulling a model")),
        "push" => Some(Place::OllamaChange("pushing a model")),
        "create" => Some(Place::OllamaChange("creating a model")),
        "copy" => Some(Place::OllamaChange("copying a model")),
        "delete" => Some(Place::OllamaChange("deleting a model")),
        _ if path.starts_with("blobs/") => Some(Place::OllamaChange("uploading a model")),
        _ => None,
    }
}

impl Place<'_> {
    /// Whether a method fits, and which do.
    pub fn allows(self, method: &Method) -> Result<(), &'static str> {
        let (fits, allowed) = match self {
            Place::Infer(..) | Place::Invoke(_) | Place::OllamaShow | Place::ResponseCancel(_) => {
                (method == Method::POST, "POST")
            }
            Place::Response(_) => (method == Method::GET || method == Method::DELETE, "GET, DELETE"),
            Place::ResponseItems(_) => (method == Method::GET, "GET"),
            Place::OllamaChange(_) | Place::Proxy(..) => (true, ""),
            Place::Held(..) => {
                let fits = [Method::GET, Method::POST, Method::DELETE].contains(method);
                (fits, "GET, POST, DELETE")
            }
            Place::Models
            | Place::Model(_)
            | Place::GeminiModels
            | Place::GeminiModel(_)
            | Place::OllamaTags
            | Place::OllamaLoaded
            | Place::OllamaVersion
            | Place::WellKnown
            | Place::Root
            | Place::Health => (method == Method::GET || method == Method::HEAD, "GET, HEAD"),
        };
        if fits { Ok(()) } else { Err(allowed) }
    }

    /// Whether an Ollama has it at this path: its own API, and what it has of others' under `/v1`.
    pub fn is_ollamas(self, path: &str) -> bool {
        let below_v1 = path.starts_with("/v1/");
        match self {
            Place::Infer(Protocol::Ollama, _) => true,
            Place::Infer(Protocol::Gemini | Protocol::BedrockConverse | Protocol::Cohere, _) => false,
            Place::Infer(Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::Anthropic, operation) => {
                let answered = [Operation::Chat, Operation::Completion, Operation::Embeddings, Operation::CountTokens];
                below_v1 && answered.contains(&operation)
            }
            Place::Models | Place::Model(_) => below_v1,
            Place::OllamaTags
            | Place::OllamaLoaded
            | Place::OllamaShow
            | Place::OllamaVersion
            | Place::OllamaChange(_)
            | Place::Root => true,
            Place::Invoke(_)
            | Place::Proxy(..)
            | Place::Held(..)
            | Place::Response(_)
            | Place::ResponseItems(_)
            | Place::ResponseCancel(_)
            | Place::GeminiModels
            | Place::GeminiModel(_)
            | Place::WellKnown
            | Place::Health => false,
        }
    }

    /// The protocol whose error shape fits.
    pub fn protocol(self) -> Protocol {
        match self {
            Place::Infer(protocol, _) | Place::Held(protocol, ..) => protocol,
            Place::Response(_) | Place::ResponseItems(_) | Place::ResponseCancel(_) => Protocol::OpenAiResponses,
            Place::GeminiModels | Place::GeminiModel(_) => Protocol::Gemini,
            Place::OllamaTags
            | Place::OllamaLoaded
            | Place::OllamaShow
            | Place::OllamaVersion
            | Place::OllamaChange(_) => Protocol::Ollama,
            Place::Invoke(_)
            | Place::Proxy(..)
            | Place::Models
            | Place::Model(_)
            | Place::WellKnown
            | Place::Root
            | Place::Health => Protocol::OpenAiChat,
        }
    }
}

/// The protocol whose error shape fits a path that is for nothing.
pub fn protocol_of_unknown(path: &str) -> Protocol {
    if let Some(protocol) = mlflow::protocol(path) {
        protocol
    } else if path.starts_with("/api/") {
        Protocol::Ollama
    } else if path.starts_with("/v1beta/") || path.starts_with("/v1beta1/") {
        Protocol::Gemini
    } else {
        Protocol::OpenAiChat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<Place<'_>>) {
        assert_eq!(place(path), expected, "{path}");
    }

    #[test]
    fn paths() {
        check("/v1/chat/completions", Some(Place::Infer(Protocol::OpenAiChat, Operation::Chat)));
        check("/chat/completions", Some(Place::Infer(Protocol::OpenAiChat, Operation::Chat)));
        check("/v1/responses", Some(Place::Infer(Protocol::OpenAiResponses, Operation::Chat)));
        check("/v1/messages/count_tokens", Some(Place::Infer(Protocol::Anthropic, Operation::CountTokens)));
        check("/api/embeddings", Some(Place::Infer(Protocol::Ollama, Operation::SingleEmbedding)));
        check("/v1/images/edits", Some(Place::Infer(Protocol::OpenAiChat, Operation::ImageEdit)));
        check("/v1/models", Some(Place::Models));
        check("/v1/models/org/name:tag", Some(Place::Model("org/name:tag")));
        check("/v1/models/", None);
        check("/v1/responses/resp_1", Some(Place::Response("resp_1")));
        check("/responses/resp_1/input_items", Some(Place::ResponseItems("resp_1")));
        check("/v1/responses/resp_1/cancel", Some(Place::ResponseCancel("resp_1")));
        check("/v1/responses/resp_1/nope", None);
        check("/v1/responses/input_tokens", None);
        check("/v1/responses/", None);
        let gemini = |operation| Some(Place::Infer(Protocol::Gemini, operation));
        check("/v1beta/models", Some(Place::GeminiModels));
        check("/v1beta1/models/", Some(Place::GeminiModels));
        check("/v1beta/models/org%2Fname:tag", Some(Place::GeminiModel("org%2Fname:tag")));
        check("/v1beta/models/org/name:tag:generateContent", gemini(Operation::Chat));
        check("/v1/models/m:streamGenerateContent", gemini(Operation::Chat));
        check("/v1beta1/models/m:countTokens", gemini(Operation::CountTokens));
        check("/v1beta/models/m:embedContent", gemini(Operation::SingleEmbedding));
        check("/v1beta/models/m%3AbatchEmbedContents", gemini(Operation::Embeddings));
        check("/v1beta/modelsx", None);
        check("/v1beta/files", None);
        check("/v1", None);
        check("/v1x/models", None);
        check("/api/blobs/sha256:0", Some(Place::OllamaChange("uploading a model")));
        check("/api/nope", None);
        check("/gateway/chat/mlflow/invocations", Some(Place::Invoke("chat")));
        check("/gateway/openai/v1/models", None);
        check("/gateway/proxy/groq/v1/batches/b_1", Some(Place::Proxy("groq", "v1/batches/b_1")));
        check("/gateway/proxy/groq/", None);
        let held = |holding, path| Some(Place::Held(Protocol::OpenAiChat, holding, path));
        check("/v1/files", held(Holding::Files, "/files"));
        check("/files/file-1/content", held(Holding::Files, "/files/file-1/content"));
        check("/v1/batches/b_1/cancel", held(Holding::Batches, "/batches/b_1/cancel"));
        check("/v1/filesystem", None);
        let batches = "/messages/batches/b_1/results";
        check("/v1/messages/batches/b_1/results", Some(Place::Held(Protocol::Anthropic, Holding::Batches, batches)));
        check("/health/readiness", Some(Place::Health));
        check("/", Some(Place::Root));
        check("//", None);
    }

    #[test]
    fn what_an_ollama_has() {
        let check = |path: &str, expected: bool| {
            assert_eq!(place(path).is_some_and(|place| place.is_ollamas(path)), expected, "{path}");
        };
        for path in ["/", "/api/chat", "/api/tags", "/api/pull", "/v1/chat/completions", "/v1/messages", "/v1/models/m"]
        {
            check(path, true);
        }
        for path in [
            "/chat/completions",
            "/models",
            "/v1/rerank",
            "/v1beta/models",
            "/v1/models/m:generateContent",
            "/gateway/m/invocations",
            "/.well-known/pointsman.json",
            "/health",
        ] {
            check(path, false);
        }
    }

    #[test]
    fn every_path_of_every_protocol_is_a_place() {
        for protocol in Protocol::SURFACES {
            for operation in [Operation::Chat, Operation::Completion, Operation::Embeddings, Operation::CountTokens] {
                if let Some(path) = protocol.path(operation) {
                    let path = format!("{}{path}", protocol.default_prefix());
                    assert_eq!(place(&path), Some(Place::Infer(*protocol, operation)), "{path}");
                }
            }
        }
    }
}
