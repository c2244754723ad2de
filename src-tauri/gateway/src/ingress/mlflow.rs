//! Paths of the MLflow AI Gateway, so that its users change only the port.
//!
//! One table: a prefix, and the protocols whose plain paths stand below it. What a plain path is for is [`super::place`]'s
//! business; nobody behind it hears of a prefix.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Place;
use crate::protocol::{Operation, Protocol};

/// Prefixes and what stands below them; the first protocol's shape is that of errors.
const PREFIXES: [(&str, &[Protocol]); 4] = [
    ("/gateway/openai", &[Protocol::OpenAiChat, Protocol::OpenAiResponses]),
    ("/gateway/mlflow", &[Protocol::OpenAiChat]),
    ("/gateway/anthropic", &[Protocol::Anthropic]),
    ("/gateway/gemini", &[Protocol::Gemini]),
];

/// Around the name of what is asked: today's form, the one before it, and the deployments server's.
const INVOCATIONS: [(&str, &str); 3] =
    [("/gateway/", "/mlflow/invocations"), ("/gateway/", "/invocations"), ("/endpoints/", "/invocations")];

/// The plain path below a prefix; `None` where there is no prefix or nothing of its own stands there.
pub fn plain(path: &str) -> Option<&str> {
    let (rest, protocols) = below(path)?;
    let fits = match super::place(rest)? {
        Place::Infer(protocol, _) => protocols.contains(&protocol),
        Place::Response(_) | Place::ResponseItems(_) | Place::ResponseCancel(_) => {
            protocols.contains(&Protocol::OpenAiResponses)
        }
        // Told in the shape that the caller's headers ask for.
        Place::Models | Place::Model(_) => !protocols.contains(&Protocol::Gemini),
        Place::GeminiModels | Place::GeminiModel(_) => protocols.contains(&Protocol::Gemini),
        Place::Invoke(_)
        | Place::Proxy(..)
        | Place::Held(..)
        | Place::OllamaTags
        | Place::OllamaLoaded
        | Place::OllamaShow
        | Place::OllamaVersion
        | Place::OllamaChange(_)
        | Place::WellKnown
        | Place::Root
        | Place::Health => false,
    };
    fits.then_some(rest)
}

/// A whole URI with the plain path in place of its own; `None` as for [`plain`].
pub fn plain_uri(uri: &Uri) -> Option<Uri> {
    with_path(uri, plain(uri.path())?)
}

/// A URI with another path and the query that it had.
pub fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path = match uri.query() {
        Some(query) => Cow::Owned(format!("{path}?{query}")),
        None => Cow::Borrowed(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(&*path).ok()?);
    Uri::from_parts(parts).ok()
}

/// The protocol whose error shape fits below a prefix.
pub(super) fn protocol(path: &str) -> Option<Protocol> {
    below(path).and_then(|(_, protocols)| protocols.first().copied())
}

/// The name, as the path writes it, of what a path asks whose body says the rest.
pub(super) fn invoked(path: &str) -> Option<&str> {
    let name = |(before, behind)| path.strip_prefix(before)?.strip_suffix(behind);
    INVOCATIONS.into_iter().find_map(name).filter(|name| !name.is_empty())
}

/// What the body of an invocation asks: MLflow tells them apart by what they hold.
pub fn operation(body: &[u8]) -> Option<Operation> {
    #[derive(Deserialize)]
    struct Question {
        messages: Option<IgnoredAny>,
        prompt: Option<IgnoredAny>,
        input: Option<IgnoredAny>,
    }
    match serde_json::from_slice(body).ok()? {
        Question { messages: Some(_), .. } => Some(Operation::Chat),
        Question { prompt: Some(_), .. } => Some(Operation::Completion),
        Question { input: Some(_), .. } => Some(Operation::Embeddings),
        Question { messages: None, prompt: None, input: None } => None,
    }
}

fn below(path: &str) -> Option<(&str, &'static [Protocol])> {
    let rest = |prefix| path.strip_prefix(prefix).filter(|rest| rest.starts_with('/'));
    PREFIXES.into_iter().find_map(|(prefix, protocols)| Some((rest(prefix)?, protocols)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(plain(path), expected, "{path}");
        check("/gateway/openai/v1/chat/completions", Some("/v1/chat/completions"));
        check("/gateway/openai/v1/completions", Some("/v1/completions"));
        check("/gateway/openai/v1/embeddings", Some("/v1/embeddings"));
        check("/gateway/openai/v1/responses", Some("/v1/responses"));
        check("/gateway/openai/v1/models", Some("/v1/models"));
        check("/gateway/openai/v1/models/org/m", Some("/v1/models/org/m"));
        check("/gateway/mlflow/v1/chat/completions", Some("/v1/chat/completions"));
        check("/gateway/mlflow/v1/embeddings", Some("/v1/embeddings"));
        check("/gateway/mlflow/v1/models", Some("/v1/models"));
        check("/gateway/anthropic/v1/messages", Some("/v1/messages"));
        check("/gateway/anthropic/v1/messages/count_tokens", Some("/v1/messages/count_tokens"));
        check("/gateway/anthropic/v1/models", Some("/v1/models"));
        check("/gateway/gemini/v1beta/models/m:generateContent", Some("/v1beta/models/m:generateContent"));
        check("/gateway/gemini/v1beta/models", Some("/v1beta/models"));
        for path in [
            "/v1/chat/completions",
            "/gateway/openai/v1/messages",
            "/gateway/mlflow/v1/responses",
            "/gateway/anthropic/v1/chat/completions",
            "/gateway/gemini/v1/models",
            "/gateway/openai/v1beta/models/m:generateContent",
            "/gateway/openai/api/chat",
            "/gateway/openai/health",
            "/gateway/openai/",
            "/gateway/openai",
            "/gateway/openaix/v1/models",
            "/gateway/openai/gateway/openai/v1/models",
            "/gateway/mlflow/gateway/m/invocations",
            "/gateway/openai/v1/responses/compact",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn invocations() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(invoked(path), expected, "{path}");
        check("/gateway/chat/mlflow/invocations", Some("chat"));
        check("/gateway/chat/invocations", Some("chat"));
        check("/endpoints/org%2Fm:8b/invocations", Some("org%2Fm:8b"));
        check("/gateway/org/m/mlflow/invocations", Some("org/m"));
        check("/gateway//invocations", None);
        check("/endpoints/chat", None);
        check("/v1/gateway/chat/invocations", None);
    }

    #[test]
    fn the_body_says_what_is_asked() {
        let check = |body: &str, expected| assert_eq!(operation(body.as_bytes()), expected, "{body}");
        check(r#"{"messages":[]}"#, Some(Operation::Chat));
        check(r#"{"prompt":"a","n":1}"#, Some(Operation::Completion));
        check(r#"{"input":["a"]}"#, Some(Operation::Embeddings));
        check(r#"{"input":null,"messages":[{}]}"#, Some(Operation::Chat));
        check(r#"{"x":1}"#, None);
        check(r#"{"input":1,"input":2}"#, None);
        check("[]", None);
    }

    #[test]
    fn the_query_stays() {
        let check = |uri: &'static str, expected: &str| {
            let plain = plain_uri(&Uri::from_static(uri)).map(|uri| uri.to_string());
            assert_eq!(plain.as_deref(), Some(expected), "{uri}");
        };
        check("/gateway/anthropic/v1/messages?beta=true", "/v1/messages?beta=true");
        check("http://127.0.0.1:1/gateway/openai/v1/models", "http://127.0.0.1:1/v1/models");
    }
}
