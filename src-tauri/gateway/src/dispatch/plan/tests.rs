use std::sync::Arc;

use super::*;
use crate::catalog::{EndpointState, Health, Origin};

/// An endpoint that speaks these protocols, best first.
fn endpoint(runtime: &str, speaks: &[(Protocol, &[Operation])]) -> Endpoint {
    Endpoint {
        id: "it".into(),
        name: "It".to_owned(),
        origin: Origin::Discovered { runtime: Arc::from(runtime) },
        provider: None,
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        speaks: speaks
            .iter()
            .map(|(protocol, operations)| Speaks {
                protocol: *protocol,
                prefix: protocol.default_prefix().to_owned(),
                operations: operations.to_vec(),
                holds: Vec::new(),
                shape: None,
                beside: Default::default(),
            })
            .collect(),
        credential: None,
        spares: Vec::new(),
        allow_private: false,
        local: true,
        state: EndpointState::Ready,
        version: None,
        process: None,
        notes: Vec::new(),
        health: Health::default(),
    }
}

#[track_caller]
fn check(endpoint: &Endpoint, protocol: Protocol, operation: Operation, expected: &str) {
    let seen = match plan(protocol, operation, endpoint, "m") {
        None => "none".to_owned(),
        Some(Plan::Forward(speaks)) => format!("forward {}", speaks.protocol.id()),
        Some(Plan::Translate(speaks)) => format!("translate {}", speaks.protocol.id()),
        Some(Plan::Estimate) => "estimate".to_owned(),
    };
    assert_eq!(seen, expected, "{protocol:?} {operation:?}");
}

#[test]
fn the_same_protocol_first_then_what_loses_least() {
    use Operation::{Chat, Completion, CountTokens, Embeddings, Rerank, SingleEmbedding};
    use Protocol::{Anthropic, Gemini, Ollama, OpenAiChat, OpenAiResponses};
    let llama =
        endpoint("llamacpp", &[(OpenAiChat, &[Chat, Completion, Embeddings, Rerank]), (Anthropic, &[CountTokens])]);
    check(&llama, OpenAiChat, Chat, "forward openai");
    check(&llama, Anthropic, Chat, "translate openai");
    check(&llama, OpenAiResponses, Chat, "translate openai");
    check(&llama, Gemini, Chat, "translate openai");
    check(&llama, Ollama, Completion, "translate openai");
    check(&llama, Ollama, SingleEmbedding, "translate openai");
    check(&llama, Gemini, CountTokens, "translate anthropic");
    check(&llama, Anthropic, CountTokens, "translate anthropic");
    check(&llama, OpenAiChat, Rerank, "forward openai");

    let plain = endpoint("", &[(OpenAiChat, &[Chat])]);
    check(&plain, Anthropic, CountTokens, "estimate");
    check(&plain, Ollama, Embeddings, "none");
    check(&plain, OpenAiChat, Rerank, "none");

    let google = endpoint("", &[(Gemini, &[Chat, CountTokens])]);
    check(&google, Anthropic, CountTokens, "translate gemini");
    check(&google, Gemini, CountTokens, "forward gemini");

    let claude = endpoint("", &[(Anthropic, &[Chat, CountTokens])]);
    check(&claude, Anthropic, CountTokens, "forward anthropic");
    check(&claude, OpenAiChat, Chat, "translate anthropic");
    check(&claude, OpenAiChat, Completion, "translate anthropic");
}

#[test]
fn bedrock_is_asked_in_anthropics_api_only_for_claude() {
    use Operation::{Chat, CountTokens, Embeddings};
    use Protocol::{Anthropic, BedrockConverse, OpenAiChat};
    let mut bedrock = endpoint("", &[(BedrockConverse, &[Chat, CountTokens, Embeddings]), (Anthropic, &[Chat])]);
    bedrock.speaks[1].shape = Some(Shape::BedrockInvoke);
    let planned = |protocol, operation, model| match plan(protocol, operation, &bedrock, model) {
        Some(Plan::Forward(speaks)) => format!("forward {}", speaks.protocol.id()),
        Some(Plan::Translate(speaks)) => format!("translate {}", speaks.protocol.id()),
        Some(Plan::Estimate) => "estimate".to_owned(),
        None => "none".to_owned(),
    };
    let (claude, nova) = ("us.anthropic.claude-opus-5-5", "amazon.nova-pro-v1:0");
    assert_eq!(planned(Anthropic, Chat, claude), "forward anthropic");
    assert_eq!(planned(Anthropic, Chat, nova), "translate bedrock");
    assert_eq!(planned(OpenAiChat, Chat, claude), "translate bedrock");
    assert_eq!(planned(OpenAiChat, Embeddings, nova), "translate bedrock");
    assert_eq!(planned(Anthropic, CountTokens, claude), "translate bedrock");
    assert_eq!(planned(Anthropic, CountTokens, nova), "estimate");
}

#[test]
fn what_is_no_chat_is_translated_where_it_is_not_spoken_so() {
    use Operation::{Chat, Embeddings, ImageEdit, Images, Rerank, SingleEmbedding, Speech, Transcription};
    use Protocol::{Anthropic, Cohere, Gemini, OpenAiChat};
    let cohere = endpoint("", &[(Cohere, &[Chat, Embeddings, Rerank]), (OpenAiChat, &[Transcription])]);
    for (protocol, operation) in [(OpenAiChat, Chat), (Anthropic, Chat), (OpenAiChat, Rerank), (Gemini, Embeddings)] {
        check(&cohere, protocol, operation, "translate cohere");
    }
    check(&cohere, OpenAiChat, Transcription, "forward openai");
    check(&cohere, OpenAiChat, Images, "none");

    let google = endpoint("", &[(Gemini, &[Chat, Embeddings, SingleEmbedding, Images, ImageEdit, Speech])]);
    for operation in [Images, ImageEdit, Speech] {
        check(&google, OpenAiChat, operation, "translate gemini");
    }
    check(&google, OpenAiChat, Rerank, "none");

    let mut list = endpoint("", &[(OpenAiChat, &[Embeddings]), (OpenAiChat, &[Rerank])]);
    list.speaks[1].shape = Some(Shape::RankedList);
    check(&list, OpenAiChat, Rerank, "translate openai");
    check(&list, OpenAiChat, Embeddings, "forward openai");

    let mut vertex = google;
    vertex.speaks[0].shape = Some(Shape::VertexGemini);
    for (model, expected) in [("gemini-embedding-001", true), ("text-embedding-005", false)] {
        let planned = plan(Gemini, SingleEmbedding, &vertex, model);
        assert_eq!(matches!(planned, Some(Plan::Forward(_))), expected, "{model}");
    }
}

#[test]
fn ollama_is_asked_in_its_own_api() {
    use Operation::{Chat, Completion, CountTokens, Embeddings};
    use Protocol::{Anthropic, Ollama, OpenAiChat, OpenAiResponses};
    let ollama = endpoint(
        "ollama",
        &[
            (Ollama, &[Chat, Completion, Embeddings]),
            (OpenAiChat, &[Chat, Completion, Embeddings]),
            (Anthropic, &[Chat]),
        ],
    );
    for protocol in [OpenAiChat, OpenAiResponses, Anthropic] {
        check(&ollama, protocol, Chat, "translate ollama");
    }
    check(&ollama, OpenAiChat, Embeddings, "translate ollama");
    check(&ollama, Ollama, Chat, "forward ollama");
    // A text that goes on from the middle has no place in a chat.
    check(&ollama, OpenAiChat, Completion, "forward openai");
    check(&ollama, Anthropic, CountTokens, "estimate");
}
