//! The hub's request as a body for `/api/chat`.
//!
//! Always says `truncate: false` and `shift: false`: without them Ollama cuts a long prompt's oldest turns, or its own
//! answer's beginning, without a word.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::completion::{
    CompletionRequest, DecodeError, Effort, Encoded, Format, Media, MediaKind, MediaSource, Message, Part, Role, Tool,
    ToolCall, ToolChoice, ToolKind, ToolResult, Words,
};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{self, Target, custom, effort, media, repair, system};

#[derive(Debug, Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_alive: Option<&'a Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
    stream: bool,
    truncate: bool,
    shift: bool,
}

#[derive(Debug, Default, Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Words<'a>,
    #[serde(skip_serializing_if = "String::is_empty")]
    thinking: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    /// A user's turn that ends with a system text: what the person says next goes on in it.
    #[serde(skip)]
    instructed: bool,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    index: usize,
    name: &'a str,
    arguments: Box<RawValue>,
}

/// Writes a request.
pub(super) fn write(request: &CompletionRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let mut dropped = Vec::new();
    if request.choices.is_some_and(|n| n > 1) {
        return Err(DecodeError::unsupported("n", "Ollama gives one answer a request; ask several times"));
    }
    let tools = tools(request, target, &mut dropped)?;
    let mut writer = Writer { target, dropped: &mut dropped, turns: Vec::new(), names: HashMap::new() };
    let paired = repair::pair(&request.messages);
    for (at, message) in paired.iter().enumerate() {
        writer.message(at, message)?;
    }
    let messages = writer.turns;
    let format = match &request.format {
        None | Some(Format::Text) => None,
        Some(Format::Json) => Some(Cow::Owned("json".into())),
        Some(Format::Schema { schema, .. }) => Some(Cow::Borrowed(schema)),
    };
    let body = Body {
        model: &target.model,
        messages,
        tools,
        format,
        think: think(request, target, &mut dropped),
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs.filter(|top| *top > 0),
        keep_alive: request.keep_alive.as_ref(),
        options: options(request, target),
        stream: request.stream,
        truncate: false,
        shift: false,
    };
    for (name, said) in [
        ("logit_bias", !request.sampling.logit_bias.is_empty()),
        ("metadata", !request.metadata.is_empty()),
        ("user", request.user.is_some()),
        ("prompt_cache_key", request.cache_key.is_some()),
        ("service_tier", request.service_tier.is_some()),
    ] {
        if said {
            note(&mut dropped, name);
        }
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    Ok(Encoded { body: Bytes::from(bytes), dropped })
}

fn tools(request: &CompletionRequest, target: &Target, dropped: &mut Vec<String>) -> Result<Vec<Value>, DecodeError> {
    if request.tools.is_empty() {
        return Ok(Vec::new());
    }
    target.must_call_tools()?;
    // Ollama has no word for a choice. Fewer tools come near it: none at all, or one alone.
    let only = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => return Ok(Vec::new()),
        Some(ToolChoice::Required) => {
            note(dropped, "tool_choice");
            None
        }
        Some(ToolChoice::Named(name)) => {
            note(dropped, "tool_choice");
            Some(name)
        }
    };
    for (name, said) in [
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false)),
        ("strict", request.tools.iter().any(|tool| tool.strict == Some(true))),
        ("cache_control", request.tools.iter().any(|tool| tool.cache.is_some())),
    ] {
        if said {
            note(dropped, name);
        }
    }
    let wanted = request.tools.iter().filter(|tool| only.is_none_or(|name| tool.name == *name));
    Ok(wanted.map(tool).collect())
}

fn tool(tool: &Tool) -> Value {
    let tool = custom::function(tool);
    let parameters = tool.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let description = tool.description.as_deref().unwrap_or_default();
    json!({"type": "function", "function": {"name": tool.name, "description": description, "parameters": parameters}})
}

fn think(request: &CompletionRequest, target: &Target, dropped: &mut Vec<String>) -> Option<Value> {
    let wanted = effort::wanted(request.reasoning.as_ref().filter(|reasoning| effort::is_asked(reasoning))?);
    match wanted {
        // A model that cannot think refuses even to be told not to.
        Some(Effort::None) if target.reasoning == Some(false) => None,
        None if target.reasoning == Some(false) => None,
        Some(_) if target.reasoning == Some(false) => {
            note(dropped, "reasoning_effort");
            None
        }
        None => Some(true.into()),
        Some(effort) => Some(effort::level(effort).map_or(false.into(), Value::from)),
    }
}

fn options(request: &CompletionRequest, target: &Target) -> Map<String, Value> {
    let sampling = &request.sampling;
    let limit = request.max_tokens.map(|limit| target.max_output.map_or(limit, |most| limit.min(most)));
    let options = [
        ("num_ctx", request.context.map(Value::from)),
        ("num_predict", limit.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("min_p", sampling.min_p.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("repeat_penalty", sampling.repeat_penalty.map(Value::from)),
        ("seed", sampling.seed.map(Value::from)),
        ("stop", (!sampling.stop.is_empty()).then(|| json!(sampling.stop))),
    ];
    options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl<'a> Turn<'a> {
    /// Adds a text: a turn has one.
    fn line(&mut self, text: Words<'a>) {
        if self.content.is_empty() {
            self.content = text;
        } else {
            self.content.push_str("\n");
            self.content.push_str(&text);
        }
    }
}

struct Writer<'a, 'b> {
    target: &'b Target,
    dropped: &'b mut Vec<String>,
    turns: Vec<Turn<'a>>,
    /// The tools of the calls so far, by id: results name them.
    names: HashMap<&'a str, &'a str>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), DecodeError> {
        let role = match message.role {
            Role::System => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        // Many a model's template takes one system text, at the beginning. Those that follow one another become one, and a
        // later one becomes the person's words.
        if role == "system" && self.turns.iter().any(|turn| turn.role != role) {
            self.instruction(message);
            return Ok(());
        }
        let answers = message.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
        let goes_on =
            |before: &mut Turn<'_>| before.role == role && (role == "system" || before.instructed) && !answers;
        let before = self.turns.pop_if(goes_on);
        let mut turn = before.unwrap_or_else(|| Turn { role, ..Turn::default() });
        turn.instructed = false;
        for part in &message.parts {
            match part {
                Part::ToolResult(result) => self.result(at, result)?,
                Part::Thought(thought) => paragraph(&mut turn.thinking, &thought.text),
                Part::ToolCall(call) => {
                    self.names.insert(&call.id, &call.name);
                    turn.tool_calls.push(tool_call(turn.tool_calls.len(), call));
                }
                part @ (Part::Text(_) | Part::Media(_) | Part::Refusal(_)) => self.part(at, part, &mut turn)?,
            }
        }
        if message.name.is_some() {
            note(self.dropped, "messages[].name");
        }
        let said = !turn.content.is_empty()
            || !turn.images.is_empty()
            || !turn.tool_calls.is_empty()
            || !turn.thinking.is_empty();
        if said || !(answers || message.role == Role::Tool) {
            self.turns.push(turn);
        }
        Ok(())
    }

    /// A system text after the beginning: more text of the user's turn before it, or of one of its own.
    fn instruction(&mut self, message: &'a Message) {
        let texts = system::texts(message);
        if texts.is_empty() {
            return;
        }
        let before = self.turns.pop_if(|before| before.role == "user");
        let mut turn = before.unwrap_or_else(|| Turn { role: "user", ..Turn::default() });
        turn.instructed = true;
        for text in texts {
            self.cache(text.cache.is_some());
            turn.line(system::marked(&text.text).into());
        }
        self.turns.push(turn);
    }

    fn cache(&mut self, marked: bool) {
        if marked {
            note(self.dropped, "cache_control");
        }
    }

    fn result(&mut self, at: usize, result: &'a ToolResult) -> Result<(), DecodeError> {
        if result.is_error {
            // The result's own words tell it.
            note(self.dropped, "is_error");
        }
        self.cache(result.cache.is_some());
        let name = result.name.as_deref().or_else(|| self.names.get(result.call_id.as_str()).copied());
        let mut turn = Turn { role: "tool", tool_name: name, tool_call_id: Some(&result.call_id), ..Turn::default() };
        for part in &result.parts {
            self.part(at, part, &mut turn)?;
        }
        self.turns.push(turn);
        Ok(())
    }

    /// Texts and images.
    fn part(&mut self, at: usize, part: &'a Part, turn: &mut Turn<'a>) -> Result<(), DecodeError> {
        let marked = match part {
            Part::Text(text) => text.cache.is_some(),
            Part::Media(media) => media.cache.is_some(),
            Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Refusal(_) => false,
        };
        self.cache(marked);
        let text = match part {
            Part::Text(text) => Words::Kept(&text.text),
            Part::Refusal(words) => words.as_str().into(),
            Part::Media(medium) => match media::document_text(medium) {
                Some(text) => text.into(),
                None => {
                    turn.images.push(self.image(at, medium)?);
                    return Ok(());
                }
            },
            Part::Thought(_) | Part::ToolCall(_) | Part::ToolResult(_) => return Ok(()),
        };
        turn.line(text);
        Ok(())
    }

    fn image(&self, at: usize, medium: &'a Media) -> Result<&'a str, DecodeError> {
        let refuse =
            |what: &str, reason: String| Err(DecodeError::unsupported(format!("messages[{at}].{what}"), reason));
        match (medium.kind, &medium.source) {
            (MediaKind::Image, _) if self.target.vision == Some(false) => {
                refuse("image", format!("`{}` sees no images; ask a model that does", self.target.model))
            }
            (MediaKind::Image, MediaSource::Data { base64, .. }) => Ok(base64),
            (MediaKind::Image, MediaSource::Url(_)) => {
                refuse("image", "Ollama fetches no URLs; send the image as base64".into())
            }
            (MediaKind::Image, MediaSource::File(_)) => {
                refuse("image", "it lies in another vendor's store; send its bytes".into())
            }
            (MediaKind::Audio, _) => refuse("audio", "Ollama's chat takes no sounds; send a transcript".into()),
            (MediaKind::Video, _) => refuse("video", "Ollama's chat takes no films".into()),
            (MediaKind::Document, _) => refuse("file", "Ollama's chat takes no documents; send its text".into()),
        }
    }
}

/// A call's arguments are an object here; the text of an object goes in as it is.
fn tool_call(index: usize, call: &ToolCall) -> Call<'_> {
    let arguments = match call.kind {
        ToolKind::Function => codec::json::object(&call.arguments),
        ToolKind::Custom => codec::json::object(&custom::lower_text(&call.arguments)),
    };
    Call { id: &call.id, function: Function { index, name: &call.name, arguments } }
}

fn paragraph(known: &mut String, text: &str) {
    if !known.is_empty() && !text.is_empty() {
        known.push_str("\n\n");
    }
    known.push_str(text);
}
