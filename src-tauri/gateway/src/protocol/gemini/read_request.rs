//! A client's request to the hub's.
//!
//! Also for a count of tokens, whose body is a request's turns or a whole request. What only Google's servers could do is
//! named as dropped; a field that would change what is answered is refused.

use super::{path, read_contents, schema, spelling, wire};
use crate::completion::{CompletionRequest, DecodeError, Effort, Format, Reasoning, Tool, ToolChoice, ToolKind};
use crate::protocol::Operation;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::effort;
use crate::protocol::codec::fields::Fields;

/// Reads a request.
pub(super) fn read(operation: Operation, path: &str, body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let call = path::call(path);
    let (mut fields, mut turns) = spelling::parse_turns(body)?;
    if operation == Operation::CountTokens
        && let Some(inner) = spelling::object(&mut fields, "generateContentRequest")?
    {
        (fields, turns) = (inner, None);
    }
    let told = fields.string("model")?.unwrap_or_default();
    let told = told.strip_prefix("models/").unwrap_or(&told);
    // Streams always end with their token counts.
    let mut request = CompletionRequest { stream_usage: true, ..CompletionRequest::default() };
    match call {
        Some(call) => {
            request.stream = call.streams();
            if request.stream && !call.sse {
                wire::want_array(&mut request);
            }
            request.model = call.model;
        }
        None => request.model = told.to_owned(),
    }
    let contents = spelling::contents(&mut fields, turns)?;
    if contents.is_empty() && operation != Operation::CountTokens {
        return Err(fields.wrong("contents", "a list of at least one content"));
    }
    request.messages.extend(read_contents::system(&mut fields, &mut request.dropped)?);
    request.messages.extend(read_contents::read(contents, &mut request.dropped)?);
    tools(&mut fields, &mut request)?;
    if let Some(config) = spelling::object(&mut fields, "toolConfig")? {
        tool_config(config, &mut request)?;
    }
    if let Some(config) = spelling::object(&mut fields, "generationConfig")? {
        generation(config, &mut request)?;
    }
    if fields.string("cachedContent")?.is_some_and(|name| !name.is_empty()) {
        let reason = "it lies in Google's store; send its turns in `contents`";
        return Err(DecodeError::unsupported("cachedContent", reason));
    }
    request.metadata = fields.map("labels")?;
    request.service_tier = fields.string("serviceTier")?.map(|tier| tier.to_ascii_lowercase());
    fields.rest(&mut request.dropped);
    Ok(request)
}

fn tools(fields: &mut Fields, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    for mut tool in spelling::objects(fields, "tools")? {
        // Searches and the like run on Google's servers. They say nothing but their name: `{"googleSearch": {}}`.
        for name in tool.names().filter(|name| *name != "functionDeclarations") {
            note(&mut request.dropped, format!("tools[].{name}"));
        }
        for mut function in spelling::objects(&mut tool, "functionDeclarations")? {
            let subset = function.take("parameters").map(schema::from_subset);
            let parameters = function.take("parametersJsonSchema").or(subset);
            request.tools.push(Tool {
                name: function.required("name")?,
                description: function.string("description")?,
                parameters,
                strict: None,
                kind: ToolKind::Function,
                format: None,
                cache: None,
            });
            // What it answers with only describes it further.
            for name in ["response", "responseJsonSchema", "behavior"] {
                if function.take(name).is_some() {
                    note(&mut request.dropped, format!("tools[].functionDeclarations[].{name}"));
                }
            }
        }
    }
    Ok(())
}

fn tool_config(mut config: Fields, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    if let Some(mut calling) = spelling::object(&mut config, "functionCallingConfig")? {
        let mode = calling.string("mode")?.unwrap_or_default().to_ascii_uppercase();
        let allowed = calling.strings("allowedFunctionNames")?;
        request.tool_choice = match mode.as_str() {
            "" | "MODE_UNSPECIFIED" => None,
            "AUTO" => Some(ToolChoice::Auto),
            // It holds calls to their schemas besides, which others do where they can.
            "VALIDATED" => Some(ToolChoice::Auto),
            "NONE" => Some(ToolChoice::None),
            "ANY" => Some(match allowed.as_slice() {
                [only] => ToolChoice::Named(only.clone()),
                _ => ToolChoice::Required,
            }),
            _ => return Err(calling.wrong("mode", "`AUTO`, `ANY`, `NONE` or `VALIDATED`")),
        };
        if let Some(unknown) = allowed.iter().find(|name| !request.tools.iter().any(|tool| tool.name == **name)) {
            let reason = format!("`{unknown}` is none of the functions that `tools` declares");
            return Err(DecodeError::unsupported("toolConfig.functionCallingConfig.allowedFunctionNames", reason));
        }
        // Other protocols cannot say "one of these": the model is shown no others, which comes to the same.
        if allowed.len() > 1 {
            request.tools.retain(|tool| allowed.contains(&tool.name));
        }
        calling.rest(&mut request.dropped);
    }
    // Whether Google's own tools tell of their calls: there are none.
    config.take("includeServerSideToolInvocations");
    config.rest(&mut request.dropped);
    Ok(())
}

fn generation(mut config: Fields, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    let sampling = &mut request.sampling;
    sampling.temperature = config.f64("temperature")?;
    sampling.top_p = config.f64("topP")?;
    sampling.top_k = config.u32("topK")?;
    sampling.seed = config.i64("seed")?;
    sampling.stop = config.strings("stopSequences")?;
    sampling.presence_penalty = config.f64("presencePenalty")?;
    sampling.frequency_penalty = config.f64("frequencyPenalty")?;
    request.max_tokens = config.u32("maxOutputTokens")?;
    request.choices = config.u32("candidateCount")?;
    let top = config.u32("logprobs")?;
    request.logprobs = (config.bool("responseLogprobs")? == Some(true)).then(|| top.unwrap_or(0));
    request.format = format(&mut config)?;
    if let Some(thinking) = spelling::object(&mut config, "thinkingConfig")? {
        request.reasoning = reasoning(thinking, &mut request.dropped)?;
    }
    for modality in config.strings("responseModalities")? {
        if !matches!(modality.to_ascii_uppercase().as_str(), "TEXT" | "MODALITY_UNSPECIFIED") {
            let reason = format!("only texts can be answered here, no `{modality}`");
            return Err(DecodeError::unsupported("generationConfig.responseModalities", reason));
        }
    }
    config.rest(&mut request.dropped);
    Ok(())
}

fn format(config: &mut Fields) -> Result<Option<Format>, DecodeError> {
    let mime = config.string("responseMimeType")?.unwrap_or_default();
    let plain = config.take("responseJsonSchema").or(config.take("_responseJsonSchema"));
    let subset = config.take("responseSchema").map(schema::from_subset);
    let schema = plain.or(subset);
    match (mime.as_str(), schema) {
        ("text/x.enum", _) => Err(DecodeError::unsupported(
            config.path("responseMimeType"),
            "no other vendor answers one bare word of a list; use application/json and a schema",
        )),
        (_, Some(schema)) => Ok(Some(Format::Schema { name: None, description: None, schema, strict: None })),
        ("application/json", None) => Ok(Some(Format::Json)),
        ("text/plain", None) => Ok(Some(Format::Text)),
        ("", None) => Ok(None),
        (other, None) => Err(DecodeError::unsupported(
            config.path("responseMimeType"),
            format!("`{other}` is neither text/plain nor application/json"),
        )),
    }
}

fn reasoning(mut config: Fields, dropped: &mut Vec<String>) -> Result<Option<Reasoning>, DecodeError> {
    let include = config.bool("includeThoughts")?;
    let budget = config.i64("thinkingBudget")?;
    let level = config.string("thinkingLevel")?.map(|level| level.to_ascii_lowercase());
    config.rest(dropped);
    let effort = level.as_deref().and_then(effort::parse);
    let reasoning = match budget {
        Some(0) => Reasoning { effort: Some(Effort::None), budget: None, include },
        Some(tokens @ 1..) => Reasoning { effort, budget: u32::try_from(tokens).ok(), include },
        // -1 leaves it to the model.
        Some(_) | None => Reasoning { effort, budget: None, include },
    };
    // Not to show thoughts is what holds anyway, and no wish that the model should have any.
    let silent = budget.is_none() && reasoning.effort.is_none() && include != Some(true);
    Ok((!silent).then_some(reasoning))
}
