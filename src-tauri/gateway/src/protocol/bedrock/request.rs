//! The hub's request to Converse's, and to its count of tokens.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::blocks::{Block, CachePoint};
use super::extra::Extra;
use super::family::{self, Family};
use super::turns::{self, Turn, Turns};
use crate::completion::{CompletionRequest, DecodeError, Encoded, Format, Tool, ToolChoice, ToolKind};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::json::body;
use crate::protocol::codec::{Target, repair, schema};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "InferenceConfig::is_empty")]
    inference_config: InferenceConfig<'a>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_model_request_fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Value>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

impl InferenceConfig<'_> {
    fn is_empty(&self) -> bool {
        self.max_tokens.is_none()
            && self.temperature.is_none()
            && self.top_p.is_none()
            && self.stop_sequences.is_empty()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolOut<'a> {
    ToolSpec(Spec<'a>),
    CachePoint(CachePoint<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Schema<'a> {
    json: Cow<'a, Value>,
}

/// Writes a request.
pub(super) fn encode(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let family = family::of(&target.model);
    let paired = repair::pair(&request.messages);
    let mut written = turns::turns(&paired, family)?;
    let mut dropped = std::mem::take(&mut written.dropped);
    let extra = Extra::of(request, family, target, &written, &mut dropped);
    let tool_config = tools(request, family, &mut written, &mut dropped);
    let stop = || request.sampling.stop.iter().map(String::as_str);
    // Claude refuses such; others mostly take them.
    let kept = |stop: &&str| !stop.is_empty() && (!matches!(family, Family::Claude(_)) || !stop.trim().is_empty());
    let output_config = format(request.format.as_ref())?;
    unsaid(request, stop().any(|text| !kept(&text)), &mut dropped);

    let body = body(&Body {
        system: written.system,
        tool_config,
        messages: written.turns,
        inference_config: InferenceConfig {
            max_tokens: extra.max_tokens,
            temperature: extra.temperature,
            top_p: extra.top_p,
            stop_sequences: stop().filter(kept).collect(),
        },
        additional_model_request_fields: extra.fields,
        output_config,
        service_tier: request
            .service_tier
            .as_deref()
            .filter(|tier| TIERS.contains(tier))
            .map(|tier| json!({"type": tier})),
    });
    Ok(Encoded { body, dropped })
}

/// Writes a question for a count. What is not counted is not said; what was dropped of it stays named, as the answer will
/// lack it too.
pub(super) fn counting(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        system: Vec<Block<'a>>,
        messages: Vec<Turn<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tool_config: Option<ToolConfig<'a>>,
    }
    let family = family::of(&target.model);
    let paired = repair::pair(&request.messages);
    let mut written = turns::turns(&paired, family)?;
    let mut dropped = std::mem::take(&mut written.dropped);
    let tool_config = tools(request, family, &mut written, &mut dropped);
    let counted = Counted { system: written.system, messages: written.turns, tool_config };
    #[derive(Serialize)]
    struct Question<'a> {
        input: Input<'a>,
    }
    #[derive(Serialize)]
    struct Input<'a> {
        converse: Counted<'a>,
    }
    Ok(Encoded { body: body(&Question { input: Input { converse: counted } }), dropped })
}

const TIERS: [&str; 4] = ["default", "priority", "flex", "reserved"];

/// Tools and which must be called. Where earlier calls stand in the conversation, Bedrock wants tools to be named.
fn tools<'a>(
    request: &'a CompletionRequest,
    family: Family,
    written: &mut Turns<'a>,
    dropped: &mut Vec<String>,
) -> Option<ToolConfig<'a>> {
    let none = request.tool_choice == Some(ToolChoice::None);
    if written.called.is_empty() && (none || request.tools.is_empty()) {
        return None;
    }
    if none && !request.tools.is_empty() {
        note(dropped, "tool_choice");
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.push(ToolOut::ToolSpec(spec(tool, family)));
        if let Some(mark) = tool.cache.as_ref().filter(|_| family.caches_tools()) {
            tools.push(ToolOut::CachePoint(CachePoint::of(mark)));
        }
    }
    if tools.is_empty() {
        let any = || Cow::Owned(json!({"type": "object", "properties": {}}));
        let gone = written.called.iter().copied().map(|name| Spec {
            name,
            description: None,
            input_schema: Schema { json: any() },
            strict: None,
        });
        tools.extend(gone.map(ToolOut::ToolSpec));
    }
    if request.parallel_tool_calls == Some(false) {
        note(dropped, "parallel_tool_calls");
    }
    let (some, this) = family.forced();
    let tool_choice = match &request.tool_choice {
        _ if request.tools.is_empty() => None,
        Some(ToolChoice::Auto) => Some(json!({"auto": {}})),
        Some(ToolChoice::Required) if some => Some(json!({"any": {}})),
        Some(ToolChoice::Named(name)) if this => Some(json!({"tool": {"name": name}})),
        Some(choice @ (ToolChoice::Required | ToolChoice::Named(_))) => {
            note(dropped, "tool_choice");
            written.ask_for_a_call(choice);
            None
        }
        Some(ToolChoice::None) | None => None,
    };
    Some(ToolConfig { tools, tool_choice })
}

fn spec(tool: &Tool, family: Family) -> Spec<'_> {
    let (description, mut json) = schema::function(tool);
    if matches!(family, Family::Nova | Family::Nova2) {
        // At the top Nova takes these alone; the rest says little there.
        let known = |name: &str| matches!(name, "type" | "properties" | "required" | "additionalProperties" | "$defs");
        if let Some(fields) = json.as_object().filter(|fields| !fields.keys().all(|name| known(name))) {
            let kept = fields.iter().filter(|(name, _)| known(name));
            json = Cow::Owned(Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect()));
        }
    }
    Spec {
        name: &tool.name,
        description: description.filter(|text| !text.is_empty()),
        input_schema: Schema { json },
        strict: tool.strict.filter(|strict| *strict && tool.kind == ToolKind::Function),
    }
}

fn format(format: Option<&Format>) -> Result<Option<Value>, DecodeError> {
    match format {
        Some(Format::Text) | None => Ok(None),
        Some(Format::Json) => Err(DecodeError::unsupported(
            "response_format",
            "Bedrock knows no JSON without a schema; give one (`json_schema`)",
        )),
        Some(Format::Schema { name, description, schema, .. }) => {
            let mut closed = schema.clone();
            schema::close(&mut closed);
            let mut told = Map::new();
            told.insert("schema".into(), closed.to_string().into());
            told.extend(name.as_deref().map(|name| ("name".to_owned(), name.into())));
            told.extend(description.as_deref().map(|text| ("description".to_owned(), text.into())));
            Ok(Some(json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": told}}})))
        }
    }
}

/// Names what Converse has no field for.
fn unsaid(request: &CompletionRequest, stop: bool, dropped: &mut Vec<String>) {
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
        (stop, "stop"),
        (!request.metadata.is_empty(), "metadata"),
        (request.user.is_some(), "user"),
        (request.cache_key.is_some(), "prompt_cache_key"),
        (request.service_tier.as_deref().is_some_and(|tier| tier != "auto" && !TIERS.contains(&tier)), "service_tier"),
        (request.context.is_some(), "num_ctx"),
        (request.keep_alive.is_some(), "keep_alive"),
    ] {
        if asked {
            note(dropped, name);
        }
    }
}
