//! Laws: a whole is the fold of its stream, what both sides can say comes back unchanged, any split of the bytes gives the
//! same, and no bytes do harm.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::completion::{
    Choice, Completion, CompletionRequest, Delta, Finish, OpaqueState, Part, StateKind, Thought, ToolCall, ToolKind,
    Usage,
};
use crate::protocol::codec::Target;

/// What a protocol's answers can say.
#[derive(Debug, Clone, Copy)]
struct Can {
    /// The most choices.
    choices: usize,
    /// Parts in any order and number; else a thought, a text, a refusal and calls.
    any_order: bool,
    refusals: bool,
    /// Calls of custom tools.
    custom: bool,
    /// States of thoughts, of any vendor.
    states: bool,
    /// Gemini's states on calls.
    call_states: bool,
    /// Counts of what a cache gave and of reasoning.
    details: bool,
    /// The count of what a cache took.
    written: bool,
    logprobs: bool,
    created: bool,
    id: bool,
}

const ALL: Can = Can {
    choices: 1,
    any_order: true,
    refusals: true,
    custom: true,
    states: true,
    call_states: false,
    details: true,
    written: true,
    logprobs: false,
    created: true,
    id: true,
};

fn can(protocol: Protocol) -> Can {
    match protocol {
        Protocol::OpenAiChat => Can { choices: 3, any_order: false, call_states: true, logprobs: true, ..ALL },
        Protocol::OpenAiResponses => ALL,
        // A refusal's own words stand in Anthropic's text, and a custom tool is a function there.
        Protocol::Anthropic => Can { refusals: false, custom: false, created: false, ..ALL },
        Protocol::Gemini => Can {
            choices: 3,
            any_order: false,
            refusals: false,
            custom: false,
            call_states: true,
            written: false,
            created: false,
            ..ALL
        },
        // It answers no clients.
        Protocol::BedrockConverse | Protocol::Cohere => ALL,
        Protocol::Ollama => Can {
            any_order: false,
            refusals: false,
            custom: false,
            states: false,
            details: false,
            written: false,
            logprobs: true,
            id: false,
            ..ALL
        },
    }
}

fn completion(can: Can) -> impl Strategy<Value = Completion> {
    let usage = (0u32..9000, 0u32..9000, 0u32..9000, 0u32..9000, 0u32..900).prop_map(
        move |(fresh, read, written, output, reasoning)| Usage {
            input: fresh + read + written,
            output: output + reasoning,
            cache_read: can.details.then_some(read),
            cache_write: can.written.then_some(written),
            reasoning: can.details.then_some(reasoning),
        },
    );
    let choices = proptest::collection::vec(choice(can), 1..=can.choices);
    ("[a-z]{1,8}_[a-z0-9]{1,9}", "[a-z0-9:./-]{1,12}", 1..2_000_000_000u64, choices, usage).prop_map(
        move |(id, model, created, mut choices, usage)| {
            // Ids are one answer's own.
            let calls = choices.iter_mut().flat_map(|choice| &mut choice.parts).enumerate();
            for (number, part) in calls {
                if let Part::ToolCall(call) = part {
                    call.id.push_str(&number.to_string());
                }
            }
            let created = can.created.then_some(created);
            Completion { id, model, created, choices, usage: Some(usage), service_tier: None }
        },
    )
}

fn choice(can: Can) -> impl Strategy<Value = Choice> {
    let finish = prop::sample::select(vec![Finish::Stop, Finish::Length, Finish::Filtered]);
    (proptest::collection::vec(part(can), 0..6), any::<bool>(), finish).prop_map(
        move |(mut parts, probable, finish)| {
            if !can.any_order {
                let rank = |part: &Part| match part {
                    Part::Thought(_) => 0,
                    Part::Text(_) => 1,
                    Part::Refusal(_) => 2,
                    Part::ToolCall(_) | Part::Media(_) | Part::ToolResult(_) => 3,
                };
                parts.sort_by_key(rank);
                parts.dedup_by(|next, part| rank(next) < 3 && rank(next) == rank(part));
            }
            let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
            let finish = if called && finish == Finish::Stop { Finish::ToolCalls } else { finish };
            let entry = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
            let logprobs = (probable && can.logprobs).then(|| json!({ "content": [entry] }));
            Choice { parts, finish: Some(finish), logprobs }
        },
    )
}

fn part(can: Can) -> impl Strategy<Value = Part> {
    // White space around the whole is the tags' affair.
    let text = || "[a-zé<😀\"\\\\][a-z é<>/😀\n\"\\\\{}]{0,20}[a-z.]";
    let thought = (text(), proptest::option::of(state()))
        .prop_map(move |(text, state)| Part::Thought(Thought { text, state: state.filter(|_| can.states) }));
    let silent = (text(), state()).prop_map(move |(text, state)| match can.states {
        true => Part::Thought(Thought { text: String::new(), state: Some(state) }),
        false => Part::text(text),
    });
    let refusal = text().prop_map(move |text| if can.refusals { Part::Refusal(text) } else { Part::text(text) });
    prop_oneof![
        2 => text().prop_map(Part::text),
        1 => thought,
        1 => silent,
        1 => refusal,
        3 => call(can).prop_map(Part::ToolCall),
    ]
}

fn call(can: Can) -> impl Strategy<Value = ToolCall> {
    // As models write them: any spaces, any numbers.
    let arguments = prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"path":"a\nb","deep":{"z":null,"y":true},"big":12345678901234567890123}"#.to_owned()),
        "[a-z]{1,3}".prop_map(|name| format!("{{\"{name}\": 1.50, \"b\":[2]}}")),
        "[a-z}{ é]{0,9}".prop_map(|text| format!("{{ \"path\":\"{text}\"}}")),
    ];
    (any::<bool>(), any::<bool>(), "[a-zA-Z0-9_-]{1,12}", "[a-z_]{1,10}", arguments).prop_map(
        move |(custom, signed, id, name, arguments)| {
            let kind = if custom && can.custom { ToolKind::Custom } else { ToolKind::Function };
            let state = OpaqueState { kind: StateKind::Gemini, id: None, value: "Z2Vt".into() };
            let state = (signed && can.call_states && kind == ToolKind::Function).then_some(state);
            ToolCall { id, name, arguments, kind, state }
        },
    )
}

fn state() -> impl Strategy<Value = OpaqueState> {
    let kind = prop::sample::select(vec![
        StateKind::AnthropicSignature,
        StateKind::AnthropicRedacted,
        StateKind::Gemini,
        StateKind::OpenAi,
    ]);
    (kind, proptest::option::of("rs_[a-z0-9]{1,4}"), "[A-Za-z0-9+/=]{1,9}").prop_map(|(kind, id, value)| OpaqueState {
        kind,
        // Google's own have none.
        id: id.filter(|_| kind != StateKind::Gemini),
        value,
    })
}

/// An answer for each protocol, as far as it can say one.
fn answers() -> impl Strategy<Value = Vec<(Protocol, Completion)>> {
    codecs()
        .map(|(protocol, ..)| completion(can(protocol)).prop_map(move |answer| (protocol, answer)))
        .collect::<Vec<_>>()
}

fn request(summary: bool) -> CompletionRequest {
    let reasoning = crate::completion::Reasoning { include: summary.then_some(true), ..Default::default() };
    CompletionRequest { stream_usage: true, reasoning: Some(reasoning), ..CompletionRequest::default() }
}

type Cuts = Vec<prop::sample::Index>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_is_the_fold_of_its_stream(
        answers in answers(),
        by_turns: bool,
        summary: bool,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)
    ) {
        for (protocol, answer) in answers {
            // Google tells thoughts only to who asked for them.
            let request = request(summary || protocol == Protocol::Gemini);
            let (surface, upstream) = (surface(protocol).unwrap(), upstream(protocol));
            let whole = testing::whole(surface, upstream, &request, &answer).unwrap();
            let pieces = if by_turns { testing::interleaved(&answer) } else { testing::pieces(&answer) };
            let stream = testing::write(surface.encoder(Operation::Chat, &request), pieces);
            split(protocol, upstream, &stream, &cuts)?;
            let folded: Completion = testing::read(upstream.decoder(), &[&stream]).into_iter().collect();
            let named = |completion: Completion| match can(protocol).id {
                true => completion,
                false => Completion { id: String::new(), ..completion },
            };
            let (folded, whole) = (named(folded), named(whole));
            prop_assert_eq!(&folded, &whole, "{:?}: the fold of its stream", protocol);
            prop_assert_eq!(folded, named(answer), "{:?}: what was said comes back", protocol);
        }
    }

    #[test]
    fn no_bytes_do_harm(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        hits in testing::hits(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)
    ) {
        for (protocol, ..) in upstreams() {
            harmless(protocol, &noise);
            for (name, bytes) in pairs::fixtures(protocol) {
                if name.starts_with("answer") && !name.ends_with(".json") {
                    split(protocol, upstream(protocol), &bytes, &cuts)?;
                }
                harmless(protocol, &testing::damaged(&bytes, &hits));
            }
        }
    }

    /// JSON with the right names and wrong values gets further than noise.
    #[test]
    fn no_json_does_harm(value in shapes()) {
        for (protocol, ..) in upstreams() {
            harmless(protocol, value.to_string().as_bytes());
            harmless(protocol, format!("data: {value}\n\ndata: {value}\n\n").as_bytes());
            for name in ["contentBlockStart", "contentBlockDelta", "messageStop", "metadata"] {
                harmless(protocol, &testing::event_frame("event", name, &value.to_string()));
            }
        }
    }
}

/// Any split of a stream gives the same pieces.
fn split(protocol: Protocol, upstream: &dyn Upstream, stream: &[u8], cuts: &Cuts) -> Result<(), TestCaseError> {
    let cut = testing::read(upstream.decoder(), &testing::cut(stream, cuts));
    prop_assert_eq!(cut, testing::read(upstream.decoder(), &[stream]), "{:?}: any split gives the same", protocol);
    Ok(())
}

/// Reads bytes as everything that they could be. What is read can be written, by every codec.
fn harmless(protocol: Protocol, bytes: &[u8]) {
    let own_upstream = upstream(protocol);
    let _ = own_upstream.decode_embeddings(bytes);
    let _ = own_upstream.decode_ranking(bytes);
    let _ = own_upstream.decode_pictures(bytes);
    let _ = own_upstream.decode_spoken(bytes);
    let _ = own_upstream.decode_error(bytes);
    let deltas: Vec<Delta> = testing::read(own_upstream.decoder(), &[bytes]);
    let completion = own_upstream.decode_completion(bytes).unwrap_or_else(|_| deltas.iter().cloned().collect());
    let own_surface = surface(protocol);
    let _ = own_surface.map(|own| (own.decode_rerank(bytes), own.decode_speech(bytes)));
    for operation in [Operation::Images, Operation::ImageEdit] {
        let _ = own_surface.map(|own| own.decode_picture(operation, bytes));
    }
    for operation in [Operation::Embeddings, Operation::SingleEmbedding] {
        let Some(own_surface) = own_surface else { continue };
        let _ = own_surface.decode_embedding(operation, "", bytes);
    }
    for operation in [Operation::Chat, Operation::Completion] {
        let request = own_surface.and_then(|own| own.decode_request(operation, "", bytes).ok()).unwrap_or_default();
        for (_, upstream) in upstreams() {
            let _ = upstream.encode_request(&request, &Target { model: "m".into(), ..Target::default() });
        }
        for (_, surface, _) in codecs() {
            testing::write(surface.encoder(operation, &request), deltas.clone());
            surface.encode_completion(operation, &request, &completion);
        }
    }
}

fn shapes() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-z<>]{0,6}|function|custom|text|tool|assistant|user|thinking|tool_use|tool_result|reasoning|message\
         |function_call|image|json|data:a;base64,b|2026-11-22T02:12:47.1Z|content_block_start|content_block_delta\
         |message_delta|response.completed|response.output_item.added|response.output_item.done|message-start\
         |content-delta|tool-plan-delta|tool-call-start|tool-call-delta|message-end"
            .prop_map(Value::from),
    ];
    let names = "model|messages|role|content|type|text|choices|index|delta|message|tool_calls|id|function|custom|name\
                 |arguments|input|finish_reason|usage|prompt_tokens|logprobs|reasoning|reasoning_details|error|tools\
                 |prompt|stream|data|embedding|file|image_url|url|refusal|tool_call_id|function_call|thinking|images\
                 |tool_name|parameters|format|options|num_ctx|think|done|done_reason|created_at|suffix|raw|context\
                 |system|embeddings|content_block|partial_json|signature|source|tool_use_id|output|output_index|item\
                 |response|call_id|summary|encrypted_content|stop_reason|input_schema|tool_choice|max_tokens\
                 |start|toolUse|toolUseId|reasoningContent|redactedContent|contentBlockIndex|stopReason|citationsContent\
                 |tool_plan|billed_units|results|relevance_score|query|documents";
    leaf.prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}
