//! What a path asks for: protocol and operation, or something the catalog answers itself.
//!
//! A pure table of paths. It reads no body and knows no endpoint; [`peek`] looks into bodies, `server` joins both.

pub mod peek;

use http::Method;

use crate::protocol::{Operation, Protocol};

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A question to a model.
    Infer(Protocol, Operation),
    /// The list of models, in OpenAI's shape or, for a caller that says so, in Anthropic's.
    Models,
    /// One model of that list.
    Model(&'a str),
    /// Ollama's list of models.
    OllamaTags,
    /// Ollama's list of loaded models.
    OllamaLoaded,
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

/// What a path is for; `None` if for nothing.
pub fn place(path: &str) -> Option<Place<'_>> {
    if let Some(path) = path.strip_prefix("/api/") {
        return ollama(path);
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
        "/responses" => infer(Protocol::OpenAiResponses, Operation::Chat),
        "/messages" => infer(Protocol::Anthropic, Operation::Chat),
        "/messages/count_tokens" => infer(Protocol::Anthropic, Operation::CountTokens),
        "/models" => Some(Place::Models),
        "/.well-known/pointsman.json" => Some(Place::WellKnown),
        "/health" => Some(Place::Health),
        "/" => Some(Place::Root),
        _ => path.strip_prefix("/models/").filter(|id| !id.is_empty()).map(Place::Model),
    }
}

fn ollama(path: &str) -> Option<Place<'_>> {
    let infer = |operation| Some(Place::Infer(Protocol::Ollama, operation));
    match path {
        "chat" => infer(Operation::Chat),
        "generate" => infer(Operation::Completion),
        "embed" => infer(Operation::Embeddings),
        "embeddings" => infer(Operation::SingleEmbedding),
        "show" => infer(Operation::ShowModel),
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
            Place::Infer(..) => (method == Method::POST, "POST"),
            Place::OllamaChange(_) => (true, ""),
            Place::Models
            | Place::Model(_)
            | Place::OllamaTags
            | Place::OllamaLoaded
            | Place::OllamaVersion
            | Place::WellKnown
            | Place::Root
            | Place::Health => (method == Method::GET || method == Method::HEAD, "GET, HEAD"),
        };
        if fits { Ok(()) } else { Err(allowed) }
    }

    /// The protocol whose error shape fits.
    pub fn protocol(self) -> Protocol {
        match self {
            Place::Infer(protocol, _) => protocol,
            Place::OllamaTags | Place::OllamaLoaded | Place::OllamaVersion | Place::OllamaChange(_) => Protocol::Ollama,
            Place::Models | Place::Model(_) | Place::WellKnown | Place::Root | Place::Health => Protocol::OpenAiChat,
        }
    }
}

/// The protocol whose error shape fits a path that is for nothing.
pub fn protocol_of_unknown(path: &str) -> Protocol {
    if path.starts_with("/api/") {
        Protocol::Ollama
    } else if path.starts_with("/v1beta/") {
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
        check("/v1/models", Some(Place::Models));
        check("/v1/models/org/name:tag", Some(Place::Model("org/name:tag")));
        check("/v1/models/", None);
        check("/v1", None);
        check("/v1x/models", None);
        check("/api/blobs/sha256:0", Some(Place::OllamaChange("uploading a model")));
        check("/api/nope", None);
        check("/", Some(Place::Root));
        check("//", None);
    }

    #[test]
    fn every_path_of_every_protocol_is_a_place() {
        for protocol in Protocol::ALL {
            for operation in [Operation::Chat, Operation::Completion, Operation::Embeddings, Operation::CountTokens] {
                if let Some(path) = protocol.path(operation) {
                    let path = format!("{}{path}", protocol.default_prefix());
                    assert_eq!(place(&path), Some(Place::Infer(*protocol, operation)), "{path}");
                }
            }
        }
    }
}
