//! Whose model it is, by its name, and what it takes beyond the common form.
//!
//! Facts of Amazon's documentation and of what its servers were seen to refuse, November 2026. A name may lead with a
//! region's group (`us.`, `global.`) or be an ARN; one that says nothing, as an ARN of the user's own, takes the common
//! form alone.

use crate::protocol::anthropic::claude::{self, Rules};

/// Whose model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's, with what this one takes.
    Claude(Rules),
    /// Amazon's first Nova models.
    Nova,
    /// Amazon's second, which reason.
    Nova2,
    /// OpenAI's open models, and Moonshot's, which take an effort in the same way.
    GptOss,
    /// OpenAI's own.
    Gpt,
    /// Mistral's.
    Mistral,
    /// Meta's, and those others that cannot be made to call a tool.
    Unforced,
    /// Any other.
    Other,
}

/// The family of a model's name.
pub(super) fn of(model: &str) -> Family {
    let name = model.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    match () {
        () if has("anthropic.") || has("claude") => Family::Claude(claude::rules(model)),
        () if has("amazon.nova-2") => Family::Nova2,
        () if has("amazon.nova") => Family::Nova,
        () if has("gpt-oss") || has("kimi") => Family::GptOss,
        () if has("openai.") => Family::Gpt,
        () if has("mistral.") => Family::Mistral,
        () if has("meta.") || has("cohere.") || has("ai21.") => Family::Unforced,
        () => Family::Other,
    }
}

impl Family {
    /// Whether a prompt can be cached up to a mark in it.
    pub(super) fn caches(self) -> bool {
        matches!(self, Family::Claude(_) | Family::Nova | Family::Nova2)
    }

    /// The same for its tools.
    pub(super) fn caches_tools(self) -> bool {
        matches!(self, Family::Claude(_))
    }

    /// Whether it goes on from a last turn of its own.
    pub(super) fn goes_on(self) -> bool {
        match self {
            Family::Claude(rules) => rules.prefill,
            Family::Nova | Family::Nova2 => true,
            Family::GptOss | Family::Gpt | Family::Mistral | Family::Unforced | Family::Other => false,
        }
    }

    /// Whether some tool, and whether this one can be asked for.
    pub(super) fn forced(self) -> (bool, bool) {
        match self {
            Family::Claude(rules) => (rules.forced_choice, rules.forced_choice),
            Family::Nova | Family::Nova2 | Family::GptOss | Family::Gpt | Family::Other => (true, true),
            Family::Mistral => (true, false),
            Family::Unforced => (false, false),
        }
    }

    /// Whether an earlier thought of its own is wanted back.
    pub(super) fn believes(self) -> bool {
        matches!(self, Family::Claude(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |model, expected| assert_eq!(of(model), expected, "{model}");
        for name in ["anthropic.claude-3-7-sonnet-20250219-v1:0", "us.anthropic.claude-opus-5-5"] {
            check(name, Family::Claude(claude::rules(name)));
        }
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5";
        check(arn, Family::Claude(claude::rules("claude-opus-5-5")));
        check("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Family::Other);
        check("eu.amazon.nova-pro-v1:0", Family::Nova);
        check("us.amazon.nova-2-lite-v1:0", Family::Nova2);
        check("openai.gpt-oss-120b-1:0", Family::GptOss);
        check("moonshotai.kimi-k2-thinking", Family::GptOss);
        check("openai.gpt-6-sol", Family::Gpt);
        check("us.meta.llama4-scout-17b-instruct-v1:0", Family::Unforced);
        check("mistral.mistral-large-2407-v1:0", Family::Mistral);
        check("qwen.qwen3-235b-a22b-2507-v1:0", Family::Other);
    }
}
