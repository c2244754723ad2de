//! A conversation goes on with another model: what the earlier ones left in it never makes a vendor answer 400.
//!
//! Each vendor's rules are checked on what its codec writes, as the vendor's documentation states them.

use serde_json::{Value, json};

use super::*;
use crate::completion::{
    CompletionRequest, Effort, Message, OpaqueState, Part, Reasoning, Role, StateKind, Thought, ToolCall, ToolKind,
    ToolResult,
};
use crate::protocol::codec::Target;

fn said(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn thought(kind: StateKind, id: Option<&str>) -> Part {
    let state = OpaqueState { kind, id: id.map(str::to_owned), value: format!("{kind:?}") };
    Part::Thought(Thought { text: "hm".into(), state: Some(state) })
}

fn call(id: &str) -> Part {
    let (name, arguments) = ("f".to_owned(), "{}".to_owned());
    Part::ToolCall(ToolCall { id: id.into(), name, arguments, kind: ToolKind::Function, state: None })
}

fn result(id: &str) -> Part {
    let (name, cache) = (None, None);
    let (parts, kind) = (vec![Part::text("r")], ToolKind::Function);
    Part::ToolResult(ToolResult { call_id: id.into(), name, parts, is_error: false, kind, cache })
}

/// Turns of every vendor, with an interrupted call, a late result, an id that comes twice, results without calls and a
/// thought that led to nothing.
fn conversation() -> Vec<Message> {
    let long = "x".repeat(300);
    vec![
        said(Role::System, vec![Part::text("s")]),
        said(Role::Tool, vec![result("gone")]),
        said(Role::User, vec![Part::text("a")]),
        said(
            Role::Assistant,
            vec![
                thought(StateKind::AnthropicSignature, None),
                thought(StateKind::AnthropicRedacted, None),
                thought(StateKind::Gemini, None),
                thought(StateKind::OpenAi, Some("rs_1")),
                Part::text("b"),
                call("functions.f:0"),
                call(&long),
            ],
        ),
        said(Role::User, vec![Part::text("wait")]),
        said(Role::Tool, vec![result("functions.f:0")]),
        said(Role::Assistant, vec![call("functions.f:0")]),
        said(Role::Tool, vec![result("functions.f:0")]),
        said(Role::User, vec![Part::text("c")]),
        said(Role::Assistant, vec![thought(StateKind::OpenAi, Some("rs_2"))]),
        said(Role::User, vec![Part::text("d")]),
    ]
}

fn body(protocol: Protocol, model: &str, runtime: &str, messages: Vec<Message>) -> Option<Value> {
    let reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let request = CompletionRequest { messages, reasoning, max_tokens: Some(40_000), ..CompletionRequest::default() };
    let target = Target { model: model.into(), runtime: runtime.into(), ..Target::default() };
    let encoded = upstream(protocol).encode_request(&request, &target).unwrap();
    Some(serde_json::from_slice(&encoded.body).unwrap())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Ids come once.
fn once(ids: &[&str]) {
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
}

#[test]
fn to_anthropic() {
    for model in ["claude-sonnet-4-5", "claude-opus-5-5", "minimax-m2"] {
        let body = body(Protocol::Anthropic, model, "", conversation()).unwrap();
        let turns: Vec<&Value> = list(&body, "messages").iter().filter(|turn| turn["role"] != "system").collect();
        assert!(turns.windows(2).all(|pair| pair[0]["role"] != pair[1]["role"]), "{model}: roles take turns");
        assert_eq!((&turns[0]["role"], &turns[turns.len() - 1]["role"]), (&json!("user"), &json!("user")));
        let mut all = Vec::new();
        for (at, turn) in turns.iter().enumerate() {
            let of = |turn: &Value, kind: &str, id: &str| -> Vec<String> {
                let blocks = list(turn, "content").iter().filter(|block| block["type"] == kind);
                blocks.map(|block| text(block, id).to_owned()).collect()
            };
            let calls = of(turn, "tool_use", "id");
            let answered = turns.get(at + 1).map(|next| of(next, "tool_result", "tool_use_id")).unwrap_or_default();
            assert_eq!(calls, answered, "{model}: the next turn answers every call");
            assert!(calls.iter().all(|id| is_plain(id)), "{model}: {calls:?}");
            let kinds = list(turn, "content").iter().map(|block| block["type"] == "tool_result");
            assert!(kinds.is_sorted_by(|a, b| a >= b), "{model}: results stand first");
            all.extend(calls);
            for block in list(turn, "content") {
                let signature = text(block, "signature");
                assert!(
                    block["type"] != "thinking" || signature == "AnthropicSignature" || model == "minimax-m2",
                    "{model}: {block}"
                );
            }
        }
        once(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(all.len(), 3, "{model}");
    }
}

#[test]
fn to_bedrock() {
    for model in ["anthropic.claude-sonnet-4-5", "us.anthropic.claude-opus-5-5", "amazon.nova-pro-v1:0"] {
        let body = body(Protocol::BedrockConverse, model, "", conversation()).unwrap();
        let turns = list(&body, "messages");
        assert!(turns.windows(2).all(|pair| pair[0]["role"] != pair[1]["role"]), "{model}: roles take turns");
        assert_eq!((&turns[0]["role"], &turns[turns.len() - 1]["role"]), (&json!("user"), &json!("user")));
        let mut all = Vec::new();
        for (at, turn) in turns.iter().enumerate() {
            let of = |turn: &Value, kind: &str| -> Vec<String> {
                let blocks = list(turn, "content").iter().filter_map(|block| block.get(kind));
                blocks.map(|block| text(block, "toolUseId").to_owned()).collect()
            };
            let calls = of(turn, "toolUse");
            let answered = turns.get(at + 1).map(|next| of(next, "toolResult")).unwrap_or_default();
            assert_eq!(calls, answered, "{model}: the next turn answers every call");
            assert!(calls.iter().all(|id| is_plain(id) && id.len() <= 64), "{model}: {calls:?}");
            let kinds = list(turn, "content").iter().map(|block| block.get("toolResult").is_some());
            assert!(kinds.is_sorted_by(|a, b| a >= b), "{model}: results stand first");
            all.extend(calls);
        }
        once(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(all.len(), 3, "{model}");
        assert_eq!(list(&body["toolConfig"], "tools").len(), 1, "{model}: tools are named where calls stand");
        let written = body.to_string();
        for (kind, may) in [("AnthropicSignature", model.contains("claude")), ("Gemini", false), ("OpenAi", false)] {
            assert_eq!(written.contains(kind), may, "{model}: {kind}");
        }
    }
}

#[test]
fn a_budget_is_not_asked_for_in_the_midst_of_anothers_calls() {
    let thinking = |messages| body(Protocol::Anthropic, "claude-sonnet-4-5", "", messages).unwrap()["thinking"].take();
    let asked = || said(Role::User, vec![Part::text("a")]);
    let answered = || said(Role::Tool, vec![result("x")]);
    let enabled = json!({"type": "enabled", "budget_tokens": 24_576});
    assert_eq!(thinking(vec![asked()]), enabled);
    assert_eq!(thinking(vec![asked(), said(Role::Assistant, vec![call("x")]), answered()]), Value::Null);
    let own = vec![thought(StateKind::AnthropicSignature, None), call("x")];
    assert_eq!(thinking(vec![asked(), said(Role::Assistant, own), answered()]), enabled);
    assert_eq!(thinking(vec![asked(), said(Role::Assistant, vec![Part::text("half")])]), Value::Null);
}

#[test]
fn a_half_turn_is_asked_to_go_on() {
    let half = || vec![said(Role::User, vec![Part::text("a")]), said(Role::Assistant, vec![Part::text("half ")])];
    let last = |model: &str| {
        let body = body(Protocol::Anthropic, model, "", half()).unwrap();
        text(list(&body, "messages").last().unwrap(), "role").to_owned()
    };
    assert_eq!((last("claude-sonnet-4-5").as_str(), last("claude-sonnet-4-6").as_str()), ("assistant", "user"));
}

#[test]
fn to_chat_completions() {
    let check = |protocol: Protocol, model: &str, runtime: &str, takes: fn(&str) -> bool| {
        let body = body(protocol, model, runtime, conversation()).unwrap();
        let turns = list(&body, "messages");
        let mut all = Vec::new();
        for (at, turn) in turns.iter().enumerate() {
            let calls: Vec<&str> = list(turn, "tool_calls").iter().map(|call| text(call, "id")).collect();
            let results = turns[at + 1..].iter().take_while(|next| next["role"] == "tool");
            let results: Vec<&str> = results.map(|next| text(next, "tool_call_id")).collect();
            if turn["role"] != "tool" {
                assert_eq!(calls, results, "{model}: the results follow their calls");
            }
            assert!(calls.iter().all(|id| takes(id)), "{model}: {calls:?}");
            all.extend(calls);
        }
        once(&all);
        assert_eq!(all.len(), 3);
        let written = body.to_string();
        for kind in ["AnthropicSignature", "AnthropicRedacted", "Gemini", "OpenAi"] {
            assert!(!written.contains(kind), "{model}: no vendor's state is sent to another");
        }
    };
    let nine = |id: &str| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    check(Protocol::OpenAiChat, "gpt-5.4", "", |id| is_plain(id) && id.len() <= 40);
    check(Protocol::OpenAiChat, "mistral-large", "", nine);
    check(Protocol::OpenAiChat, "devstral", "llamacpp", nine);
    check(Protocol::OpenAiChat, "qwen3", "llamacpp", |id| !id.is_empty());
    check(Protocol::Cohere, "command-a-03-2025", "", |id| !id.is_empty());
    check(Protocol::Cohere, "command-a-reasoning-08-2025", "", |id| !id.is_empty());
}

#[test]
fn to_cohere() {
    for model in ["command-a-03-2025", "command-a-reasoning-08-2025"] {
        let body = body(Protocol::Cohere, model, "", conversation()).unwrap();
        let turns = list(&body, "messages");
        let says = |turn: &Value| {
            let pieces = list(turn, "content").iter().any(|piece| piece["type"] != "thinking");
            turn["content"].is_string() || pieces || !list(turn, "tool_calls").is_empty()
        };
        assert!(turns.iter().all(says), "{model}: a thought that led to nothing is no turn: {turns:?}");
        assert_eq!(turns.last().map(|turn| &turn["role"]), Some(&json!("user")), "{model}");
    }
}

#[test]
fn to_responses() {
    let body = body(Protocol::OpenAiResponses, "gpt-5.4", "", conversation()).unwrap();
    let items = list(&body, "input");
    let ids = |kind: &str| -> Vec<&str> {
        items.iter().filter(|item| item["type"] == kind).map(|item| text(item, "call_id")).collect()
    };
    let calls = ids("function_call");
    once(&calls);
    assert_eq!(calls.len(), 3);
    assert_eq!(calls, ids("function_call_output"), "every call has its output");
    assert!(calls.iter().all(|id| id.len() <= 64), "{calls:?}");
    let thoughts: Vec<usize> = (0..items.len()).filter(|at| items[*at]["type"] == "reasoning").collect();
    let [own] = thoughts.as_slice() else { panic!("only its own thought, and none that led to nothing: {items:?}") };
    assert_eq!((text(&items[*own], "id"), text(&items[*own], "encrypted_content")), ("rs_1", "OpenAi"));
    assert_eq!(items[*own + 1]["role"], "assistant", "what it led to follows");
}

#[test]
fn to_ollama() {
    let body = body(Protocol::Ollama, "qwen3", "ollama", conversation()).unwrap();
    let turns = list(&body, "messages");
    for (at, turn) in turns.iter().enumerate().filter(|(_, turn)| turn["role"] != "tool") {
        let calls: Vec<&str> = list(turn, "tool_calls").iter().map(|call| text(call, "id")).collect();
        let results = turns[at + 1..].iter().take_while(|next| next["role"] == "tool");
        assert_eq!(calls, results.map(|next| text(next, "tool_call_id")).collect::<Vec<_>>());
    }
    assert!(turns.iter().filter(|turn| turn["role"] == "tool").all(|turn| turn["tool_name"] == "f"));
}
