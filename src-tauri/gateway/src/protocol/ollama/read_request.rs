//! A client's request to the hub's.
//!
//! Calls have no ids in older clients, and results name the tool only: ids are made from a call's place in the
//! conversation, which stays the same from turn to turn, and a result answers the first open call of its tool.

use serde_json::Value;

use crate::completion::{
    CompletionRequest, DecodeError, Effort, Format, Media, MediaKind, MediaSource, Message, Part, Reasoning, Role,
    Thought, Tool, ToolCall, ToolKind, ToolResult,
};
use crate::protocol::codec::apart::Messages;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{effort, ids, media};

/// Reads `/api/chat`.
pub(super) fn chat(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let (mut fields, turns) = Fields::parse_list::<Messages>(body)?;
    let mut request = common(&mut fields)?;
    request.messages = messages(turns, &mut request.dropped)?;
    request.tools = tools(fields.objects("tools")?, &mut request.dropped)?;
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// Reads `/api/generate`: the prompt is one user turn.
pub(super) fn generate(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = common(&mut fields)?;
    for (name, reason) in [
        ("suffix", "its endpoint answers chats and fills no gaps; ask a model on Ollama itself"),
        ("template", "its endpoint has a template of its own; leave `template` out"),
    ] {
        if fields.string(name)?.is_some_and(|text| !text.is_empty()) {
            return Err(DecodeError::unsupported(name, reason));
        }
    }
    if fields.bool("raw")? == Some(true) {
        let reason = "its endpoint answers chats and takes no raw prompt; ask a model on Ollama itself";
        return Err(DecodeError::unsupported("raw", reason));
    }
    if fields.list("context")?.is_some_and(|tokens| !tokens.is_empty()) {
        let reason = "token ids belong to one model; use `/api/chat`, which takes the earlier turns as text";
        return Err(DecodeError::unsupported("context", reason));
    }
    if let Some(system) = fields.wording("system")?.filter(|text| !text.is_empty()) {
        request.messages.push(Message { role: Role::System, parts: vec![Part::text(system)], name: None });
    }
    let mut parts = Vec::new();
    parts.extend(fields.wording("prompt")?.filter(|text| !text.is_empty()).map(Part::text));
    parts.extend(images(&mut fields)?);
    if parts.is_empty() {
        // Nothing is asked: this loads the model, whatever its system text.
        request.messages.clear();
    } else {
        request.messages.push(Message { role: Role::User, parts, name: None });
    }
    fields.rest(&mut request.dropped);
    Ok(request)
}

fn common(fields: &mut Fields<'_>) -> Result<CompletionRequest, DecodeError> {
    let model = match fields.string("model")? {
        Some(model) => model,
        None => fields.required("name").map_err(|_| fields.wrong("model", "a string"))?,
    };
    let mut request = CompletionRequest { model, stream_usage: true, ..CompletionRequest::default() };
    request.stream = fields.bool("stream")?.unwrap_or(true);
    request.keep_alive = fields.take("keep_alive");
    request.format = match fields.take("format") {
        None => None,
        Some(Value::String(word)) if word.is_empty() => None,
        Some(Value::String(word)) if word == "json" => Some(Format::Json),
        Some(schema @ Value::Object(_)) => Some(Format::Schema { name: None, description: None, schema, strict: None }),
        Some(_) => return Err(fields.wrong("format", "`json` or a JSON schema")),
    };
    request.reasoning = match fields.take("think") {
        None => None,
        Some(Value::Bool(false)) => Some(Reasoning { effort: Some(Effort::None), ..Reasoning::default() }),
        Some(Value::Bool(true)) => Some(Reasoning::default()),
        Some(Value::String(word)) => Some(Reasoning { effort: effort::parse(&word), ..Reasoning::default() }),
        Some(_) => return Err(fields.wrong("think", "true, false, `low`, `medium` or `high`")),
    };
    let probable = fields.bool("logprobs")? == Some(true);
    let top = fields.u32("top_logprobs")?;
    request.logprobs = probable.then(|| top.unwrap_or(0));
    // Pointsman never lets a prompt be cut; a client that forbids it says what holds anyway.
    for name in ["truncate", "shift"] {
        if fields.bool(name)? == Some(true) {
            note(&mut request.dropped, name);
        }
    }
    if let Some(options) = fields.object("options")? {
        self::options(options, &mut request)?;
    }
    Ok(request)
}

fn options(mut options: Fields<'_>, request: &mut CompletionRequest) -> Result<(), DecodeError> {
    let sampling = &mut request.sampling;
    sampling.temperature = options.f64("temperature")?;
    sampling.top_p = options.f64("top_p")?;
    sampling.top_k = options.limit("top_k")?;
    sampling.min_p = options.f64("min_p")?;
    sampling.frequency_penalty = options.f64("frequency_penalty")?;
    sampling.presence_penalty = options.f64("presence_penalty")?;
    sampling.repeat_penalty = options.f64("repeat_penalty")?;
    sampling.seed = options.i64("seed")?;
    sampling.stop = options.strings("stop")?;
    // -1 is without end, -2 until the context is full.
    request.max_tokens = options.limit("num_predict")?;
    request.context = options.limit("num_ctx")?.filter(|tokens| *tokens > 0);
    options.rest(&mut request.dropped);
    Ok(())
}

/// A call that waits for its result: its id and its tool.
type Open = (String, String);

fn messages(list: Vec<Fields<'_>>, dropped: &mut Vec<String>) -> Result<Vec<Message>, DecodeError> {
    let mut open: Vec<Open> = Vec::new();
    let mut messages = Vec::with_capacity(list.len());
    for mut fields in list {
        let role = fields.required("role")?;
        let mut parts = Vec::new();
        let thought = fields.string("thinking")?.filter(|text| !text.is_empty());
        let text = fields.wording("content")?.filter(|text| !text.is_empty());
        let role = match role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => {
                parts.extend(thought.map(|text| Part::Thought(Thought { text, state: None })));
                Role::Assistant
            }
            "tool" => Role::Tool,
            _ => return Err(fields.wrong("role", "`system`, `user`, `assistant` or `tool`")),
        };
        parts.extend(text.map(Part::text));
        parts.extend(images(&mut fields)?);
        for call in fields.objects("tool_calls")? {
            let call = self::call(call, dropped)?;
            open.push((call.id.clone(), call.name.clone()));
            parts.push(Part::ToolCall(call));
        }
        if role == Role::Tool {
            parts = vec![Part::ToolResult(result(&mut fields, parts, &mut open)?)];
        }
        fields.rest(dropped);
        messages.push(Message { role, parts, name: None });
    }
    Ok(messages)
}

fn call(mut entry: Fields<'_>, dropped: &mut Vec<String>) -> Result<ToolCall, DecodeError> {
    let mut function = entry.object("function")?.ok_or_else(|| entry.wrong("function", "an object"))?;
    let name = function.required("name")?;
    function.take("index");
    let arguments = match function.raw("arguments") {
        None => "{}".to_owned(),
        // Clients made for OpenAI's API send a text; an object keeps its own.
        Some(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()),
    };
    function.rest(dropped);
    let id = match entry.string("id")? {
        Some(id) if !id.is_empty() => id,
        _ => ids::made_up("call_", &[&entry.path("id"), &name]),
    };
    entry.take("type");
    entry.rest(dropped);
    Ok(ToolCall { id, name, arguments, kind: ToolKind::Function, state: None })
}

fn result(fields: &mut Fields<'_>, parts: Vec<Part>, open: &mut Vec<Open>) -> Result<ToolResult, DecodeError> {
    let older = fields.string("name")?;
    let name = fields.string("tool_name")?.or(older);
    let told = fields.string("tool_call_id")?.filter(|id| !id.is_empty());
    let at = match (&told, &name) {
        (Some(told), _) => open.iter().position(|(id, _)| id == told),
        (None, Some(name)) => open.iter().position(|(_, tool)| tool == name),
        (None, None) => (!open.is_empty()).then_some(0),
    };
    let call = at.map(|at| open.remove(at));
    let call_id = told.or(call.as_ref().map(|(id, _)| id.clone()));
    Ok(ToolResult {
        call_id: call_id.unwrap_or_else(|| ids::made_up("call_", &[&fields.path("tool_name")])),
        name: name.or(call.map(|(_, tool)| tool)),
        parts,
        is_error: false,
        kind: ToolKind::Function,
        cache: None,
    })
}

fn images(fields: &mut Fields<'_>) -> Result<Vec<Part>, DecodeError> {
    let mut parts = Vec::new();
    let Some(list) = fields.list("images")? else { return Ok(parts) };
    let place = fields.path("images");
    for (at, image) in list.into_iter().enumerate() {
        let Value::String(image) = image else {
            return Err(DecodeError::Malformed(format!("`{place}[{at}]` must be base64")));
        };
        // Some clients put the whole data URL here.
        let source = match media::source(image, "image/png", format!("{place}[{at}]"))? {
            MediaSource::Url(base64) => media::data(media::image_type(base64.trim_start()), &base64),
            other => other,
        };
        parts.push(Part::Media(Media { kind: MediaKind::Image, source, name: None, detail: None, cache: None }));
    }
    Ok(parts)
}

fn tools(list: Vec<Fields<'_>>, dropped: &mut Vec<String>) -> Result<Vec<Tool>, DecodeError> {
    let mut tools = Vec::with_capacity(list.len());
    for mut entry in list {
        entry.take("type");
        let mut function = entry.object("function")?.ok_or_else(|| entry.wrong("function", "an object"))?;
        tools.push(Tool {
            name: function.required("name")?,
            description: function.string("description")?,
            parameters: function.take("parameters"),
            strict: None,
            kind: ToolKind::Function,
            format: None,
            cache: None,
        });
        function.rest(dropped);
        entry.rest(dropped);
    }
    Ok(tools)
}
