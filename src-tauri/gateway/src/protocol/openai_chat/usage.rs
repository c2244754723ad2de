//! Token counts, in OpenAI's shape and in those that others made of it.

use serde_json::{Value, json};

use crate::completion::Usage;

/// Reads counts; `None` where an object tells none.
pub(super) fn read(value: &Value) -> Option<Usage> {
    let count = |value: &Value| {
        let number = value.as_u64().or_else(|| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
            value.as_f64().map(|float| float as u64)
        });
        number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let top = |names: &[&str]| names.iter().find_map(|name| value.get(*name).and_then(count));
    let inner = |group: &str, name: &str| value.get(group).and_then(|group| group.get(name)).and_then(count);
    let input = top(&["prompt_tokens", "input_tokens"]);
    let mut output = top(&["completion_tokens", "output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let reasoning = inner("completion_tokens_details", "reasoning_tokens").or_else(|| top(&["reasoning_tokens"]));
    let sum = |output: u32| input.unwrap_or(0).saturating_add(output);
    // xAI counts reasoning beside the answer instead of within it; only the total tells.
    if let (Some(answer), Some(reasoning), Some(total)) = (output, reasoning, top(&["total_tokens"]))
        && reasoning > 0
        && sum(answer.saturating_add(reasoning)) == total
    {
        output = Some(answer.saturating_add(reasoning));
    }
    Some(Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cache_read: inner("prompt_tokens_details", "cached_tokens")
            .or_else(|| top(&["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"])),
        cache_write: inner("prompt_tokens_details", "cache_write_tokens")
            .or_else(|| top(&["cache_creation_input_tokens"])),
        reasoning,
    })
}

/// Writes counts.
pub(super) fn write(usage: &Usage) -> Value {
    let mut value = json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
    });
    if usage.cache_read.is_some() || usage.cache_write.is_some() {
        let mut details = json!({});
        if let Some(tokens) = usage.cache_read {
            details["cached_tokens"] = tokens.into();
        }
        if let Some(tokens) = usage.cache_write {
            details["cache_write_tokens"] = tokens.into();
        }
        value["prompt_tokens_details"] = details;
    }
    if let Some(tokens) = usage.reasoning {
        value["completion_tokens_details"] = json!({ "reasoning_tokens": tokens });
    }
    value
}
