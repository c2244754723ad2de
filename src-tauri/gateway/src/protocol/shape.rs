//! A protocol as a cloud hosts it: the model's name in the path, and what headers say in the body.
//!
//! What is asked and what is answered stays the protocol's own; only where things stand differs. Whose shape it is, an
//! endpoint's row says.

mod vertex_gemini;
mod watsonx;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use serde::{Deserialize, Serialize};

use super::fitted::Fields;
use super::{Operation, Protocol, Speaks, anthropic};

/// How a host's protocol differs from its maker's. Closed: a new one is filled in below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Anthropic's on Google Vertex AI.
    Vertex,
    /// Gemini on Google Vertex AI.
    VertexGemini,
    /// OpenAI's at Azure's older addresses, where the model's deployment stands in the path.
    AzureDeployment,
    /// OpenAI's on IBM watsonx.ai.
    Watsonx,
}

/// What an account's requests have beside a protocol's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// In the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Texts in the body, by field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Anthropic's header that names the version of its API.
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// What that version is called on Vertex, where later ones bear the API's own names.
const VERTEX: &str = "vertex-2023-10-16";

impl Shape {
    /// The path of an operation below the prefix.
    pub fn path(self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let verb = if stream { "streamRawPredict" } else { "rawPredict" };
        match (self, operation) {
            (Shape::VertexGemini, _) => Protocol::Gemini.path_to(operation, model, stream).map(Cow::into_owned),
            (Shape::AzureDeployment, _) => {
                let path = Protocol::OpenAiChat.path(operation)?;
                Some(format!("/deployments/{}{path}", in_path(model)))
            }
            (Shape::Watsonx, _) => watsonx::path(operation, stream),
            (Shape::Vertex, Operation::Chat) => Some(format!("/models/{}:{verb}", in_path(model))),
            (Shape::Vertex, Operation::CountTokens) => Some("/models/count-tokens:rawPredict".to_owned()),
            (
                Shape::Vertex,
                Operation::Completion
                | Operation::Embeddings
                | Operation::SingleEmbedding
                | Operation::Transcription
                | Operation::Translation
                | Operation::Rerank
                | Operation::Images
                | Operation::ImageEdit
                | Operation::Speech
                | Operation::Moderation
                | Operation::Raw
                | Operation::ShowModel,
            ) => None,
        }
    }

    /// The body as the host takes it, and the headers without what it says instead. A body that is no JSON object stays.
    pub(crate) fn fit(self, operation: Operation, body: Bytes, headers: &mut HeaderMap) -> Bytes {
        match self {
            Shape::Vertex => {
                let version = headers.remove(VERSION);
                let later = version.as_ref().and_then(|version| version.to_str().ok());
                let later = later.filter(|version| *version != anthropic::VERSION);
                // The count of tokens has one path for all models.
                let unwanted: &[&str] = if operation == Operation::CountTokens { &[] } else { &["model"] };
                edited(&body, unwanted, &[("anthropic_version", later.unwrap_or(VERTEX))]).unwrap_or(body)
            }
            Shape::VertexGemini => vertex_gemini::fit(operation, body),
            Shape::AzureDeployment => body,
            Shape::Watsonx => watsonx::fit(body),
        }
    }

    /// An answer as the protocol's maker writes it.
    pub(crate) fn read(self, operation: Operation, body: Bytes) -> Bytes {
        match self {
            Shape::Vertex | Shape::VertexGemini | Shape::AzureDeployment => body,
            Shape::Watsonx => watsonx::read(operation, body),
        }
    }

    /// Whether it is too far from the protocol for its maker's own clients to read what comes.
    pub const fn is_read(self) -> bool {
        match self {
            Shape::Vertex | Shape::VertexGemini | Shape::AzureDeployment => false,
            Shape::Watsonx => true,
        }
    }
}

impl Speaks {
    /// The path of an operation behind the endpoint's address.
    pub fn path_to(&self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let path: Cow<'_, str> = match self.shape {
            Some(shape) => shape.path(operation, model, stream)?.into(),
            None => self.protocol.path_to(operation, model, stream)?,
        };
        Some(self.at(&path))
    }

    /// A path below the prefix, with the prefix and the account's own query.
    pub fn at(&self, path: &str) -> String {
        match &self.beside.query {
            Some(query) => [&*self.prefix, path, if path.contains('?') { "&" } else { "?" }, query].concat(),
            None => [&*self.prefix, path].concat(),
        }
    }

    /// The body as the host takes it, and the headers without what it says instead.
    pub(crate) fn fit(&self, operation: Operation, body: Bytes, headers: &mut HeaderMap) -> Bytes {
        let body = match self.shape {
            Some(shape) => shape.fit(operation, body, headers),
            None => body,
        };
        if self.beside.fields.is_empty() {
            return body;
        }
        let added: Vec<_> = self.beside.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        edited(&body, &[], &added).unwrap_or(body)
    }

    /// Whether a client's own query goes along. Elsewhere the cloud's stands there, and others are refused.
    pub(crate) fn takes_query(&self) -> bool {
        match self.shape {
            None | Some(Shape::VertexGemini) => self.beside.query.is_none(),
            Some(Shape::Vertex | Shape::AzureDeployment | Shape::Watsonx) => false,
        }
    }

    /// Whether bodies and headers go as they are written in the protocol.
    pub(crate) fn is_plain(&self) -> bool {
        self.shape.is_none() && self.beside.fields.is_empty()
    }
}

impl Protocol {
    /// Whether a cloud hosts it in a shape.
    pub fn takes(self, shape: Shape) -> bool {
        match shape {
            Shape::Vertex => self == Protocol::Anthropic,
            Shape::VertexGemini => self == Protocol::Gemini,
            Shape::AzureDeployment | Shape::Watsonx => self == Protocol::OpenAiChat,
        }
    }
}

/// The top level of a JSON object without some fields, and with some texts where it does not say them itself. What stays is
/// not changed by a byte.
fn edited(body: &[u8], unwanted: &[&str], added: &[(&str, &str)]) -> Option<Bytes> {
    let kept = |name: &str, value: &str| (!unwanted.contains(&name)).then(|| ("", value.to_owned()));
    edited_by(body, kept, added)
}

/// The same, where `change` says under which name a field goes and with which value; an empty name is its own.
fn edited_by(
    body: &[u8],
    change: impl Fn(&str, &str) -> Option<(&'static str, String)>,
    added: &[(&str, &str)],
) -> Option<Bytes> {
    let fields: Fields<'_> = serde_json::from_slice(body).ok()?;
    let mut out = Vec::with_capacity(body.len() + 64);
    let mut put = |name: &str, value: &str| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    };
    for (name, value) in &fields.0 {
        if let Some((other, value)) = change(name, value.get()) {
            put(if other.is_empty() { name } else { other }, &value);
        }
    }
    for (name, value) in added.iter().filter(|(name, _)| !fields.0.iter().any(|(known, _)| known == name)) {
        put(name, &serde_json::Value::from(*value).to_string());
    }
    out.extend_from_slice(if out.is_empty() { b"{}" } else { b"}" });
    Some(out.into())
}

/// A model's name as one part of a path, with as few escapes as the clouds' own tools write.
fn in_path(model: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@:".contains(&byte);
    if model.bytes().all(plain) {
        return Cow::Borrowed(model);
    }
    let escaped = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Cow::Owned(model.bytes().map(escaped).collect())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_model_stands_in_the_path() {
        let check = |operation, model: &str, stream, expected: Option<&str>| {
            assert_eq!(Shape::Vertex.path(operation, model, stream).as_deref(), expected);
        };
        check(
            Operation::Chat,
            "claude-haiku-4-5@20251001",
            false,
            Some("/models/claude-haiku-4-5@20251001:rawPredict"),
        );
        check(Operation::Chat, "claude-x", true, Some("/models/claude-x:streamRawPredict"));
        check(Operation::Chat, "../../x?y", false, Some("/models/..%2F..%2Fx%3Fy:rawPredict"));
        check(Operation::CountTokens, "claude-x", false, Some("/models/count-tokens:rawPredict"));
        check(Operation::Embeddings, "m", false, None);
    }

    #[test]
    fn the_body_says_what_a_header_says_elsewhere() {
        #[track_caller]
        fn check(operation: Operation, header: Option<&'static str>, body: &'static str, expected: &str) {
            let mut headers = HeaderMap::new();
            headers.extend(header.map(|version| (VERSION, HeaderValue::from_static(version))));
            let fitted = Shape::Vertex.fit(operation, Bytes::from_static(body.as_bytes()), &mut headers);
            assert_eq!(str::from_utf8(&fitted).unwrap(), expected);
            assert!(headers.is_empty(), "the version is not said twice");
        }
        let (chat, count) = (Operation::Chat, Operation::CountTokens);
        let old = r#""anthropic_version":"vertex-2023-10-16"}"#;
        check(chat, None, r#"{"model":"m","n": 1.50}"#, &format!(r#"{{"n":1.50,{old}"#));
        check(chat, Some("2023-06-01"), r#"{"n":1}"#, &format!(r#"{{"n":1,{old}"#));
        check(chat, Some("2026-10-21"), r#"{"n":1}"#, r#"{"n":1,"anthropic_version":"2026-10-21"}"#);
        check(chat, None, r#"{"anthropic_version":"x","model":"m"}"#, r#"{"anthropic_version":"x"}"#);
        check(chat, None, r#"{"model":"m"}"#, &format!("{{{old}"));
        check(count, None, r#"{"model":"m"}"#, &format!(r#"{{"model":"m",{old}"#));
        check(chat, None, "nonsense", "nonsense");
    }
}
