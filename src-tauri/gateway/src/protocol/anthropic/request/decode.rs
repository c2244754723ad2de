//! A client's request to the hub.
//!
//! System texts stay where they stand. What only Anthropic's servers could do is named as dropped; a field that would
//! change what is answered, or where, is refused.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::wire::{BlockIn, CacheControl, parts};
use crate::completion::{
    CompletionRequest, DecodeError, Effort, Format, Message, Part, Reasoning, Role, Sampling, Tool, ToolChoice,
    ToolKind,
};
use crate::protocol::codec::apart::Messages;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::json::{TextOr, list, read};
use crate::protocol::codec::{carrier, effort};

#[derive(Debug, Deserialize)]
struct MessageIn<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<TextOr<BlockIn<'a>>>,
    /// `next_user_message`: said only until the person speaks again.
    clear_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ToolIn {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Deserialize)]
struct ToolChoiceIn {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct ThinkingIn {
    #[serde(rename = "type")]
    kind: String,
    budget_tokens: Option<u32>,
    display: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<FormatIn>,
}

#[derive(Debug, Deserialize)]
struct FormatIn {
    #[serde(rename = "type")]
    kind: String,
    schema: Option<Value>,
}

/// A tool that a turn in the middle gives or takes away.
#[derive(Debug, Deserialize)]
struct ToolChange {
    name: Option<String>,
    definition: Option<ToolIn>,
}

/// Reads a request, for an answer or for a count of its tokens.
pub(in super::super) fn decode(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let (mut fields, turns) = Fields::parse_apart::<Messages, Vec<MessageIn<'_>>>(body)?;
    let missing = |name: &str| DecodeError::Malformed(format!("`{name}` is missing"));
    let mut request = CompletionRequest {
        model: fields.read("model")?.ok_or_else(|| missing("model"))?,
        max_tokens: fields.read("max_tokens")?,
        stream: fields.read("stream")?.unwrap_or(false),
        // Anthropic's streams always end with their token counts.
        stream_usage: true,
        sampling: Sampling {
            temperature: fields.read("temperature")?,
            top_p: fields.read("top_p")?,
            top_k: fields.read("top_k")?,
            stop: fields.read("stop_sequences")?.unwrap_or_default(),
            ..Sampling::default()
        },
        ..CompletionRequest::default()
    };
    for (number, tool) in fields.read::<Vec<ToolIn>>("tools")?.unwrap_or_default().into_iter().enumerate() {
        tool.add(&format_args!("tools[{number}]"), &mut request)?;
    }
    if let Some(system) = fields.read::<TextOr<BlockIn<'_>>>("system")? {
        let parts = parts(system, &"system", &mut request.dropped)?;
        if !parts.is_empty() {
            request.messages.push(Message { role: Role::System, parts, name: None });
        }
    }
    let turns = match turns {
        Some(turns) => turns,
        None => list(fields.raw("messages").ok_or_else(|| missing("messages"))?, "messages")?,
    };
    messages(turns, &mut request)?;
    carrier::settle(&mut request.messages);
    if let Some(choice) = fields.read::<ToolChoiceIn>("tool_choice")? {
        request.parallel_tool_calls = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        request.tool_choice = Some(tool_choice(choice, &request.tools)?);
    }
    let mut output = fields.read::<OutputConfig>("output_config")?.unwrap_or_default();
    let thinking: Option<ThinkingIn> = fields.read("thinking")?;
    request.reasoning = reasoning(thinking, output.effort.as_deref());
    // `output_format` is what `output_config.format` was called first.
    let older = fields.read::<FormatIn>("output_format")?;
    request.format = output.format.take().or(older).map(format).transpose()?;
    if let Some(mut metadata) = fields.read::<serde_json::Map<String, Value>>("metadata")? {
        if let Some(Value::String(user)) = metadata.shift_remove("user_id") {
            request.user = Some(user);
        }
        request.metadata = metadata;
    }
    request.service_tier = fields.read::<String>("service_tier")?.map(|tier| match tier.as_str() {
        "standard_only" => "default".into(),
        _ => tier,
    });
    if let Some(place) = fields.read::<String>("inference_geo")?.filter(|place| place != "global") {
        return Err(DecodeError::unsupported(
            "inference_geo",
            format!("no other vendor promises `{place}`; leave it out to go anywhere"),
        ));
    }
    if fields.read::<String>("speed")?.is_some_and(|speed| speed != "standard") {
        note(&mut request.dropped, "speed");
    }
    // Said in the body by clients made for Bedrock and Vertex; headers elsewhere.
    fields.read::<&RawValue>("anthropic_version")?;
    fields.read::<&RawValue>("anthropic_beta")?;
    fields.rest(&mut request.dropped);
    Ok(request)
}

fn messages(turns: Vec<MessageIn<'_>>, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    let last_user = turns.iter().rposition(|turn| turn.role == "user");
    for (number, turn) in turns.into_iter().enumerate() {
        let at = format_args!("messages[{number}].content");
        let role = match &*turn.role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => {
                return Err(DecodeError::Malformed(format!(
                    "`messages[{number}].role`: `{other}` is none of user, assistant, system"
                )));
            }
        };
        let over = turn.clear_at.as_deref() == Some("next_user_message") && last_user > Some(number);
        if role == Role::System && over {
            continue;
        }
        let content = turn.content.unwrap_or(TextOr::List(Vec::new()));
        match (role, content) {
            (Role::System, TextOr::List(blocks)) => system(blocks, &at, request)?,
            (role, content) => {
                let parts = parts(content, &at, &mut request.dropped)?;
                push(role, parts, &mut request.messages);
            }
        }
    }
    Ok(())
}

/// A system turn, which may also give tools or take them away.
fn system(blocks: Vec<BlockIn<'_>>, at: &dyn Display, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    let mut texts = Vec::new();
    for (number, block) in blocks.into_iter().enumerate() {
        let at = format_args!("{at}[{number}]");
        match (&*block.kind, block.tool) {
            ("tool_addition", Some(tool)) => {
                let change: ToolChange = read(tool, at)?;
                // A tool that is only named was in `tools` all along.
                if let Some(tool) = change.definition {
                    tool.add(&at, request)?;
                }
            }
            ("tool_removal", Some(tool)) => {
                let change: ToolChange = read(tool, at)?;
                request.tools.retain(|tool| change.name.as_ref() != Some(&tool.name));
            }
            _ => block.parts(&at, &mut texts, &mut request.dropped)?,
        }
    }
    push(Role::System, texts, &mut request.messages);
    Ok(())
}

/// Adds a turn. Results of tools are turns of their own in the hub, one each.
fn push(role: Role, parts: Vec<Part>, messages: &mut Vec<Message>) {
    let is_result = |part: &Part| role == Role::User && matches!(part, Part::ToolResult(_));
    if !parts.iter().any(is_result) {
        return say(role, parts, messages);
    }
    let mut rest = Vec::new();
    for part in parts {
        if is_result(&part) {
            say(role, std::mem::take(&mut rest), messages);
            say(Role::Tool, vec![part], messages);
        } else {
            rest.push(part);
        }
    }
    say(role, rest, messages);
}

fn say(role: Role, parts: Vec<Part>, messages: &mut Vec<Message>) {
    if !parts.is_empty() {
        messages.push(Message { role, parts, name: None });
    }
}

impl ToolIn {
    fn add(self, at: &dyn Display, request: &mut CompletionRequest) -> Result<(), DecodeError> {
        if let Some(kind) = self.kind.filter(|kind| kind != "custom") {
            // Web search and the like run on Anthropic's servers; a computer or an editor only Claude knows to use.
            note(&mut request.dropped, format!("{at}.{kind}"));
            return Ok(());
        }
        let Some(name) = self.name else {
            return Err(DecodeError::Malformed(format!("`{at}.name` is missing")));
        };
        request.tools.push(Tool {
            name,
            description: self.description,
            parameters: self.input_schema,
            strict: self.strict,
            kind: ToolKind::Function,
            format: None,
            cache: self.cache_control.as_ref().map(CacheControl::mark),
        });
        Ok(())
    }
}

fn tool_choice(choice: ToolChoiceIn, tools: &[Tool]) -> Result<ToolChoice, DecodeError> {
    match (choice.kind.as_str(), choice.name) {
        ("auto", _) => Ok(ToolChoice::Auto),
        ("any", _) => Ok(ToolChoice::Required),
        ("none", _) => Ok(ToolChoice::None),
        ("tool", Some(name)) if tools.iter().any(|tool| tool.name == name) => Ok(ToolChoice::Named(name)),
        ("tool", Some(name)) => Err(DecodeError::unsupported(
            "tool_choice",
            format!("`{name}` is no tool that the model can be given; choose one of `tools` that has an input_schema"),
        )),
        (kind, _) => Err(DecodeError::Malformed(format!("`tool_choice`: `{kind}` is none of auto, any, tool, none"))),
    }
}

fn reasoning(thinking: Option<ThinkingIn>, effort: Option<&str>) -> Option<Reasoning> {
    let effort = effort.and_then(effort::parse);
    let Some(thinking) = thinking else {
        return effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() });
    };
    let include = thinking.display.map(|display| display != "omitted");
    Some(match thinking.kind.as_str() {
        "disabled" => Reasoning { effort: Some(Effort::None), budget: None, include },
        "enabled" => Reasoning { effort, budget: thinking.budget_tokens, include },
        "between_tools" => Reasoning { effort: Some(effort.unwrap_or(Effort::Minimal)), budget: None, include },
        _ => Reasoning { effort, budget: None, include },
    })
}

fn format(format: FormatIn) -> Result<Format, DecodeError> {
    match (format.kind.as_str(), format.schema) {
        ("json_schema", Some(schema)) => Ok(Format::Schema { name: None, description: None, schema, strict: None }),
        ("text", _) => Ok(Format::Text),
        (kind, _) => Err(DecodeError::unsupported(
            "output_config.format",
            format!("`{kind}` is not known; use json_schema with a schema"),
        )),
    }
}
