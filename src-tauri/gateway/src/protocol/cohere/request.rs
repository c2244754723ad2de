//! The hub's request to a chat of Cohere's.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::messages::{self, Takes, Turn};
use super::thinks;
use crate::completion::{CompletionRequest, DecodeError, Effort, Encoded, Format, Part, Sampling, Tool, ToolChoice};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::body;
use crate::protocol::codec::{Target, effort, repair, schema};

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
    stream: bool,
}

/// Writes a request.
pub(super) fn encode(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let mut dropped = Vec::new();
    let mut rest = Map::new();
    let tools = tools(request, target, &mut rest, &mut dropped)?;
    format(request.format.as_ref(), !tools.is_empty(), &mut rest)?;
    let paired = repair::pair(&request.messages);
    let takes = Takes { thoughts: thinks(target), images: target.vision != Some(false) };
    let messages = messages::write(&paired, takes, &mut dropped)?;
    let limit = request.max_tokens.map(|limit| target.max_output.map_or(limit, |most| limit.min(most)));
    rest.extend(limit.map(|limit| ("max_tokens".to_owned(), limit.into())));
    sampling(&request.sampling, &mut rest, &mut dropped);
    reasoning(request, target, &mut rest, &mut dropped);
    unsaid(request, &mut dropped);
    if cites(request) {
        note(&mut dropped, "citations");
    }
    let body = body(&Body { model: &target.model, messages, tools, rest, stream: request.stream });
    Ok(Encoded { body, dropped })
}

fn tools(
    request: &CompletionRequest,
    target: &Target,
    rest: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) -> Result<Vec<Value>, DecodeError> {
    if request.tools.is_empty() {
        return Ok(Vec::new());
    }
    target.must_call_tools()?;
    let mut only = None;
    match &request.tool_choice {
        None | Some(ToolChoice::Auto) => {}
        Some(ToolChoice::None) => drop(rest.insert("tool_choice".into(), "NONE".into())),
        Some(ToolChoice::Required) => drop(rest.insert("tool_choice".into(), "REQUIRED".into())),
        Some(ToolChoice::Named(name)) => {
            only = Some(name);
            rest.insert("tool_choice".into(), "REQUIRED".into());
        }
    }
    if request.parallel_tool_calls == Some(false) {
        note(dropped, "parallel_tool_calls");
    }
    if request.tools.iter().any(|tool| tool.cache.is_some()) {
        note(dropped, "cache_control");
    }
    let wanted: Vec<&Tool> = request.tools.iter().filter(|tool| only.is_none_or(|name| tool.name == *name)).collect();
    // Strict are all tools or none, and only such that need something.
    if wanted.iter().all(|tool| is_strict(tool) && needs(tool)) && !wanted.is_empty() {
        rest.insert("strict_tools".into(), true.into());
    } else if wanted.iter().any(|tool| is_strict(tool)) {
        note(dropped, "tools[].strict");
    }
    Ok(wanted.into_iter().map(tool).collect())
}

fn is_strict(tool: &Tool) -> bool {
    tool.strict == Some(true)
}

/// Whether a tool cannot be called without an argument.
fn needs(tool: &Tool) -> bool {
    let required = tool.parameters.as_ref().and_then(|schema| schema.get("required")).and_then(Value::as_array);
    required.is_some_and(|names| !names.is_empty())
}

fn tool(tool: &Tool) -> Value {
    let (description, parameters) = schema::function(tool);
    let mut inner = Map::new();
    inner.insert("name".into(), tool.name.as_str().into());
    inner.extend(description.map(|text| ("description".to_owned(), text.into())));
    inner.insert("parameters".into(), parameters.into_owned());
    json!({"type": "function", "function": inner})
}

fn format(format: Option<&Format>, tools: bool, rest: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let value = match format {
        None | Some(Format::Text) => return Ok(()),
        Some(Format::Json | Format::Schema { .. }) if tools => {
            let reason = "Cohere takes no form of the answer beside tools; leave one of them out";
            return Err(DecodeError::unsupported("response_format", reason));
        }
        Some(Format::Json) => json!({"type": "json_object"}),
        Some(Format::Schema { schema, .. }) => json!({"type": "json_object", "json_schema": schema}),
    };
    rest.insert("response_format".into(), value);
    Ok(())
}

/// How tokens are chosen, within the bounds that Cohere has: what is beyond them is said as the bound, and named.
fn sampling(sampling: &Sampling, rest: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    for (name, theirs, value, least, most) in [
        ("temperature", "temperature", sampling.temperature, 0.0, 1.0),
        ("top_p", "p", sampling.top_p, 0.01, 0.99),
        ("frequency_penalty", "frequency_penalty", sampling.frequency_penalty, 0.0, 1.0),
        ("presence_penalty", "presence_penalty", sampling.presence_penalty, 0.0, 1.0),
    ] {
        let Some(value) = value else { continue };
        let said = value.clamp(least, most);
        // All of the likely tokens is what the highest bound nearly says.
        if (said - value).abs() > 0.011 {
            note(dropped, name);
        }
        rest.insert(theirs.into(), said.into());
    }
    if let Some(likely) = sampling.top_k {
        if likely > 500 {
            note(dropped, "top_k");
        }
        rest.insert("k".into(), likely.min(500).into());
    }
    if let Some(seed) = sampling.seed {
        match u64::try_from(seed) {
            Ok(seed) => drop(rest.insert("seed".into(), seed.into())),
            Err(_) => note(dropped, "seed"),
        }
    }
    let stop: Vec<&str> = sampling.stop.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    if stop.len() > 5 {
        note(dropped, "stop");
    }
    if !stop.is_empty() {
        rest.insert("stop_sequences".into(), json!(stop.get(..5).unwrap_or(&stop)));
    }
}

/// How much the model thinks: whether, and how many tokens at most where the client says a number.
fn reasoning(request: &CompletionRequest, target: &Target, rest: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    let Some(reasoning) = request.reasoning.as_ref().filter(|reasoning| effort::is_asked(reasoning)) else { return };
    let none = effort::wanted(reasoning) == Some(Effort::None);
    if !thinks(target) {
        // Not to think is what it does anyway.
        if !none {
            note(dropped, "reasoning_effort");
        }
        return;
    }
    let mut thinking = Map::new();
    thinking.insert("type".into(), if none { "disabled" } else { "enabled" }.into());
    let budget = reasoning.budget.filter(|budget| *budget > 0 && !none);
    thinking.extend(budget.map(|tokens| ("token_budget".to_owned(), tokens.into())));
    rest.insert("thinking".into(), thinking.into());
}

/// Whether the answer may name the results that it rests on, which the hub has no place for.
fn cites(request: &CompletionRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| matches!(part, Part::ToolResult(_)))
}

/// Names what Cohere has no field for.
fn unsaid(request: &CompletionRequest, dropped: &mut Vec<String>) {
    let sampling = &request.sampling;
    for (asked, name) in [
        (request.choices.is_some_and(|choices| choices > 1), "n"),
        (request.logprobs.is_some(), "logprobs"),
        (sampling.min_p.is_some(), "min_p"),
        (sampling.repeat_penalty.is_some(), "repeat_penalty"),
        (!sampling.logit_bias.is_empty(), "logit_bias"),
        (!request.metadata.is_empty(), "metadata"),
        (request.user.is_some(), "user"),
        (request.cache_key.is_some(), "prompt_cache_key"),
        (request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default")), "service_tier"),
        (request.context.is_some(), "num_ctx"),
        (request.keep_alive.is_some(), "keep_alive"),
    ] {
        if asked {
            note(dropped, name);
        }
    }
}
