//! The hub's request to the Responses API.
//!
//! Nothing is asked to be kept: `store` is false, and reasoning comes back encrypted so that it can be replayed.

use serde_json::{Map, Value, json};

use super::super::wire;
use crate::completion::{
    CompletionRequest, DecodeError, Encoded, Format, Message, OpaqueState, Part, Reasoning, Role, StateKind, Thought,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::body;
use crate::protocol::codec::{Target, custom, effort, ids, openai_models, repair};

/// The longest `call_id` that OpenAI takes.
const LONGEST_ID: usize = 64;
/// The least `max_output_tokens` that OpenAI takes.
const LEAST_OUTPUT: u32 = 16;

/// Writes a request.
pub(in super::super) fn encode(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    if !request.sampling.stop.is_empty() {
        return Err(DecodeError::unsupported(
            "stop",
            "the Responses API ends at no text of yours; leave it out or choose a model that chat completions reach",
        ));
    }
    let mut dropped = Vec::new();
    let mut written = Written { items: Vec::new(), local: !target.runtime.is_empty(), dropped: &mut dropped };
    for (number, message) in repair::pair(&request.messages).iter().enumerate() {
        written.message(message, number)?;
    }
    written.leave_out_lone_thoughts();
    let (items, local) = (written.items, written.local);

    let thinks = target.reasoning != Some(false);
    let rules = openai_models::rules(&target.model).filter(|_| target.runtime.is_empty());
    let known = |effort| rules.map_or(effort, |rules| rules.effort(effort));
    let effort = request.reasoning.as_ref().and_then(effort::wanted).map(known).map(effort::word);
    let mut fields = Map::new();
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    say("model", Some(target.model.as_str().into()));
    say("input", Some(items.into()));
    if !request.tools.is_empty() {
        say("tools", Some(request.tools.iter().map(|tool| self::tool(tool, local)).collect()));
        say("tool_choice", request.tool_choice.as_ref().map(|choice| tool_choice(choice, &request.tools, local)));
        say("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
    }
    say("text", format(request.format.as_ref()).map(|format| json!({"format": format})));
    say("reasoning", request.reasoning.as_ref().filter(|_| thinks).and_then(|asked| reasoning(asked, effort)));
    if !thinks && request.reasoning.is_some() && effort != Some("none") {
        note(&mut dropped, "reasoning_effort");
    }
    let least = if local { 1 } else { LEAST_OUTPUT };
    say("max_output_tokens", request.max_tokens.map(|tokens| tokens.max(least).into()));

    let fixed = thinks && rules.is_some_and(|rules| rules.thinks) && effort != Some("none");
    for (name, asked) in [("temperature", request.sampling.temperature), ("top_p", request.sampling.top_p)] {
        match asked {
            // 1 is what such a model has anyway.
            Some(value) if fixed && (value - 1.0).abs() > f64::EPSILON => note(&mut dropped, name),
            Some(value) if !fixed => say(name, Some(value.into())),
            Some(_) | None => {}
        }
    }
    let mut include = Vec::new();
    if thinks {
        include.push("reasoning.encrypted_content");
    }
    if let Some(alternatives) = request.logprobs.filter(|_| !fixed) {
        include.push("message.output_text.logprobs");
        say("top_logprobs", Some(alternatives.min(20).into()));
    }
    say("include", Some(include.into()));
    let metadata: Map<String, Value> =
        request.metadata.iter().filter(|(_, value)| value.is_string()).map(|(k, v)| (k.clone(), v.clone())).collect();
    if metadata.len() < request.metadata.len() {
        note(&mut dropped, "metadata");
    }
    say("metadata", Some(metadata).filter(|metadata| !metadata.is_empty()).map(Value::Object));
    say("user", request.user.as_deref().map(Value::from));
    say("prompt_cache_key", request.cache_key.as_deref().map(Value::from));
    say("service_tier", request.service_tier.as_deref().map(Value::from));
    say("store", Some(false.into()));
    say("stream", Some(request.stream.into()));
    unsaid(request, fixed, &mut dropped);
    Ok(Encoded { body: body(&fields), dropped })
}

struct Written<'a> {
    items: Vec<Value>,
    /// Local runtimes know functions only.
    local: bool,
    dropped: &'a mut Vec<String>,
}

impl Written<'_> {
    fn message(&mut self, message: &Message, number: usize) -> Result<(), DecodeError> {
        if message.name.is_some() {
            note(self.dropped, "messages[].name");
        }
        let mut content = Vec::new();
        for (place, part) in message.parts.iter().enumerate() {
            let at = format!("messages[{number}].content[{place}]");
            if part_cache(part) {
                note(self.dropped, "cache_control");
            }
            match part {
                Part::ToolCall(call) => {
                    self.flush(message.role, &mut content);
                    self.items.push(self::call(call, self.local));
                }
                Part::ToolResult(result) => {
                    self.flush(message.role, &mut content);
                    self.result(result, &at)?;
                }
                Part::Thought(thought) => {
                    self.flush(message.role, &mut content);
                    match self::thought(thought) {
                        Some(item) => self.items.push(item),
                        None => note(self.dropped, "messages[].reasoning_content"),
                    }
                }
                Part::Text(text) if message.role == Role::Assistant => {
                    content.push(json!({"type": "output_text", "text": text.text, "annotations": []}));
                }
                Part::Refusal(text) if message.role == Role::Assistant => {
                    content.push(json!({"type": "refusal", "refusal": text}));
                }
                Part::Media(_) if message.role == Role::Assistant => {
                    return Err(DecodeError::unsupported(&at, "the Responses API takes no media of the model's own"));
                }
                Part::Text(_) | Part::Refusal(_) | Part::Media(_) => content.extend(wire::input(part, &at)?),
            }
        }
        self.flush(message.role, &mut content);
        Ok(())
    }

    /// A thought is refused without what it led to, of which nothing may be left.
    fn leave_out_lone_thoughts(&mut self) {
        let led_to = |item: Option<&Value>| match item.and_then(|item| item["type"].as_str()) {
            Some("message") => item.is_some_and(|item| item["role"] == "assistant"),
            Some(kind) => matches!(kind, "function_call" | "custom_tool_call" | "reasoning"),
            None => false,
        };
        for at in (0..self.items.len()).rev() {
            if self.items[at]["type"] == "reasoning" && !led_to(self.items.get(at + 1)) {
                self.items.remove(at);
                note(self.dropped, "messages[].reasoning_content");
            }
        }
    }

    /// Ends a message item.
    fn flush(&mut self, role: Role, content: &mut Vec<Value>) {
        if content.is_empty() {
            return;
        }
        let role = match role {
            Role::System => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        self.items.push(json!({"type": "message", "role": role, "content": std::mem::take(content)}));
    }

    fn result(&mut self, result: &ToolResult, at: &str) -> Result<(), DecodeError> {
        if result.is_error {
            note(self.dropped, "is_error");
        }
        if result.cache.is_some() {
            note(self.dropped, "cache_control");
        }
        let output = match result.parts.as_slice() {
            [] => Value::from(""),
            [Part::Text(text)] => Value::from(text.text.as_str()),
            parts => {
                let mut output = Vec::with_capacity(parts.len());
                for part in parts {
                    output.extend(wire::input(part, at)?);
                }
                output.into()
            }
        };
        let kind = match result.kind {
            ToolKind::Custom if !self.local => "custom_tool_call_output",
            ToolKind::Custom | ToolKind::Function => "function_call_output",
        };
        self.items.push(json!({"type": kind, "call_id": ids::safe(&result.call_id, LONGEST_ID), "output": output}));
        Ok(())
    }
}

fn part_cache(part: &Part) -> bool {
    match part {
        Part::Text(text) => text.cache.is_some(),
        Part::Media(media) => media.cache.is_some(),
        Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Refusal(_) => false,
    }
}

fn call(call: &ToolCall, local: bool) -> Value {
    let id = ids::safe(&call.id, LONGEST_ID);
    match call.kind {
        ToolKind::Custom if !local => {
            json!({"type": "custom_tool_call", "call_id": id, "name": call.name, "input": call.arguments})
        }
        ToolKind::Custom => {
            let arguments = custom::lower_text(&call.arguments);
            json!({"type": "function_call", "call_id": id, "name": call.name, "arguments": arguments})
        }
        ToolKind::Function => {
            let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
            json!({"type": "function_call", "call_id": id, "name": call.name, "arguments": arguments})
        }
    }
}

/// A thought, if it is OpenAI's own.
fn thought(thought: &Thought) -> Option<Value> {
    let Some(OpaqueState { kind: StateKind::OpenAi, id, value }) = &thought.state else { return None };
    let mut item = Map::new();
    item.insert("type".into(), "reasoning".into());
    if let Some(id) = id {
        item.insert("id".into(), id.as_str().into());
    }
    let summary: Vec<Value> = match thought.text.as_str() {
        "" => Vec::new(),
        text => vec![json!({"type": "summary_text", "text": text})],
    };
    item.insert("summary".into(), summary.into());
    item.insert("encrypted_content".into(), value.as_str().into());
    Some(Value::Object(item))
}

fn tool(tool: &Tool, local: bool) -> Value {
    let lowered;
    let tool = if tool.kind == ToolKind::Custom && local {
        lowered = custom::lower_tool(tool);
        &lowered
    } else {
        tool
    };
    let mut fields = Map::new();
    let kind = if tool.kind == ToolKind::Custom { "custom" } else { "function" };
    fields.insert("type".into(), kind.into());
    fields.insert("name".into(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        fields.insert("description".into(), description.as_str().into());
    }
    match tool.kind {
        ToolKind::Custom => {
            fields.extend(tool.format.clone().map(|format| ("format".to_owned(), format)));
        }
        ToolKind::Function => {
            let empty = || json!({"type": "object", "properties": {}});
            fields.insert("parameters".into(), tool.parameters.clone().unwrap_or_else(empty));
            // Here alone a tool is strict unless it says that it is not.
            fields.insert("strict".into(), tool.strict.unwrap_or(false).into());
        }
    }
    Value::Object(fields)
}

fn tool_choice(choice: &ToolChoice, tools: &[Tool], local: bool) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => {
            let custom = !local && tools.iter().any(|tool| tool.name == *name && tool.kind == ToolKind::Custom);
            json!({"type": if custom { "custom" } else { "function" }, "name": name})
        }
    }
}

fn format(format: Option<&Format>) -> Option<Value> {
    match format? {
        Format::Text => None,
        Format::Json => Some(json!({"type": "json_object"})),
        Format::Schema { name, description, schema, strict } => {
            let mut fields = Map::new();
            fields.insert("type".into(), "json_schema".into());
            fields.insert("name".into(), name.as_deref().unwrap_or("answer").into());
            fields.extend(description.as_deref().map(|text| ("description".to_owned(), Value::from(text))));
            fields.insert("schema".into(), schema.clone());
            fields.extend(strict.map(|strict| ("strict".to_owned(), Value::from(strict))));
            Some(Value::Object(fields))
        }
    }
}

fn reasoning(reasoning: &Reasoning, effort: Option<&'static str>) -> Option<Value> {
    let mut fields = Map::new();
    fields.extend(effort.map(|effort| ("effort".to_owned(), effort.into())));
    if reasoning.include == Some(true) {
        fields.insert("summary".into(), "auto".into());
    }
    Some(fields).filter(|fields| !fields.is_empty()).map(Value::Object)
}

/// Names what the API has no field for.
fn unsaid(request: &CompletionRequest, fixed: bool, dropped: &mut Vec<String>) {
    let sampling = &request.sampling;
    for (asked, name) in [
        (request.choices.is_some_and(|choices| choices > 1), "n"),
        (request.logprobs.is_some() && fixed, "logprobs"),
        (sampling.top_k.is_some(), "top_k"),
        (sampling.min_p.is_some(), "min_p"),
        (sampling.frequency_penalty.is_some_and(|penalty| penalty != 0.0), "frequency_penalty"),
        (sampling.presence_penalty.is_some_and(|penalty| penalty != 0.0), "presence_penalty"),
        (sampling.repeat_penalty.is_some(), "repeat_penalty"),
        (sampling.seed.is_some(), "seed"),
        (!sampling.logit_bias.is_empty(), "logit_bias"),
        (request.tools.iter().any(|tool| tool.cache.is_some()), "cache_control"),
        (request.context.is_some(), "num_ctx"),
        (request.keep_alive.is_some(), "keep_alive"),
    ] {
        if asked {
            note(dropped, name);
        }
    }
}
