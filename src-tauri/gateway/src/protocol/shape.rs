//! A protocol as a cloud hosts it: the model's name in the path, and what headers say in the body.
//!
//! What is asked and what is answered stays the protocol's own; only where things stand differs. Whose shape it is, an
//! endpoint's row says.

mod features;
mod pair_scores;
pub(crate) mod unwrapped;
mod vertex_gemini;
mod watsonx;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codec::segment;
use super::fitted::Fields;
use super::{Operation, Protocol, Speaks, anthropic, bedrock};

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
    /// Documents in order as a list of OpenAI's, in place of Cohere's `results`: Voyage's, Fireworks'.
    RankedList,
    /// Documents in order under a path of another name: DashScope's.
    Reranks,
    /// A query and a score for each document: DeepInfra's.
    PairScores,
    /// Vectors of texts alone, under a path of each model's: Hugging Face's.
    Features,
    /// Anthropic's on Amazon Bedrock, where only Claude speaks it.
    BedrockInvoke,
    /// OpenAI's chat in a container on Amazon SageMaker, whose endpoint is the model.
    Sagemaker,
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
/// The same on Bedrock.
const BEDROCK: &str = "bedrock-2023-05-31";
/// Anthropic's header that names what is tried before it is general.
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// Those that Bedrock knows; any other is a 400 there, for which a client that merely offers it is not to be blamed.
const BEDROCK_BETAS: [&str; 14] = [
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
];

impl Shape {
    /// The path of an operation below the prefix.
    pub fn path(self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let verb = |whole, streamed| if stream { streamed } else { whole };
        match (self, operation) {
            (Shape::VertexGemini, Operation::Embeddings | Operation::SingleEmbedding)
                if vertex_gemini::predicts(model) =>
            {
                Some(format!("/models/{}:predict", in_path(model)))
            }
            (Shape::VertexGemini, _) => Protocol::Gemini.path_to(operation, model, stream).map(Cow::into_owned),
            (Shape::AzureDeployment, _) => {
                let path = Protocol::OpenAiChat.path(operation)?;
                Some(format!("/deployments/{}{path}", in_path(model)))
            }
            (Shape::Watsonx, _) => watsonx::path(operation, stream),
            (Shape::RankedList, _) => Protocol::OpenAiChat.path(operation).map(str::to_owned),
            (Shape::Reranks, _) => (operation == Operation::Rerank).then(|| "/reranks".to_owned()),
            (Shape::PairScores, _) => pair_scores::path(operation, model),
            (Shape::Features, _) => features::path(operation, model),
            (Shape::Vertex, Operation::Chat) => {
                Some(format!("/models/{}:{}", in_path(model), verb("rawPredict", "streamRawPredict")))
            }
            (Shape::Vertex, Operation::CountTokens) => Some("/models/count-tokens:rawPredict".to_owned()),
            (Shape::BedrockInvoke, Operation::Chat) => {
                let verb = verb("invoke", "invoke-with-response-stream");
                Some(format!("/model/{}/{verb}", bedrock::path::encoded(model)))
            }
            // A container knows by the body what it is asked.
            (Shape::Sagemaker, Operation::Chat | Operation::Completion | Operation::Embeddings) => {
                let verb = verb("invocations", "invocations-response-stream");
                Some(format!("/endpoints/{}/{verb}", bedrock::path::encoded(model)))
            }
            (Shape::BedrockInvoke | Shape::Sagemaker, Operation::CountTokens) => None,
            (
                Shape::Vertex | Shape::BedrockInvoke | Shape::Sagemaker,
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
                edited(&body, unwanted, &[("anthropic_version", later.unwrap_or(VERTEX).into())]).unwrap_or(body)
            }
            Shape::BedrockInvoke => {
                let version = headers.remove(VERSION);
                let later = version.as_ref().and_then(|version| version.to_str().ok());
                let later = later.filter(|version| *version != anthropic::VERSION);
                let betas = betas(headers);
                headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
                let mut added = vec![("anthropic_version", later.unwrap_or(BEDROCK).into())];
                added.extend((!betas.is_empty()).then(|| ("anthropic_beta", betas.into())));
                // Whether it streams, the path says.
                edited(&body, &["model", "stream"], &added).unwrap_or(body)
            }
            Shape::Sagemaker => {
                headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
                edited(&body, &["model"], &[]).unwrap_or(body)
            }
            Shape::VertexGemini => vertex_gemini::fit(operation, body),
            Shape::AzureDeployment | Shape::RankedList | Shape::Reranks => body,
            Shape::PairScores => pair_scores::fit(body),
            Shape::Features => features::fit(body),
            Shape::Watsonx => watsonx::fit(operation, body),
        }
    }

    /// An answer as the protocol's maker writes it.
    pub(crate) fn read(self, operation: Operation, body: Bytes) -> Bytes {
        match self {
            Shape::Vertex
            | Shape::AzureDeployment
            | Shape::RankedList
            | Shape::Reranks
            | Shape::BedrockInvoke
            | Shape::Sagemaker => body,
            Shape::PairScores => pair_scores::read(body),
            Shape::Features => features::read(body),
            Shape::VertexGemini if operation.as_written() == Operation::Embeddings => vertex_gemini::read(body),
            Shape::VertexGemini => body,
            Shape::Watsonx => watsonx::read(operation, body),
        }
    }

    /// Whether it is too far from the protocol for its maker's own clients to read what comes.
    pub fn is_read(self, operation: Operation, model: &str) -> bool {
        match self {
            Shape::Vertex | Shape::AzureDeployment | Shape::BedrockInvoke | Shape::Sagemaker => false,
            Shape::VertexGemini => operation.as_written() == Operation::Embeddings && vertex_gemini::predicts(model),
            Shape::Watsonx | Shape::RankedList | Shape::Reranks | Shape::PairScores | Shape::Features => true,
        }
    }
}

impl Shape {
    /// Whether a model is asked in it: of Bedrock's, Claude alone.
    pub fn suits(self, model: &str) -> bool {
        match self {
            Shape::Vertex
            | Shape::VertexGemini
            | Shape::AzureDeployment
            | Shape::Watsonx
            | Shape::RankedList
            | Shape::Reranks
            | Shape::PairScores
            | Shape::Features
            | Shape::Sagemaker => true,
            Shape::BedrockInvoke => model.contains("anthropic.") || model.contains("claude"),
        }
    }
}

/// The betas that Bedrock knows of those that a client's headers name.
fn betas(headers: &mut HeaderMap) -> Vec<String> {
    let named: Vec<String> = headers
        .get_all(BETA)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|beta| beta.trim().to_owned())
        .filter(|beta| BEDROCK_BETAS.contains(&beta.as_str()))
        .collect();
    headers.remove(BETA);
    named
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
        let added: Vec<_> =
            self.beside.fields.iter().map(|(name, value)| (name.as_str(), value.as_str().into())).collect();
        edited(&body, &[], &added).unwrap_or(body)
    }

    /// Whether a client's own query goes along. Elsewhere the cloud's stands there, and others are refused.
    pub(crate) fn takes_query(&self) -> bool {
        match self.shape {
            None | Some(Shape::VertexGemini) => self.beside.query.is_none(),
            Some(
                Shape::Vertex
                | Shape::AzureDeployment
                | Shape::Watsonx
                | Shape::RankedList
                | Shape::Reranks
                | Shape::PairScores
                | Shape::Features
                | Shape::BedrockInvoke
                | Shape::Sagemaker,
            ) => false,
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
            Shape::VertexGemini => self == Protocol::Gemini,
            Shape::AzureDeployment
            | Shape::Watsonx
            | Shape::RankedList
            | Shape::Reranks
            | Shape::PairScores
            | Shape::Features
            | Shape::Sagemaker => self == Protocol::OpenAiChat,
            Shape::Vertex | Shape::BedrockInvoke => self == Protocol::Anthropic,
        }
    }
}

/// The path of a model below the prefix. A name's slashes are the path's own there, unless it would climb by them.
fn named_path(model: &str) -> Option<String> {
    let climbs = model.split('/').any(|part| matches!(part, "" | "." | ".."));
    (!climbs).then(|| format!("/{}", segment::escaped(model, b"-_.~@:/")))
}

/// The top level of a JSON object without some fields, and with some others where it does not say them itself. What stays is
/// not changed by a byte.
fn edited(body: &[u8], unwanted: &[&str], added: &[(&str, Value)]) -> Option<Bytes> {
    let kept = |name: &str, value: &str| (!unwanted.contains(&name)).then(|| ("", value.to_owned()));
    edited_by(body, kept, added)
}

/// The same, where `change` says under which name a field goes and with which value; an empty name is its own.
fn edited_by(
    body: &[u8],
    change: impl Fn(&str, &str) -> Option<(&'static str, String)>,
    added: &[(&str, Value)],
) -> Option<Bytes> {
    let fields: Fields<'_> = serde_json::from_slice(body).ok()?;
    let mut out = Vec::with_capacity(body.len() + 64);
    let mut put = |name: &str, value: &str| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(Value::from(name).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    };
    for (name, value) in &fields.0 {
        if let Some((other, value)) = change(name, value.get()) {
            put(if other.is_empty() { name } else { other }, &value);
        }
    }
    for (name, value) in added.iter().filter(|(name, _)| !fields.0.iter().any(|(known, _)| known == name)) {
        put(name, &value.to_string());
    }
    out.extend_from_slice(if out.is_empty() { b"{}" } else { b"}" });
    Some(out.into())
}

/// A model's name as one part of a path, with as few escapes as the clouds' own tools write.
fn in_path(model: &str) -> String {
    segment::escaped(model, b"-_.~@:")
}

#[cfg(test)]
mod tests {
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
    fn amazons_paths_and_bodies() {
        let path = |shape: Shape, stream| shape.path(Operation::Chat, "us.anthropic.x-v1:0", stream).unwrap();
        assert_eq!(path(Shape::BedrockInvoke, false), "/model/us.anthropic.x-v1%3A0/invoke");
        let streamed = "/model/us.anthropic.x-v1%3A0/invoke-with-response-stream";
        assert_eq!(path(Shape::BedrockInvoke, true), streamed);
        assert_eq!(path(Shape::Sagemaker, false), "/endpoints/us.anthropic.x-v1%3A0/invocations");
        assert_eq!(path(Shape::Sagemaker, true), "/endpoints/us.anthropic.x-v1%3A0/invocations-response-stream");

        #[track_caller]
        fn check(shape: Shape, said: &[(HeaderName, &'static str)], body: &'static str, expected: &str) {
            let said = said.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            let mut headers = HeaderMap::from_iter(said);
            let fitted = shape.fit(Operation::Chat, Bytes::from_static(body.as_bytes()), &mut headers);
            assert_eq!(str::from_utf8(&fitted).unwrap(), expected);
            let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(left, ["accept"], "what the body says, no header says");
        }
        let body = r#"{"model":"m","max_tokens":9,"stream":true}"#;
        let old = r#"{"max_tokens":9,"anthropic_version":"bedrock-2023-05-31"}"#;
        check(Shape::BedrockInvoke, &[(VERSION, "2023-06-01")], body, old);
        let new = r#"{"max_tokens":9,"anthropic_version":"2026-10-21"}"#;
        check(Shape::BedrockInvoke, &[(VERSION, "2026-10-21")], body, new);
        let betas = "claude-code-20250219, interleaved-thinking-2025-05-14,oauth-2025-04-20";
        let known = r#"{"max_tokens":9,"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"]}"#;
        check(Shape::BedrockInvoke, &[(BETA, betas)], body, known);
        check(Shape::Sagemaker, &[], body, r#"{"max_tokens":9,"stream":true}"#);
    }

    #[test]
    fn only_claude_is_asked_as_anthropic_on_bedrock() {
        for (model, expected) in [
            ("us.anthropic.claude-opus-5-5", true),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5", true),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", false),
            ("amazon.nova-pro-v1:0", false),
        ] {
            assert_eq!(Shape::BedrockInvoke.suits(model), expected, "{model}");
        }
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
