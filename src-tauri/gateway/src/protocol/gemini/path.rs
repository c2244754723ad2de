//! Paths: `/v1beta/models/{model}:{verb}`, both ways.
//!
//! Names of models may hold slashes and colons, so the last colon before a known verb is the one that splits. It knows
//! versions and verbs, and no list of models.

use std::borrow::Cow;

use super::pictures;
use crate::protocol::Operation;
use crate::protocol::codec::segment;

/// What a path asks of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A whole answer.
    GenerateContent,
    /// A stream.
    StreamGenerateContent,
    /// A count of tokens.
    CountTokens,
    /// One vector.
    EmbedContent,
    /// A list of vectors.
    BatchEmbedContents,
}

impl Verb {
    const ALL: [Verb; 5] = [
        Verb::GenerateContent,
        Verb::StreamGenerateContent,
        Verb::CountTokens,
        Verb::EmbedContent,
        Verb::BatchEmbedContents,
    ];

    const fn name(self) -> &'static str {
        match self {
            Verb::GenerateContent => "generateContent",
            Verb::StreamGenerateContent => "streamGenerateContent",
            Verb::CountTokens => "countTokens",
            Verb::EmbedContent => "embedContent",
            Verb::BatchEmbedContents => "batchEmbedContents",
        }
    }

    /// What it is in other protocols' terms.
    pub const fn operation(self) -> Operation {
        match self {
            Verb::GenerateContent | Verb::StreamGenerateContent => Operation::Chat,
            Verb::CountTokens => Operation::CountTokens,
            Verb::EmbedContent => Operation::SingleEmbedding,
            Verb::BatchEmbedContents => Operation::Embeddings,
        }
    }
}

/// What a path and its query say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The model's name, without `models/`.
    pub model: String,
    /// What is asked of it.
    pub verb: Verb,
    /// Whether a stream is wanted as server-sent events; else it is one JSON array.
    pub sse: bool,
}

impl Call {
    /// Whether a stream is asked for.
    pub fn streams(&self) -> bool {
        self.verb == Verb::StreamGenerateContent
    }
}

/// Reads a path, with its query if it has one; `None` if it asks nothing of a model.
pub fn call(path: &str) -> Option<Call> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = decoded(path)?;
    let (model, verb) = name(&path)?.rsplit_once(':')?;
    let verb = Verb::ALL.into_iter().find(|known| known.name() == verb)?;
    if model.is_empty() {
        return None;
    }
    let sse = query.split('&').any(|pair| matches!(pair, "alt=sse" | "%24alt=sse" | "$alt=sse"));
    Some(Call { model: model.to_owned(), verb, sse })
}

/// The versions under which Google's SDKs ask: the Gemini API's own, and Vertex's.
const VERSIONS: [&str; 4] = ["/v1beta/", "/v1beta1/", "/v1alpha/", "/v1/"];

/// What stands behind `models/`.
fn name(path: &str) -> Option<&str> {
    let rest = VERSIONS.iter().find_map(|version| path.strip_prefix(version))?;
    if let Some(name) = rest.strip_prefix("models/") {
        return Some(name);
    }
    // Vertex: `projects/{p}/locations/{l}/publishers/google/models/{m}`.
    let vertex = rest.starts_with("projects/") || rest.starts_with("publishers/");
    vertex.then(|| rest.split_once("/models/").map(|(_, name)| name)).flatten()
}

/// The path below the prefix for an operation; `None` where the protocol has no such operation.
pub fn write(operation: Operation, model: &str, stream: bool) -> Option<String> {
    let verb = match operation {
        Operation::Chat if stream => Verb::StreamGenerateContent,
        // The older models that draw have a verb of their own, which this protocol's clients do not ask.
        Operation::Images if pictures::predicts(model) => {
            return Some(format!("/{}:predict", encoded(&resource(model))));
        }
        Operation::Chat | Operation::Images | Operation::ImageEdit | Operation::Speech => Verb::GenerateContent,
        Operation::CountTokens => Verb::CountTokens,
        Operation::SingleEmbedding => Verb::EmbedContent,
        Operation::Embeddings => Verb::BatchEmbedContents,
        Operation::Completion
        | Operation::Transcription
        | Operation::Translation
        | Operation::Rerank
        | Operation::Moderation
        | Operation::Raw
        | Operation::ShowModel => return None,
    };
    Some(format!("/{}:{}", encoded(&resource(model)), verb.name()))
}

/// A model's full name: `models/x`, or what another collection calls it.
pub(super) fn resource(model: &str) -> Cow<'_, str> {
    if ["models/", "tunedModels/"].iter().any(|collection| model.starts_with(collection)) {
        Cow::Borrowed(model)
    } else {
        Cow::Owned(format!("models/{model}"))
    }
}

/// A path without percent signs; `None` if what they stand for is no text.
pub fn decoded(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let sign = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(sign.unwrap_or(*first));
        rest = if sign.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// A name as it may stand in a path: RFC 3986's unreserved signs, and slashes and colons, which names have and paths allow.
fn encoded(name: &str) -> String {
    segment::escaped(name, b"-._~/:@")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, Verb, bool)>) {
        let expected = expected.map(|(model, verb, sse)| Call { model: model.to_owned(), verb, sse });
        assert_eq!(call(path), expected, "{path}");
    }

    #[test]
    fn reads() {
        check("/v1beta/models/gemini-x:generateContent", Some(("gemini-x", Verb::GenerateContent, false)));
        check("/v1beta/models/m:streamGenerateContent?alt=sse&x=1", Some(("m", Verb::StreamGenerateContent, true)));
        check("/v1beta/models/m:streamGenerateContent?x=1", Some(("m", Verb::StreamGenerateContent, false)));
        check("/v1/models/org/qwen3:8b:countTokens", Some(("org/qwen3:8b", Verb::CountTokens, false)));
        check("/v1beta1/models/a%2Fb%3A8b%3AembedContent", Some(("a/b:8b", Verb::EmbedContent, false)));
        check("/v1beta/models/h%C3%A9:batchEmbedContents", Some(("hé", Verb::BatchEmbedContents, false)));
        check(
            "/v1beta1/projects/p/locations/l/publishers/google/models/m:generateContent",
            Some(("m", Verb::GenerateContent, false)),
        );
        for path in [
            "/v1beta/models/m",
            "/v1beta/models/m:predict",
            "/v1beta/models/:generateContent",
            "/v1beta/files/m:generateContent",
            "/v1beta/models/%FF:generateContent",
            "/models/m:generateContent",
            "",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn writes() {
        let check = |operation, model: &str, stream, expected: &str| {
            assert_eq!(write(operation, model, stream).as_deref(), Some(expected));
        };
        check(Operation::Chat, "m", false, "/models/m:generateContent");
        check(Operation::Chat, "models/m", true, "/models/m:streamGenerateContent");
        check(Operation::Embeddings, "org/a b:8b?", false, "/models/org/a%20b:8b%3F:batchEmbedContents");
        check(Operation::Images, "gemini-3.1-flash-image", false, "/models/gemini-3.1-flash-image:generateContent");
        check(Operation::Images, "imagen-4.0-generate-001", false, "/models/imagen-4.0-generate-001:predict");
        assert_eq!(write(Operation::Rerank, "m", false), None);
        let path = format!("/v1beta{}", write(Operation::CountTokens, "a%2F b?é:x", false).unwrap());
        assert_eq!(call(&path).unwrap().model, "a%2F b?é:x", "what is written is read again");
    }
}
