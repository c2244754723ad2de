//! A client's request to the hub.
//!
//! Fields that the answer repeats are kept as they were written (`echo`). What only OpenAI's servers could do is named
//! as dropped; what points at something that they keep is refused.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input::Item;
use super::{input, tools};
use crate::completion::{CompletionRequest, DecodeError, Format, Message, Part, Reasoning, Role, Sampling, Wording};
use crate::protocol::codec::apart::Input;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::effort;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::json::{list, read};

/// Fields that an answer repeats. OpenAI's SDKs hold them in their type of an answer.
const ECHOED: &[&str] = &[
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

#[derive(Debug, Deserialize)]
struct ReasoningIn {
    effort: Option<String>,
    summary: Option<String>,
    generate_summary: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct TextIn {
    format: Option<FormatIn>,
    verbosity: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FormatIn {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
    strict: Option<bool>,
}

/// The fields of a request, and what of them is repeated.
struct Asked<'a> {
    fields: Fields<'a>,
    echo: Map<String, Value>,
}

impl<'a> Asked<'a> {
    fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, DecodeError> {
        let Some(raw) = self.fields.raw(name) else { return Ok(None) };
        let value = read(raw, name)?;
        if ECHOED.contains(&name) {
            self.echo.insert(name.to_owned(), read(raw, name)?);
        }
        Ok(Some(value))
    }
}

/// Reads a request.
pub(in super::super) fn decode(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let (fields, items) = Fields::parse_apart::<Input, Vec<Item<'_>>>(body)?;
    let mut asked = Asked { fields, echo: Map::new() };
    refuse_kept(&mut asked)?;
    let Some(model) = asked.take("model")? else {
        return Err(DecodeError::Malformed("`model` is missing".into()));
    };
    let mut request = CompletionRequest {
        model,
        stream: asked.take("stream")?.unwrap_or(false),
        // A stream of this API always ends with its token counts.
        stream_usage: true,
        max_tokens: asked.take("max_output_tokens")?,
        parallel_tool_calls: asked.take("parallel_tool_calls")?,
        sampling: Sampling {
            temperature: asked.take("temperature")?,
            top_p: asked.take("top_p")?,
            ..Sampling::default()
        },
        reasoning: asked.take("reasoning")?.map(reasoning).transpose()?.flatten(),
        metadata: asked.take("metadata")?.unwrap_or_default(),
        cache_key: asked.take("prompt_cache_key")?,
        service_tier: asked.take("service_tier")?,
        previous_response: asked.take("previous_response_id")?,
        store: asked.take("store")?,
        ..CompletionRequest::default()
    };
    let user: Option<String> = asked.take("user")?;
    request.user = asked.take("safety_identifier")?.or(user);
    let text = asked.take::<TextIn>("text")?.unwrap_or_default();
    request.format = text.format.map(format).transpose()?;
    if text.verbosity.is_some_and(|verbosity| verbosity != "medium") {
        note(&mut request.dropped, "text.verbosity");
    }
    let top_logprobs = asked.take::<u32>("top_logprobs")?.filter(|number| *number > 0);
    request.logprobs = top_logprobs;
    for wanted in asked.take::<Vec<String>>("include")?.unwrap_or_default() {
        match wanted.as_str() {
            "message.output_text.logprobs" => request.logprobs = Some(top_logprobs.unwrap_or(0)),
            // Every state that a model gives goes into the answer.
            "reasoning.encrypted_content" => {}
            other => note(&mut request.dropped, format!("include.{other}")),
        }
    }
    if asked.take::<String>("truncation")?.is_some_and(|truncation| truncation != "disabled") {
        note(&mut request.dropped, "truncation");
    }
    // It only pads a stream against eavesdroppers; nobody listens on this machine.
    asked.take::<&RawValue>("stream_options")?;

    let given: Vec<&RawValue> = asked.take("tools")?.unwrap_or_default();
    for (number, tool) in given.iter().enumerate() {
        tools::add(tool, &format!("tools[{number}]"), &mut request)?;
    }
    if let Some(instructions) = asked.take::<Wording>("instructions")?.filter(|text| !text.is_empty()) {
        request.messages.push(Message { role: Role::System, parts: vec![Part::text(instructions)], name: None });
    }
    request.echo = std::mem::take(&mut asked.echo);
    match asked.fields.raw("input") {
        None => input::read_items(items.unwrap_or_default(), &mut request)?,
        Some(text) if text.get().starts_with('"') => {
            let text: Wording = read(text, "input")?;
            request.messages.push(Message { role: Role::User, parts: vec![Part::text(text)], name: None });
        }
        Some(items) => input::read_items(list(items, "input")?, &mut request)?,
    }
    if let Some(choice) = asked.take::<&RawValue>("tool_choice")? {
        request.echo.insert("tool_choice".into(), read(choice, "tool_choice")?);
        tools::choose(choice, &mut request)?;
    }
    asked.fields.rest(&mut request.dropped);
    Ok(request)
}

/// Refuses what points at something that OpenAI's servers keep or do.
fn refuse_kept(asked: &mut Asked<'_>) -> Result<(), DecodeError> {
    for (name, reason) in [
        ("conversation", "OpenAI keeps it; use previous_response_id or send the turns"),
        ("prompt", "OpenAI keeps it; send its text as instructions and input"),
    ] {
        if asked.take::<&RawValue>(name)?.is_some() {
            return Err(DecodeError::unsupported(name, reason));
        }
    }
    if asked.take::<bool>("background")? == Some(true) {
        return Err(DecodeError::unsupported("background", "an answer is given while you wait; use stream"));
    }
    Ok(())
}

/// `None` where nothing is told: the fields may be there as null.
fn reasoning(reasoning: ReasoningIn) -> Result<Option<Reasoning>, DecodeError> {
    let effort = reasoning.effort.as_deref().map(|word| {
        effort::parse(word).ok_or_else(|| {
            DecodeError::Malformed(format!(
                "`reasoning.effort`: `{word}` is none of none, minimal, low, medium, high, xhigh, max"
            ))
        })
    });
    let effort = effort.transpose()?;
    let summary = reasoning.summary.or(reasoning.generate_summary);
    let told = Reasoning { effort, budget: None, include: summary.map(|summary| summary != "none") };
    Ok(Some(told).filter(|told| *told != Reasoning::default()))
}

fn format(format: FormatIn) -> Result<Format, DecodeError> {
    match (format.kind.as_str(), format.schema) {
        ("text", _) => Ok(Format::Text),
        ("json_object", _) => Ok(Format::Json),
        ("json_schema", Some(schema)) => {
            Ok(Format::Schema { name: format.name, description: format.description, schema, strict: format.strict })
        }
        (kind, _) => Err(DecodeError::unsupported(
            "text.format",
            format!("`{kind}` is not known; use text, json_object, or json_schema with a schema"),
        )),
    }
}
