//! A client's chat request to the hub's.
//!
//! Takes the fields of OpenAI's reference and the common ones of others (`top_k`, `reasoning`, `thinking`,
//! `chat_template_kwargs`). What would change the meaning if it were left out is refused; the rest is named as dropped.

use serde_json::Value;

use super::read_messages;
use crate::completion::{
    CompletionRequest, DecodeError, Effort, Format, Reasoning, Sampling, Tool, ToolChoice, ToolKind,
};
use crate::protocol::codec::apart::Messages;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::effort;
use crate::protocol::codec::fields::Fields;

/// Fields of one server that say what the answer must look like. No other protocol can say them.
const BINDING: &[&str] = &[
    "grammar",
    "json_schema",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "regex",
    "ebnf",
    "web_search_options",
    "continue_final_message",
    "previous_response_id",
];

/// Reads a chat request.
pub(super) fn chat(body: &[u8]) -> Result<CompletionRequest, DecodeError> {
    let (mut fields, turns) = Fields::parse_list::<Messages>(body)?;
    let mut request = common(&mut fields)?;
    refuse_binding(&fields)?;
    request.messages = read_messages::read(turns, &mut request.dropped)?;
    if request.messages.is_empty() {
        return Err(DecodeError::Malformed("`messages` must be a list with at least one message".into()));
    }
    request.tools = tools(&mut fields, &mut request.dropped)?;
    request.tool_choice = tool_choice(&mut fields, &mut request.tools)?;
    request.parallel_tool_calls = fields.bool("parallel_tool_calls")?;
    request.format = format(&mut fields)?;
    request.reasoning = reasoning(&mut fields, &mut request.dropped)?;
    if fields.bool("logprobs")? == Some(true) {
        request.logprobs = Some(fields.u32("top_logprobs")?.unwrap_or(0));
    }
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// The fields that chats and text completions share.
pub(super) fn common(fields: &mut Fields<'_>) -> Result<CompletionRequest, DecodeError> {
    let mut request = CompletionRequest { model: fields.required("model")?, ..CompletionRequest::default() };
    request.sampling = Sampling {
        temperature: fields.f64("temperature")?,
        top_p: fields.f64("top_p")?,
        // vLLM's -1 means all.
        top_k: fields.limit("top_k")?,
        min_p: fields.f64("min_p")?,
        frequency_penalty: fields.f64("frequency_penalty")?,
        presence_penalty: fields.f64("presence_penalty")?,
        repeat_penalty: match fields.f64("repeat_penalty")? {
            Some(penalty) => Some(penalty),
            None => fields.f64("repetition_penalty")?,
        },
        seed: fields.i64("seed")?,
        stop: fields.strings("stop")?,
        logit_bias: fields.map("logit_bias")?,
    };
    let older = fields.limit("max_tokens")?;
    request.max_tokens = fields.limit("max_completion_tokens")?.or(older);
    request.choices = fields.u32("n")?;
    request.stream = fields.bool("stream")?.unwrap_or(false);
    if let Some(mut options) = fields.object("stream_options")? {
        request.stream_usage = options.bool("include_usage")?.unwrap_or(false);
        // Padding against listeners on the line, of which a loopback has none.
        options.take("include_obfuscation");
        options.rest(&mut request.dropped);
    }
    request.metadata = fields.map("metadata")?;
    let user = fields.string("user")?;
    request.user = fields.string("safety_identifier")?.or(user);
    request.cache_key = fields.string("prompt_cache_key")?;
    request.service_tier = fields.string("service_tier")?;
    // The upstream of another protocol keeps nothing, which is what `false` asks for.
    if fields.bool("store")? == Some(true) {
        note(&mut request.dropped, "store");
    }
    let modalities = fields.strings("modalities")?;
    if modalities.iter().any(|modality| modality != "text") {
        return Err(DecodeError::unsupported("modalities", "only text can be asked of it; leave `modalities` out"));
    }
    Ok(request)
}

/// Refuses fields that bind the answer.
pub(super) fn refuse_binding(fields: &Fields<'_>) -> Result<(), DecodeError> {
    match BINDING.iter().find(|name| fields.has(name)) {
        Some(name) => Err(DecodeError::unsupported(
            name,
            "its endpoint speaks another protocol, which has no such field; `response_format` may do, or a model on a \
             runtime that takes it",
        )),
        None => Ok(()),
    }
}

fn tools(fields: &mut Fields<'_>, dropped: &mut Vec<String>) -> Result<Vec<Tool>, DecodeError> {
    let mut tools = Vec::new();
    for mut entry in fields.objects("tools")? {
        let kind = entry.string("type")?.unwrap_or_else(|| "function".into());
        let mut tool = match kind.as_str() {
            "function" => function(&mut entry, dropped)?,
            "custom" => {
                let mut custom = entry.object("custom")?.ok_or_else(|| entry.wrong("custom", "an object"))?;
                let tool = Tool {
                    name: custom.required("name")?,
                    description: custom.string("description")?,
                    parameters: None,
                    strict: None,
                    kind: ToolKind::Custom,
                    format: custom.take("format").map(grammar),
                    cache: None,
                };
                custom.rest(dropped);
                tool
            }
            _ => {
                return Err(DecodeError::unsupported(
                    entry.path("type"),
                    format!("a tool of type `{kind}` runs at its vendor; use a function"),
                ));
            }
        };
        tool.cache = read_messages::cache(&mut entry)?;
        entry.rest(dropped);
        tools.push(tool);
    }
    // The form before `tools`.
    for mut entry in fields.objects("functions")? {
        tools.push(definition(&mut entry)?);
        entry.rest(dropped);
    }
    Ok(tools)
}

/// A custom tool's format as the hub has it: a grammar's words beside its type, where chats nest them.
fn grammar(mut format: Value) -> Value {
    let Some(map) = format.as_object_mut() else { return format };
    if let Some(Value::Object(inner)) = map.shift_remove("grammar") {
        map.extend(inner);
    }
    format
}

fn function(entry: &mut Fields<'_>, dropped: &mut Vec<String>) -> Result<Tool, DecodeError> {
    let mut function = entry.object("function")?.ok_or_else(|| entry.wrong("function", "an object"))?;
    let tool = definition(&mut function)?;
    function.rest(dropped);
    Ok(tool)
}

fn definition(function: &mut Fields<'_>) -> Result<Tool, DecodeError> {
    Ok(Tool {
        name: function.required("name")?,
        description: function.string("description")?,
        parameters: function.take("parameters"),
        strict: function.bool("strict")?,
        kind: ToolKind::Function,
        format: None,
        cache: None,
    })
}

fn tool_choice(fields: &mut Fields<'_>, tools: &mut Vec<Tool>) -> Result<Option<ToolChoice>, DecodeError> {
    let word = |word: &str| match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" | "any" => Some(ToolChoice::Required),
        _ => None,
    };
    let older = fields.raw("function_call");
    let Some(raw) = fields.raw("tool_choice").or(older) else { return Ok(None) };
    if let Ok(name) = serde_json::from_str::<String>(raw.get()) {
        return match word(&name) {
            Some(choice) => Ok(Some(choice)),
            None => Err(fields.wrong("tool_choice", "`auto`, `none`, `required` or one tool")),
        };
    }
    let mut choice = Fields::of(fields.place("tool_choice"), raw)?;
    if let Some(mut allowed) = choice.object("allowed_tools")? {
        let mode = allowed.string("mode")?.and_then(|mode| word(&mode)).unwrap_or(ToolChoice::Auto);
        let mut names = Vec::new();
        for mut entry in allowed.objects("tools")? {
            names.push(named(&mut entry)?);
        }
        tools.retain(|tool| names.contains(&tool.name));
        return Ok(Some(mode));
    }
    Ok(Some(ToolChoice::Named(named(&mut choice)?)))
}

fn named(choice: &mut Fields<'_>) -> Result<String, DecodeError> {
    for kind in ["function", "custom"] {
        if let Some(mut inner) = choice.object(kind)? {
            return inner.required("name");
        }
    }
    choice.required("name")
}

fn format(fields: &mut Fields<'_>) -> Result<Option<Format>, DecodeError> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    Ok(Some(match format.required("type")?.as_str() {
        "text" => Format::Text,
        // llama.cpp and Together take a schema here too.
        "json_object" => match format.take("schema") {
            Some(schema) => Format::Schema { name: None, description: None, schema, strict: None },
            None => Format::Json,
        },
        "json_schema" => {
            let mut inner = format.object("json_schema")?.ok_or_else(|| format.wrong("json_schema", "an object"))?;
            Format::Schema {
                name: inner.string("name")?,
                description: inner.string("description")?,
                schema: inner.take("schema").unwrap_or_else(|| serde_json::json!({"type": "object"})),
                strict: inner.bool("strict")?,
            }
        }
        other => {
            return Err(DecodeError::unsupported(
                "response_format.type",
                format!("`{other}` is known to one server only; use `json_schema`"),
            ));
        }
    }))
}

/// Collects what the vendors' many switches say.
fn reasoning(fields: &mut Fields<'_>, dropped: &mut Vec<String>) -> Result<Option<Reasoning>, DecodeError> {
    let mut reasoning = Reasoning::default();
    let mut said = false;
    let mut thinks = false;
    let mut switch = |reasoning: &mut Reasoning, on: Option<bool>| {
        thinks |= on == Some(true);
        if on == Some(false) {
            reasoning.effort = Some(Effort::None);
        }
        on.is_some()
    };
    for name in ["thinking_budget", "thinking_budget_tokens", "thinking_token_budget"] {
        if fields.has(name) {
            reasoning.budget = fields.limit(name)?;
            said = true;
        }
    }
    let on = fields.bool("enable_thinking")?;
    said |= switch(&mut reasoning, on);
    if let Some(mut template) = fields.object("chat_template_kwargs")? {
        for name in ["enable_thinking", "thinking"] {
            let on = template.bool(name)?;
            said |= switch(&mut reasoning, on);
        }
        if let Some(word) = template.string("reasoning_effort")? {
            reasoning.effort = effort::parse(&word).or(reasoning.effort);
            said = true;
        }
        template.rest(dropped);
    }
    if let Some(mut thinking) = fields.object("thinking")? {
        let kind = thinking.string("type")?;
        said |= switch(&mut reasoning, kind.map(|kind| kind != "disabled"));
        reasoning.budget = thinking.limit("budget_tokens")?.or(reasoning.budget);
        thinking.rest(dropped);
    }
    if let Some(mut inner) = fields.object("reasoning")? {
        said = true;
        let on = inner.bool("enabled")?;
        switch(&mut reasoning, on);
        if let Some(word) = inner.string("effort")? {
            reasoning.effort = effort::parse(&word).or(reasoning.effort);
        }
        reasoning.budget = inner.limit("max_tokens")?.or(reasoning.budget);
        reasoning.include = inner.bool("exclude")?.map(|exclude| !exclude);
        inner.rest(dropped);
    }
    if let Some(include) = fields.bool("include_reasoning")? {
        reasoning.include = Some(include);
        said = true;
    }
    if let Some(word) = fields.string("reasoning_effort")? {
        reasoning.effort = effort::parse(&word).or(reasoning.effort);
        said = true;
    }
    // A wish about the text alone is none to think, so that this one is told in words.
    if thinks && reasoning.include.is_some() && effort::wanted(&reasoning).is_none() {
        reasoning.effort = Some(Effort::Medium);
    }
    Ok(said.then_some(reasoning))
}
