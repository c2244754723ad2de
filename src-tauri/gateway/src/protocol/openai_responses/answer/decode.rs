//! A response to the hub's answer, and the items that a stream tells too. Lenient: hosts leave out what OpenAI always tells.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::names::flat;
use super::super::wire::{ContentIn, state};
use crate::completion::{
    Choice, Completion, DecodeError, Finish, OpaqueState, Part, Thought, ToolCall, ToolKind, Usage,
};
use crate::protocol::codec::{UpstreamError, carrier, fault};

/// A response as it is read.
#[derive(Debug, Deserialize)]
pub(in super::super) struct ResponseIn<'a> {
    #[serde(default)]
    pub(in super::super) id: String,
    #[serde(default)]
    pub(in super::super) model: String,
    created_at: Option<f64>,
    status: Option<String>,
    #[serde(borrow)]
    pub(in super::super) output: Option<Vec<ItemIn<'a>>>,
    error: Option<Value>,
    incomplete_details: Option<IncompleteIn>,
    usage: Option<UsageIn>,
}

#[derive(Debug, Deserialize)]
struct IncompleteIn {
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct UsageIn {
    input_tokens: Option<u32>,
    input_tokens_details: Option<DetailsIn>,
    output_tokens: Option<u32>,
    output_tokens_details: Option<DetailsIn>,
}

#[derive(Debug, Default, Deserialize)]
struct DetailsIn {
    cached_tokens: Option<u32>,
    cache_write_tokens: Option<u32>,
    reasoning_tokens: Option<u32>,
}

/// An item of an answer as it is read.
#[derive(Debug, Deserialize)]
pub(in super::super) struct ItemIn<'a> {
    #[serde(rename = "type", default)]
    pub(in super::super) kind: String,
    id: Option<String>,
    call_id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    arguments: Option<Value>,
    input: Option<Value>,
    #[serde(borrow)]
    content: Option<Vec<ContentIn<'a>>>,
    #[serde(borrow)]
    summary: Option<Vec<ContentIn<'a>>>,
    encrypted_content: Option<String>,
}

impl ItemIn<'_> {
    /// What the item is, and its log probabilities. `place` in the output makes up an id where a host gives none.
    pub(in super::super) fn parts(self, place: u32) -> (Vec<Part>, Vec<Value>) {
        let mut logprobs = Vec::new();
        let parts = match self.kind.as_str() {
            "message" => {
                let mut parts = Vec::new();
                for mut content in self.content.into_iter().flatten() {
                    logprobs.extend(content.logprobs.take().unwrap_or_default());
                    match content.part(&"output") {
                        Ok(Part::Text(text)) if text.text.is_empty() => {}
                        Ok(Part::Refusal(text)) if text.is_empty() => {}
                        Ok(part @ (Part::Text(_) | Part::Refusal(_))) => parts.push(part),
                        Ok(_) | Err(_) => {}
                    }
                }
                parts
            }
            "reasoning" => {
                let state = self.state();
                let texts = self.summary.into_iter().chain(self.content).flatten();
                let texts: Vec<String> = texts
                    .filter_map(|content| content.text.map(String::from))
                    .filter(|text| !text.is_empty())
                    .collect();
                vec![Part::Thought(Thought { text: texts.join("\n\n"), state })]
            }
            _ => self.call(place).map(Part::ToolCall).into_iter().collect(),
        };
        (parts, logprobs)
    }

    /// A reasoning item's state.
    pub(in super::super) fn state(&self) -> Option<OpaqueState> {
        let encrypted = self.encrypted_content.as_deref().filter(|encrypted| !encrypted.is_empty())?;
        Some(match carrier::recover(encrypted) {
            Some(state) => state,
            None => state(encrypted, self.id.as_deref()),
        })
    }

    /// A call; `None` for an item that is none.
    pub(in super::super) fn call(&self, place: u32) -> Option<ToolCall> {
        let (kind, written) = match self.kind.as_str() {
            "function_call" => (ToolKind::Function, &self.arguments),
            "custom_tool_call" => (ToolKind::Custom, &self.input),
            _ => return None,
        };
        let arguments = match written {
            Some(Value::String(text)) => text.clone(),
            // Some hosts forget that the arguments are JSON in a text.
            Some(Value::Null) | None => String::new(),
            Some(value) => value.to_string(),
        };
        let arguments = if arguments.is_empty() && kind == ToolKind::Function { "{}".into() } else { arguments };
        let known = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        let id = known(&self.call_id).or_else(|| known(&self.id)).unwrap_or_else(|| format!("call_{place}"));
        let name = flat(self.namespace.as_deref(), self.name.as_deref().unwrap_or_default());
        Some(ToolCall { id, name, arguments, kind, state: None })
    }
}

impl ResponseIn<'_> {
    pub(in super::super) fn created(&self) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds; `as` saturates")]
        self.created_at.map(|seconds| seconds as u64).filter(|seconds| *seconds > 0)
    }

    pub(in super::super) fn usage(&self) -> Option<Usage> {
        let usage = self.usage.as_ref()?;
        let input = usage.input_tokens_details.as_ref();
        Some(Usage {
            input: usage.input_tokens.unwrap_or(0),
            output: usage.output_tokens.unwrap_or(0),
            cache_read: input.and_then(|details| details.cached_tokens),
            cache_write: input.and_then(|details| details.cache_write_tokens),
            reasoning: usage.output_tokens_details.as_ref().and_then(|details| details.reasoning_tokens),
        })
    }

    /// Why the answer ended.
    pub(in super::super) fn finish(&self, called: bool) -> Finish {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
        match (self.status.as_deref(), reason) {
            (Some("incomplete"), Some("content_filter")) => Finish::Filtered,
            (Some("incomplete"), _) => Finish::Length,
            _ if called => Finish::ToolCalls,
            _ => Finish::Stop,
        }
    }

    /// What went wrong; `None` if nothing did.
    pub(in super::super) fn failure(&self) -> Option<UpstreamError> {
        let told = self.error.as_ref().filter(|error| !error.is_null()).map(fault::of);
        match (told, self.status.as_deref()) {
            (Some(told), _) => Some(told),
            (None, Some(status @ ("failed" | "cancelled"))) => {
                Some(fault::say(format!("the model's answer is `{status}`")))
            }
            (None, _) => None,
        }
    }
}

/// Reads a whole answer.
pub(in super::super) fn decode(body: &[u8]) -> Result<Completion, DecodeError> {
    let mut response: ResponseIn<'_> =
        serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if let Some(error) = response.failure() {
        return Err(DecodeError::Malformed(error.message));
    }
    let Some(output) = response.output.take() else {
        return Err(DecodeError::Malformed("the answer has no `output`".into()));
    };
    let (mut parts, mut logprobs) = (Vec::new(), Vec::new());
    for (place, item) in output.into_iter().enumerate() {
        let (more, told) = item.parts(u32::try_from(place).unwrap_or(u32::MAX));
        parts.extend(more);
        logprobs.extend(told);
    }
    let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let finish = Some(response.finish(called));
    let logprobs = (!logprobs.is_empty()).then(|| json!({"content": logprobs}));
    Ok(Completion {
        created: response.created(),
        usage: response.usage(),
        id: response.id,
        model: response.model,
        choices: vec![Choice { parts, finish, logprobs }],
        service_tier: None,
    })
}
