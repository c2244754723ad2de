//! The hub's request as Gemini's body. The model's name is not in it: it stands in the path.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::model::{self, Rules};
use super::path;
use super::schema;
use super::wire::Piece;
use super::write_contents::{self, Turn};
use crate::completion::{CompletionRequest, DecodeError, Encoded, Format, Tool, ToolChoice};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, custom};

/// How many stop texts Google takes.
const MOST_STOPS: usize = 5;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<System<'a>>,
    contents: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    generation_config: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct System<'a> {
    parts: Vec<Piece<'a>>,
}

/// Writes a request.
pub(super) fn write(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    encode(request, target, |body| body)
}

/// Writes a question for a request's tokens: the whole of it, since tools and system texts are counted only there.
pub(super) fn count(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Count<'a> {
        generate_content_request: Named<'a>,
    }
    #[derive(Serialize)]
    struct Named<'a> {
        model: Cow<'a, str>,
        #[serde(flatten)]
        body: Body<'a>,
    }
    encode(request, target, |body| Count {
        generate_content_request: Named { model: path::resource(&target.model), body },
    })
}

fn encode<'a, T: Serialize>(
    request: &'a CompletionRequest,
    target: &Target,
    form: impl FnOnce(Body<'a>) -> T,
) -> Result<Encoded, DecodeError> {
    let rules = model::rules(&target.model);
    let mut dropped = Vec::new();
    let (tools, tool_config) = tools(request, target, &rules, &mut dropped)?;
    let written = write_contents::write(&request.messages, target, &rules, &mut dropped)?;
    let mut generation_config = sampling(request, target, &mut dropped)?;
    format(request.format.as_ref(), &rules, &mut generation_config, &mut dropped);
    if let Some(reasoning) = &request.reasoning {
        let asked = model::ask(reasoning, &rules);
        if asked.lost {
            note(&mut dropped, "reasoning_effort");
        }
        generation_config.extend(asked.config.map(|config| ("thinkingConfig".to_owned(), config.into())));
    }
    for (name, said) in [
        ("metadata", !request.metadata.is_empty()),
        ("user", request.user.is_some()),
        ("prompt_cache_key", request.cache_key.is_some()),
        ("service_tier", request.service_tier.as_deref().is_some_and(|tier| !matches!(tier, "auto" | "default"))),
        ("num_ctx", request.context.is_some()),
        ("keep_alive", request.keep_alive.is_some()),
    ] {
        if said {
            note(&mut dropped, name);
        }
    }
    let body = Body {
        system_instruction: (!written.system.is_empty()).then_some(System { parts: written.system }),
        contents: written.turns,
        tools,
        tool_config,
        generation_config,
    };
    let bytes = serde_json::to_vec(&form(body)).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    Ok(Encoded { body: Bytes::from(bytes), dropped })
}

fn tools(
    request: &CompletionRequest,
    target: &Target,
    rules: &Rules,
    dropped: &mut Vec<String>,
) -> Result<(Option<Value>, Option<Value>), DecodeError> {
    if request.tools.is_empty() {
        return Ok((None, None));
    }
    target.must_call_tools()?;
    for (name, said) in [
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false)),
        ("strict", request.tools.iter().any(|tool| tool.strict == Some(true))),
        ("cache_control", request.tools.iter().any(|tool| tool.cache.is_some())),
    ] {
        if said {
            note(dropped, name);
        }
    }
    let declarations: Vec<Value> = request.tools.iter().map(|tool| declaration(tool, rules)).collect();
    let config = match &request.tool_choice {
        None => None,
        Some(ToolChoice::Auto) => Some(json!({"mode": "AUTO"})),
        Some(ToolChoice::None) => Some(json!({"mode": "NONE"})),
        Some(ToolChoice::Required) => Some(json!({"mode": "ANY"})),
        Some(ToolChoice::Named(name)) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    };
    let config = config.map(|config| json!({ "functionCallingConfig": config }));
    Ok((Some(json!([{ "functionDeclarations": declarations }])), config))
}

fn declaration(tool: &Tool, rules: &Rules) -> Value {
    let tool = custom::function(tool);
    let mut out = Map::new();
    out.insert("name".into(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        out.insert("description".into(), description.as_str().into());
    }
    // A function without arguments has none to describe: an empty object is refused by some models.
    if let Some(schema) = tool.parameters.as_ref().filter(|schema| !schema::is_empty(schema)) {
        if rules.json_schema {
            out.insert("parametersJsonSchema".into(), schema.clone());
        } else {
            out.insert("parameters".into(), schema::to_subset(schema));
        }
    }
    Value::Object(out)
}

fn sampling(
    request: &CompletionRequest,
    target: &Target,
    dropped: &mut Vec<String>,
) -> Result<Map<String, Value>, DecodeError> {
    let sampling = &request.sampling;
    if sampling.stop.len() > MOST_STOPS {
        return Err(DecodeError::unsupported("stop", format!("Gemini takes {MOST_STOPS} stop texts at most")));
    }
    for (name, said) in [
        ("min_p", sampling.min_p.is_some()),
        ("repeat_penalty", sampling.repeat_penalty.is_some()),
        ("logit_bias", !sampling.logit_bias.is_empty()),
    ] {
        if said {
            note(dropped, name);
        }
    }
    let limit = request.max_tokens.map(|limit| target.max_output.map_or(limit, |most| limit.min(most)));
    let said = [
        ("temperature", sampling.temperature.map(Value::from)),
        ("topP", sampling.top_p.map(Value::from)),
        ("topK", sampling.top_k.map(Value::from)),
        ("maxOutputTokens", limit.map(Value::from)),
        ("stopSequences", (!sampling.stop.is_empty()).then(|| json!(sampling.stop))),
        ("seed", sampling.seed.map(Value::from)),
        ("presencePenalty", sampling.presence_penalty.map(Value::from)),
        ("frequencyPenalty", sampling.frequency_penalty.map(Value::from)),
        ("candidateCount", request.choices.filter(|count| *count > 1).map(Value::from)),
        ("responseLogprobs", request.logprobs.map(|_| true.into())),
        ("logprobs", request.logprobs.filter(|top| *top > 0).map(Value::from)),
    ];
    Ok(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn format(format: Option<&Format>, rules: &Rules, config: &mut Map<String, Value>, dropped: &mut Vec<String>) {
    match format {
        None | Some(Format::Text) => return,
        Some(Format::Json) => {}
        // The name and what it is for only describe it; strictness is what Google always gives.
        Some(Format::Schema { schema, description, .. }) => {
            if description.is_some() {
                note(dropped, "response_format.json_schema.description");
            }
            if rules.json_schema {
                config.insert("responseJsonSchema".into(), schema.clone());
            } else {
                config.insert("responseSchema".into(), schema::to_subset(schema));
            }
        }
    }
    config.insert("responseMimeType".into(), "application/json".into());
}
