//! Every surface to every upstream and back, against golden files.
//!
//! `fixtures/<protocol>/` holds a client's requests and a server's answer, whole and as a stream; `fixtures/<protocol>/to/`
//! what they come to in each other protocol. `POINTSMAN_BLESS=1 cargo test --workspace --lib protocol::tests::pairs` writes
//! the golden files anew: read the difference before it is committed.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::completion::{Completion, CompletionRequest};
use crate::protocol::codec::Target;
use crate::protocol::codec::frames::Framing;

/// A client's requests in each surface's folder.
const REQUESTS: &[&str] = &["agent", "extract"];

/// Whom requests go to: the golden file's name, the protocol, and what is known of the model.
fn targets() -> Vec<(&'static str, Protocol, Target)> {
    let target = |model: &str, runtime: &str| Target {
        model: model.into(),
        runtime: runtime.into(),
        reasoning: Some(true),
        ..Target::default()
    };
    vec![
        ("openai", Protocol::OpenAiChat, target("gpt-5.4", "")),
        ("llamacpp", Protocol::OpenAiChat, target("qwen3", "llamacpp")),
        ("openai-responses", Protocol::OpenAiResponses, target("gpt-5.4", "")),
        ("anthropic", Protocol::Anthropic, target("claude-sonnet-4-6", "")),
        ("gemini", Protocol::Gemini, target("gemini-3-pro", "")),
        ("ollama", Protocol::Ollama, target("qwen3", "ollama")),
        ("bedrock", Protocol::BedrockConverse, target("us.anthropic.claude-sonnet-4-6", "")),
        ("nova", Protocol::BedrockConverse, target("us.amazon.nova-2-lite-v1:0", "")),
        ("cohere", Protocol::Cohere, target("command-a-reasoning-08-2025", "")),
    ]
}

fn folder(protocol: Protocol) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/protocol/fixtures").join(protocol.id())
}

/// What a protocol's folder holds, the golden files left out.
pub(super) fn fixtures(protocol: Protocol) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder(protocol)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())).collect()
}

fn fixture(protocol: Protocol, name: &str) -> Vec<u8> {
    let path = folder(protocol).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The ending of a stream's file.
fn ending(protocol: Protocol) -> &'static str {
    match upstream(protocol).decoder().framing() {
        Framing::Sse => "sse",
        Framing::Lines => "ndjson",
        Framing::EventStream => "eventstream",
    }
}

fn check(from: Protocol, name: &str, seen: &str) {
    let path = folder(from).join("to").join(name);
    if std::env::var_os("POINTSMAN_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, seen).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(seen, expected, "{} (POINTSMAN_BLESS=1 writes it anew)", path.display());
}

fn request(protocol: Protocol, name: &str) -> CompletionRequest {
    let surface = surface(protocol).unwrap();
    // Gemini alone holds the model's name in its path.
    let path = protocol.path(Operation::Chat).unwrap_or("/models/asked:streamGenerateContent?alt=sse");
    let path = format!("{}{path}", protocol.default_prefix());
    let body = fixture(protocol, &format!("{name}.json"));
    surface.decode_request(Operation::Chat, &path, &body).unwrap_or_else(|error| panic!("{protocol:?} {name}: {error}"))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[test]
fn requests() {
    for (from, ..) in codecs() {
        for name in REQUESTS {
            let request = request(from, name);
            for (to, protocol, target) in targets() {
                let upstream = upstream(protocol);
                let seen = match upstream.encode_request(&request, &target) {
                    Ok(encoded) => {
                        let body: Value = serde_json::from_slice(&encoded.body).unwrap();
                        let dropped = [request.dropped.clone(), encoded.dropped].concat();
                        json!({"dropped": dropped, "body": body})
                    }
                    Err(error) => json!({"refused": error.to_string()}),
                };
                check(from, &format!("{to}.{name}.json"), &pretty(&seen));
            }
        }
    }
}

#[test]
fn answers() {
    for (from, upstream) in upstreams() {
        let whole = upstream.decode_completion(&fixture(from, "answer.json")).unwrap();
        let stream = fixture(from, &format!("answer.{}", ending(from)));
        let deltas = testing::read(upstream.decoder(), &[&stream]);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(testing::read(upstream.decoder(), &bytes), deltas, "{from:?} byte by byte");
        let folded: Completion = deltas.iter().cloned().collect();
        assert_eq!(folded, whole, "{from:?}: a whole answer is the fold of its stream");
        for (to, surface, back) in codecs() {
            let request = request(to, "agent");
            let body = surface.encode_completion(Operation::Chat, &request, &whole);
            let value: Value = serde_json::from_slice(&body).unwrap();
            check(from, &format!("{}.answer.json", to.id()), &pretty(&value));
            let stream = testing::write(surface.encoder(Operation::Chat, &request), deltas.clone());
            let text = String::from_utf8(stream.clone()).unwrap();
            check(from, &format!("{}.answer.{}", to.id(), ending(to)), &text);
            let again: Completion = testing::read(back.decoder(), &[&stream]).into_iter().collect();
            assert_eq!(
                again,
                back.decode_completion(&body).unwrap(),
                "{from:?} to {to:?}: whole and stream say the same"
            );
        }
    }
}
