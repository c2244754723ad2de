//! The hub's request as an upstream's body.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::quirks::{self, Choices, Quirks, Switch};
use super::write_answer::is_custom;
use super::write_messages::{self, Turn};
use crate::completion::{
    CompletionRequest, DecodeError, Effort, Encoded, Format, Part, Role, Tool, ToolChoice, ToolKind,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::openai_models::Rules;
use crate::protocol::codec::{Target, custom, effort, repair};

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Writes a request.
pub(super) fn write(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let quirks = quirks::of(target);
    let mut dropped = Vec::new();
    let mut rest = Map::new();
    let tools = tools(request, target, &quirks, &mut rest, &mut dropped)?;
    let paired = repair::pair(&request.messages);
    let messages = write_messages::write(&paired, target, &quirks, &mut dropped)?;
    sampling(request, &quirks, &mut rest, &mut dropped)?;
    format(request.format.as_ref(), &quirks, &mut rest);
    reasoning(request, target, &quirks, &mut rest, &mut dropped);
    vendor(request, &quirks, &mut rest, &mut dropped);
    if request.stream {
        // Counts are wanted for the records even where the client did not ask; its surface leaves them out again.
        rest.insert("stream".into(), true.into());
        rest.insert("stream_options".into(), json!({"include_usage": true}));
    }
    let limit = request.max_tokens.map(|limit| target.max_output.map_or(limit, |most| limit.min(most)));
    if let Some(limit) = limit {
        rest.insert(quirks.limit.into(), limit.into());
    }
    let mut body = Body { model: &target.model, messages, tools, rest };
    let mut bytes = bytes(&body)?;
    // vLLM refuses a limit that does not fit beside the prompt. Without one it goes on to the end of the context, which is
    // what such a limit means. Three bytes a token is more than real texts come to.
    if quirks.strict_limit
        && let (Some(limit), Some(context)) = (limit, target.context)
        && u64::from(limit) + (bytes.len() / 3) as u64 > u64::from(context)
    {
        body.rest.shift_remove(quirks.limit);
        bytes = self::bytes(&body)?;
    }
    Ok(Encoded { body: bytes, dropped })
}

fn bytes(body: &Body<'_>) -> Result<Bytes, DecodeError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| DecodeError::Malformed(error.to_string()))
}

fn tools(
    request: &CompletionRequest,
    target: &Target,
    quirks: &Quirks,
    rest: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) -> Result<Vec<Value>, DecodeError> {
    if request.tools.is_empty() {
        return Ok(Vec::new());
    }
    target.must_call_tools()?;
    let mut only = None;
    match (&request.tool_choice, quirks.tool_choice) {
        (None, _) => {}
        (Some(ToolChoice::Auto), Choices::Absent) => {}
        (Some(ToolChoice::None), Choices::Absent) => return Ok(Vec::new()),
        (Some(ToolChoice::Required), Choices::Absent) => note(dropped, "tool_choice"),
        (Some(ToolChoice::Named(name)), Choices::Absent) => {
            only = Some(name);
            note(dropped, "tool_choice");
        }
        (Some(ToolChoice::Named(name)), Choices::Words) => {
            only = Some(name);
            rest.insert("tool_choice".into(), "required".into());
        }
        (Some(ToolChoice::Named(name)), Choices::All) => {
            let choice = if quirks.openai.is_some() && is_custom(request, name) {
                json!({"type": "custom", "custom": {"name": name}})
            } else {
                json!({"type": "function", "function": {"name": name}})
            };
            rest.insert("tool_choice".into(), choice);
        }
        (Some(ToolChoice::Auto), _) => drop(rest.insert("tool_choice".into(), "auto".into())),
        (Some(ToolChoice::None), _) => drop(rest.insert("tool_choice".into(), "none".into())),
        (Some(ToolChoice::Required), _) => drop(rest.insert("tool_choice".into(), "required".into())),
    }
    match request.parallel_tool_calls {
        Some(parallel) if quirks.parallel => drop(rest.insert("parallel_tool_calls".into(), parallel.into())),
        Some(false) => note(dropped, "parallel_tool_calls"),
        Some(true) | None => {}
    }
    if request.tools.iter().any(|tool| tool.cache.is_some()) {
        note(dropped, "cache_control");
    }
    let wanted = request.tools.iter().filter(|tool| only.is_none_or(|name| tool.name == *name));
    Ok(wanted.map(|tool| self::tool(tool, quirks)).collect())
}

fn tool(tool: &Tool, quirks: &Quirks) -> Value {
    let lowered;
    let tool = if tool.kind == ToolKind::Custom && quirks.openai.is_none() {
        lowered = custom::lower_tool(tool);
        &lowered
    } else {
        tool
    };
    let mut inner = Map::new();
    inner.insert("name".into(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        inner.insert("description".into(), description.as_str().into());
    }
    if tool.kind == ToolKind::Custom {
        inner.extend(tool.format.clone().map(|format| ("format".into(), grammar(format))));
        return json!({"type": "custom", "custom": inner});
    }
    let empty = || json!({"type": "object", "properties": {}});
    let parameters = tool.parameters.clone().or_else(|| quirks.parameters.then(empty));
    inner.extend(parameters.map(|parameters| ("parameters".into(), parameters)));
    inner.extend(tool.strict.map(|strict| ("strict".into(), strict.into())));
    json!({"type": "function", "function": inner})
}

/// A custom tool's format as chats have it: a grammar's words in an object of their own.
fn grammar(format: Value) -> Value {
    match format {
        Value::Object(mut inner) if inner.get("type").and_then(Value::as_str) == Some("grammar") => {
            inner.shift_remove("type");
            json!({"type": "grammar", "grammar": inner})
        }
        other => other,
    }
}

fn sampling(
    request: &CompletionRequest,
    quirks: &Quirks,
    rest: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) -> Result<(), DecodeError> {
    let sampling = &request.sampling;
    // A model of OpenAI's that thinks refuses to be steered otherwise.
    let rules = quirks.openai.filter(|rules| rules.thinks);
    let fixed = rules.is_some();
    let thinks = rules.is_some_and(|rules| !is_silent(request, rules));
    if fixed && !sampling.stop.is_empty() {
        return Err(DecodeError::unsupported("stop", "this model ends at no text of yours; leave it out"));
    }
    // 1 is what such a model has anyway.
    let steered = |value: &f64| !thinks || (value - 1.0).abs() > f64::EPSILON;
    let mut say = |known: Option<&str>, name: &str, value: Option<Value>| match (known, value) {
        (Some(known), Some(value)) => drop(rest.insert(known.to_owned(), value)),
        (None, Some(_)) => note(dropped, name),
        (_, None) => {}
    };
    let taken = |name: &'static str, taken: bool| taken.then_some(name);
    say(taken("temperature", !thinks), "temperature", sampling.temperature.filter(steered).map(Value::from));
    say(taken("top_p", !thinks), "top_p", sampling.top_p.filter(steered).map(Value::from));
    say(taken("top_k", quirks.top_k), "top_k", sampling.top_k.map(Value::from));
    say(taken("min_p", quirks.min_p), "min_p", sampling.min_p.map(Value::from));
    say(taken("frequency_penalty", !fixed), "frequency_penalty", sampling.frequency_penalty.map(Value::from));
    say(taken("presence_penalty", !fixed), "presence_penalty", sampling.presence_penalty.map(Value::from));
    say(quirks.repeat_penalty, "repeat_penalty", sampling.repeat_penalty.map(Value::from));
    say(Some("seed"), "seed", sampling.seed.map(Value::from));
    say(Some("stop"), "stop", (!sampling.stop.is_empty()).then(|| json!(sampling.stop)));
    let bias = (!sampling.logit_bias.is_empty()).then(|| Value::Object(sampling.logit_bias.clone()));
    say(taken("logit_bias", quirks.logit_bias && !fixed), "logit_bias", bias);
    say(taken("logprobs", quirks.logprobs && !thinks), "logprobs", request.logprobs.map(|_| true.into()));
    let top = request.logprobs.filter(|top| *top > 0 && quirks.logprobs && !thinks);
    say(Some("top_logprobs"), "top_logprobs", top.map(Value::from));
    match request.choices {
        Some(n) if n > 1 && !quirks.choices => {
            Err(DecodeError::unsupported("n", "this runtime gives one answer a request; ask several times"))
        }
        Some(n) if n > 1 => {
            rest.insert("n".into(), n.into());
            Ok(())
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a model of OpenAI's does not think at this request. What it does unasked differs by model, so that only what is
/// said counts.
fn is_silent(request: &CompletionRequest, rules: Rules) -> bool {
    let wanted = request.reasoning.as_ref().and_then(effort::wanted).map(|effort| rules.effort(effort));
    wanted == Some(Effort::None) || (rules.thinks_or_calls && !request.tools.is_empty())
}

fn format(format: Option<&Format>, quirks: &Quirks, rest: &mut Map<String, Value>) {
    let value = match format {
        None => return,
        Some(Format::Text) => json!({"type": "text"}),
        Some(Format::Json) if quirks.json_object => json!({"type": "json_object"}),
        Some(Format::Json) => {
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}})
        }
        Some(Format::Schema { name, description, schema, strict }) => {
            let mut inner = Map::new();
            inner.insert("name".into(), name.as_deref().unwrap_or("answer").into());
            inner.extend(description.as_deref().map(|text| ("description".into(), text.into())));
            inner.insert("schema".into(), schema.clone());
            inner.extend(strict.map(|strict| ("strict".into(), strict.into())));
            json!({"type": "json_schema", "json_schema": inner})
        }
    };
    rest.insert("response_format".into(), value);
}

fn reasoning(
    request: &CompletionRequest,
    target: &Target,
    quirks: &Quirks,
    rest: &mut Map<String, Value>,
    dropped: &mut Vec<String>,
) {
    let goes_on = quirks.thinks_or_goes_on
        && request.messages.last().is_some_and(|last| {
            last.role == Role::Assistant && !last.parts.iter().any(|part| matches!(part, Part::ToolCall(_)))
        });
    if goes_on {
        rest.insert("chat_template_kwargs".into(), json!({"enable_thinking": false}));
        return;
    }
    let wanted = request.reasoning.as_ref().and_then(effort::wanted);
    if quirks.openai.is_some_and(|rules| rules.thinks_or_calls) && !request.tools.is_empty() {
        if wanted.is_some_and(|effort| effort != Effort::None) {
            note(dropped, "reasoning_effort");
        }
        rest.insert("reasoning_effort".into(), "none".into());
        return;
    }
    let Some(reasoning) = &request.reasoning else { return };
    let thinks = target.reasoning.or(quirks.openai.map(|rules| rules.thinks));
    if thinks == Some(false) {
        // Not to think is what it does anyway.
        if wanted.is_some_and(|effort| effort != Effort::None) {
            note(dropped, "reasoning_effort");
        }
        return;
    }
    let on = wanted != Some(Effort::None);
    match quirks.switch {
        Switch::Effort => {
            let word = match wanted {
                None => return,
                // A model that does not think refuses the field in any form.
                Some(Effort::None) if thinks.is_none() => return note(dropped, "reasoning_effort"),
                Some(effort) => {
                    let known = quirks.openai.map_or(effort, |rules| rules.effort(effort));
                    // `max` is known to the Responses API only.
                    effort::word(known.min(Effort::ExtraHigh))
                }
            };
            rest.insert("reasoning_effort".into(), word.into());
        }
        Switch::Ollama => {
            let word = match wanted {
                None => return,
                Some(Effort::None) => "none",
                Some(Effort::ExtraHigh | Effort::Max) => "max",
                Some(effort) => effort::level(effort).unwrap_or("none"),
            };
            rest.insert("reasoning_effort".into(), word.into());
        }
        Switch::LlamaCpp | Switch::Vllm => {
            if quirks.switch == Switch::Vllm {
                let include = reasoning.include.filter(|include| !include);
                rest.extend(include.map(|include| ("include_reasoning".to_owned(), include.into())));
            }
            if !effort::is_asked(reasoning) {
                return;
            }
            // A real boolean: a text is refused. Templates with levels (gpt-oss) read the word, others ignore it.
            let mut template = Map::from_iter([("enable_thinking".to_owned(), on.into())]);
            let word = wanted.and_then(effort::level).map(|word| ("reasoning_effort".to_owned(), word.into()));
            let budget = reasoning.budget.filter(|_| on);
            if quirks.switch == Switch::LlamaCpp {
                template.extend(word);
                rest.extend(budget.map(|tokens| ("thinking_budget_tokens".to_owned(), tokens.into())));
            } else {
                // DeepSeek's and Granite's templates read `thinking`.
                template.insert("thinking".to_owned(), on.into());
                rest.extend(word);
                rest.extend(budget.map(|tokens| ("thinking_token_budget".to_owned(), tokens.into())));
            }
            rest.insert("chat_template_kwargs".into(), template.into());
        }
        Switch::Absent if effort::is_asked(reasoning) => note(dropped, "reasoning_effort"),
        Switch::Absent => {}
    }
}

/// What only OpenAI itself takes, and what only runtimes take.
fn vendor(request: &CompletionRequest, quirks: &Quirks, rest: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    let metadata = (!request.metadata.is_empty()).then(|| Value::Object(request.metadata.clone()));
    for (name, value) in [
        ("metadata", metadata),
        ("user", request.user.clone().map(Value::from)),
        ("prompt_cache_key", request.cache_key.clone().map(Value::from)),
        ("service_tier", request.service_tier.clone().map(Value::from)),
    ] {
        match value {
            Some(value) if quirks.openai.is_some() => drop(rest.insert(name.to_owned(), value)),
            Some(_) => note(dropped, name),
            None => {}
        }
    }
    if request.context.is_some() {
        note(dropped, "num_ctx");
    }
    if request.keep_alive.is_some() {
        note(dropped, "keep_alive");
    }
}
