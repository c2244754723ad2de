//! What servers that speak OpenAI's chat do differently, by runtime.
//!
//! Facts, one row a runtime, each from its own documentation or source. A host without a row gets what nearly all of them
//! take. What OpenAI's own models refuse is in `openai_models`.

use crate::protocol::codec::Target;
use crate::protocol::codec::openai_models::{self, Rules};

/// The habits of one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quirks {
    /// The field that limits the answer.
    pub(super) limit: &'static str,
    /// How thinking is switched.
    pub(super) switch: Switch,
    /// The field in which earlier thoughts are sent back; absent = they are not.
    pub(super) thoughts: Option<&'static str>,
    /// Whether `top_k` is taken.
    pub(super) top_k: bool,
    /// Whether `min_p` is taken.
    pub(super) min_p: bool,
    /// The repeat penalty's name, where it is taken.
    pub(super) repeat_penalty: Option<&'static str>,
    /// Whether `n` is heeded.
    pub(super) choices: bool,
    /// Which tool choices are heeded.
    pub(super) tool_choice: Choices,
    /// Whether `parallel_tool_calls` is taken.
    pub(super) parallel: bool,
    /// Whether `logit_bias` is taken.
    pub(super) logit_bias: bool,
    /// Whether `logprobs` are taken.
    pub(super) logprobs: bool,
    /// Whether JSON without a schema is taken.
    pub(super) json_object: bool,
    /// Whether images may be URLs.
    pub(super) image_urls: bool,
    /// Whether sounds are taken.
    pub(super) audio: bool,
    /// Whether films and sounds by URL are taken.
    pub(super) video: bool,
    /// Whether documents are taken.
    pub(super) files: bool,
    /// Whether a request whose limit does not fit into the context is refused.
    pub(super) strict_limit: bool,
    /// Whether a model that thinks refuses to go on from its own half turn.
    pub(super) thinks_or_goes_on: bool,
    /// Whether a turn of calls must hold a thought, if an empty one.
    pub(super) thoughts_with_calls: bool,
    /// Whether there is one system text, at the beginning: many a model's template refuses any other. Those that follow one
    /// another become one, and a later one becomes the person's words.
    pub(super) one_system: bool,
    /// The form of calls' ids.
    pub(super) ids: Ids,
    /// Whether a function must have parameters, if empty ones.
    pub(super) parameters: bool,
    /// What its model takes where it is OpenAI's own: then also custom tools, `metadata`, `user`, `service_tier` and
    /// `prompt_cache_key`.
    pub(super) openai: Option<Rules>,
}

/// How thinking is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// `reasoning_effort`.
    Effort,
    /// `chat_template_kwargs.enable_thinking` and `thinking_budget_tokens`.
    LlamaCpp,
    /// `chat_template_kwargs`, `reasoning_effort` and `thinking_token_budget`.
    Vllm,
    /// `reasoning_effort` with `max`.
    Ollama,
    /// By the user in the runtime's own window.
    Absent,
}

/// The form of calls' ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// Any text. Some models read the tool's name out of it.
    Any,
    /// Not longer than OpenAI takes.
    Safe,
    /// Nine letters and digits.
    Nine,
}

/// Which tool choices are heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choices {
    /// All.
    All,
    /// `auto`, `none` and `required`: one tool by name is `required` with that tool alone.
    Words,
    /// None at all.
    Absent,
}

const HOSTED: Quirks = Quirks {
    limit: "max_tokens",
    switch: Switch::Effort,
    thoughts: None,
    top_k: false,
    min_p: false,
    repeat_penalty: None,
    choices: true,
    tool_choice: Choices::All,
    parallel: true,
    logit_bias: true,
    logprobs: true,
    json_object: true,
    image_urls: true,
    audio: true,
    video: true,
    files: true,
    strict_limit: false,
    thinks_or_goes_on: false,
    thoughts_with_calls: false,
    one_system: false,
    ids: Ids::Any,
    parameters: true,
    openai: None,
};

/// A local server without a row of its own: most are llama.cpp or a copy of its surface, and ignore what they do not know.
const LOCAL: Quirks = Quirks {
    switch: Switch::LlamaCpp,
    thoughts: Some("reasoning_content"),
    top_k: true,
    min_p: true,
    repeat_penalty: Some("repeat_penalty"),
    tool_choice: Choices::Words,
    video: false,
    files: false,
    one_system: true,
    ..HOSTED
};

/// The habits of the server behind a target.
pub(super) fn of(target: &Target) -> Quirks {
    let quirks = of_server(target);
    if is_of_mistral(&target.model) { Quirks { ids: Ids::Nine, ..quirks } } else { quirks }
}

fn of_server(target: &Target) -> Quirks {
    match target.runtime.as_str() {
        "" => match openai_models::rules(&target.model) {
            Some(rules) => Quirks {
                limit: if rules.thinks { "max_completion_tokens" } else { "max_tokens" },
                parallel: rules.parallel,
                ids: Ids::Safe,
                parameters: false,
                openai: Some(rules),
                ..HOSTED
            },
            None if wants_thoughts(&target.model) => {
                Quirks { thoughts: Some("reasoning_content"), thoughts_with_calls: true, ..HOSTED }
            }
            None => HOSTED,
        },
        "llamacpp" | "llamafile" => Quirks { thinks_or_goes_on: true, ..LOCAL },
        "vllm" | "sglang" | "mlx-lm" => Quirks {
            switch: Switch::Vllm,
            thoughts: Some("reasoning"),
            repeat_penalty: Some("repetition_penalty"),
            tool_choice: Choices::All,
            video: true,
            strict_limit: true,
            ..LOCAL
        },
        "lmstudio" => Quirks {
            switch: Switch::Absent,
            min_p: false,
            choices: false,
            logprobs: false,
            json_object: false,
            audio: false,
            ..LOCAL
        },
        "ollama" => Quirks {
            switch: Switch::Ollama,
            thoughts: Some("reasoning"),
            top_k: false,
            min_p: false,
            repeat_penalty: None,
            choices: false,
            tool_choice: Choices::Absent,
            parallel: false,
            logit_bias: false,
            image_urls: false,
            ..LOCAL
        },
        _ => LOCAL,
    }
}

/// Whether the model's template or tokenizer is Mistral's, which checks the form of ids wherever it runs.
fn is_of_mistral(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    ["mistral", "mixtral", "ministral", "codestral", "devstral", "magistral", "pixtral", "voxtral"]
        .iter()
        .any(|family| model.contains(family))
}

/// Whether the model's host refuses a turn of calls without the thought that led to it.
fn wants_thoughts(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    model.contains("deepseek") || model.contains("kimi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_models_are_known_by_name() {
        for (model, openai, limit) in [
            ("gpt-4o", true, "max_tokens"),
            ("openai/gpt-5.4-mini", true, "max_completion_tokens"),
            ("o3", true, "max_completion_tokens"),
            ("gpt-oss-120b", false, "max_tokens"),
            ("qwen3:8b", false, "max_tokens"),
        ] {
            let quirks = of(&Target { model: model.into(), ..Target::default() });
            assert_eq!((quirks.openai.is_some(), quirks.limit), (openai, limit), "{model}");
        }
    }
}
