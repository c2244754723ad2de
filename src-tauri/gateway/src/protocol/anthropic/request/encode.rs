//! The hub's request to Anthropic's.
//!
//! Repairs what other protocols allow and Anthropic refuses: turns of one role in a row, results after other blocks, ids
//! with dots, empty texts, a temperature above 1. What a model takes is asked of `claude`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::claude::{self, Rules};
use super::super::wire::{BlockOut, CacheControl};
use super::thinking::{self, ThinkingOut};
use super::turns::{self, Turn};
use crate::completion::{
    CompletionRequest, DecodeError, Effort, Encoded, Format, Reasoning, Tool, ToolChoice, ToolKind,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::body;
use crate::protocol::codec::{Target, repair, schema};

/// Tokens of an answer where neither the client nor the catalog says how many: the field is required.
const MAX_TOKENS: u32 = 8192;

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<BlockOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingOut>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    output_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    stream: bool,
}

#[derive(Debug, Serialize)]
struct ToolOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    input_schema: Cow<'a, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

/// Writes a request.
pub(in super::super) fn encode(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let rules = claude::rules(&target.model);
    let paired = repair::pair(&request.messages);
    let mut written = turns::turns(&paired, &rules)?;
    let mut dropped = std::mem::take(&mut written.dropped);
    let room = target.max_output.unwrap_or(MAX_TOKENS);
    let max_tokens = request.max_tokens.map_or(room, |asked| asked.min(target.max_output.unwrap_or(u32::MAX))).max(1);

    let forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)));
    let reasoning = request.reasoning.as_ref().filter(|reasoning| {
        let can = target.reasoning != Some(false);
        if !can && reasoning.effort != Some(Effort::None) {
            note(&mut dropped, "reasoning_effort");
        }
        can
    });
    let asked = match reasoning {
        Some(reasoning) => {
            let silent = (forced && rules.forced_choice) || written.forbids_thinking(&rules);
            thinking::ask(reasoning, &rules, max_tokens, silent)
        }
        // A model that thinks unasked must not where a tool is forced.
        None if forced && rules.forced_choice && rules.signed => {
            let silent = Reasoning { effort: Some(Effort::None), ..Reasoning::default() };
            thinking::ask(&silent, &rules, max_tokens, true)
        }
        None => thinking::Asked::default(),
    };
    if asked.lost {
        note(&mut dropped, "reasoning_effort");
    }
    if forced && !rules.forced_choice && !request.tools.is_empty() {
        note(&mut dropped, "tool_choice");
        ask_for_a_call(request.tool_choice.as_ref(), &mut written.turns);
    }
    let mut output_config = Map::new();
    if let Some(effort) = asked.effort {
        output_config.insert("effort".into(), effort.into());
    }
    if let Some(format) = format(request.format.as_ref())? {
        output_config.insert("format".into(), format);
    }
    let sampling = Sampled::of(request, &rules, asked.thinks(), &mut dropped);
    unsaid(request, &mut dropped);

    let body = body(&Body {
        model: &target.model,
        max_tokens,
        system: written.system,
        tools: request.tools.iter().map(tool).collect(),
        messages: written.turns,
        tool_choice: tool_choice(request, &rules),
        thinking: asked.thinking,
        output_config,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: request
            .sampling
            .stop
            .iter()
            .map(String::as_str)
            .filter(|stop| !stop.trim().is_empty())
            .collect(),
        metadata: request.user.as_ref().filter(|user| !user.contains('@')).map(|user| json!({"user_id": user})),
        service_tier: match request.service_tier.as_deref() {
            Some("auto") => Some("auto"),
            Some("default") => Some("standard_only"),
            Some(_) | None => None,
        },
        stream: request.stream,
    });
    Ok(Encoded { body, dropped })
}

fn tool(tool: &Tool) -> ToolOut<'_> {
    let (description, input_schema) = schema::function(tool);
    ToolOut {
        name: &tool.name,
        description,
        input_schema,
        strict: tool.strict.filter(|strict| *strict && tool.kind == ToolKind::Function),
        cache_control: CacheControl::of(tool.cache.as_ref()),
    }
}

/// `tool_choice`, which may stand only beside tools.
fn tool_choice(request: &CompletionRequest, rules: &Rules) -> Option<Value> {
    if request.tools.is_empty() {
        return None;
    }
    let mut choice = Map::new();
    let kind = match &request.tool_choice {
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        Some(ToolChoice::Required) if rules.forced_choice => "any",
        Some(ToolChoice::Named(_)) if rules.forced_choice => "tool",
        Some(ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named(_)) => "auto",
        None if request.parallel_tool_calls == Some(false) => "auto",
        None => return None,
    };
    choice.insert("type".into(), kind.into());
    if let (Some(ToolChoice::Named(name)), "tool") = (&request.tool_choice, kind) {
        choice.insert("name".into(), name.as_str().into());
    }
    if request.parallel_tool_calls == Some(false) {
        choice.insert("disable_parallel_tool_use".into(), true.into());
    }
    Some(Value::Object(choice))
}

/// The newest models take no forced choice; they are asked in words, last, where no cached prefix ends.
fn ask_for_a_call(choice: Option<&ToolChoice>, turns: &mut Vec<Turn<'_>>) {
    let text = match choice {
        Some(ToolChoice::Named(name)) => format!("Answer with a call of the tool `{name}`."),
        Some(ToolChoice::Required) => "Answer with a call of one of the tools.".to_owned(),
        Some(ToolChoice::Auto | ToolChoice::None) | None => return,
    };
    let block = BlockOut::Text { text: text.into(), cache_control: None };
    match turns.last_mut() {
        Some(turn) if turn.role == "user" => turn.content.push(block),
        Some(_) | None => turns.push(Turn { role: "user", content: vec![block] }),
    }
}

fn format(format: Option<&Format>) -> Result<Option<Value>, DecodeError> {
    match format {
        Some(Format::Text) | None => Ok(None),
        Some(Format::Json) => Err(DecodeError::unsupported(
            "response_format",
            "Anthropic's API knows no JSON without a schema; give one (`json_schema`)",
        )),
        Some(Format::Schema { schema, .. }) => {
            let mut closed = schema.clone();
            schema::close(&mut closed);
            Ok(Some(json!({"type": "json_schema", "schema": closed})))
        }
    }
}

/// What may be said of how tokens are chosen.
pub(in crate::protocol) struct Sampled {
    pub(in crate::protocol) temperature: Option<f64>,
    pub(in crate::protocol) top_p: Option<f64>,
    pub(in crate::protocol) top_k: Option<u32>,
}

impl Sampled {
    /// What a model of these rules takes of it; the rest is named.
    pub(in crate::protocol) fn of(
        request: &CompletionRequest,
        rules: &Rules,
        thinks: bool,
        dropped: &mut Vec<String>,
    ) -> Sampled {
        let asked = &request.sampling;
        let free = rules.sampling && !(thinks && rules.signed);
        let keep = |said: bool, name: &str, dropped: &mut Vec<String>| {
            if !said {
                note(dropped, name);
            }
            said
        };
        // 1 is what a model that takes no temperature has.
        let temperature = asked
            .temperature
            .filter(|degree| keep(free || (*degree - 1.0).abs() < f64::EPSILON, "temperature", dropped) && free);
        if temperature.is_some_and(|degree| degree > 1.0) {
            note(dropped, "temperature");
        }
        Sampled {
            temperature: temperature.map(|degree| degree.clamp(0.0, 1.0)),
            top_p: asked.top_p.filter(|share| {
                let alone = !(rules.exclusive && temperature.is_some());
                keep((free && alone) || *share >= 1.0, "top_p", dropped) && free && alone
            }),
            top_k: asked.top_k.filter(|_| keep(free, "top_k", dropped)),
        }
    }
}

/// Names what Anthropic has no field for.
fn unsaid(request: &CompletionRequest, dropped: &mut Vec<String>) {
    let sampling = &request.sampling;
    for (asked, name) in [
        (request.choices.is_some_and(|choices| choices > 1), "n"),
        (request.logprobs.is_some(), "logprobs"),
        (sampling.min_p.is_some(), "min_p"),
        (sampling.frequency_penalty.is_some_and(|penalty| penalty != 0.0), "frequency_penalty"),
        (sampling.presence_penalty.is_some_and(|penalty| penalty != 0.0), "presence_penalty"),
        (sampling.repeat_penalty.is_some(), "repeat_penalty"),
        (sampling.seed.is_some(), "seed"),
        (!sampling.logit_bias.is_empty(), "logit_bias"),
        (sampling.stop.iter().any(|stop| stop.trim().is_empty()), "stop"),
        (!request.metadata.is_empty(), "metadata"),
        // An address is a 400 there.
        (request.user.as_ref().is_some_and(|user| user.contains('@')), "user"),
        (request.cache_key.is_some(), "prompt_cache_key"),
        (request.service_tier.as_deref().is_some_and(|tier| tier != "auto" && tier != "default"), "service_tier"),
        (request.context.is_some(), "num_ctx"),
        (request.keep_alive.is_some(), "keep_alive"),
    ] {
        if asked {
            note(dropped, name);
        }
    }
}
