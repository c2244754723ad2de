//! What a Claude model takes and refuses, by its name.
//!
//! Facts of Anthropic's documentation, November 2026: how thinking is asked for, and which fields are a 400. A name that
//! is no Claude's (a local runtime or another vendor behind the same API) takes the oldest form, which all of them know.

/// How thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Thinking {
    /// It cannot think.
    Never,
    /// `enabled` with a budget of tokens.
    Budget,
    /// `adaptive` with an effort.
    Adaptive {
        /// How it is told not to think.
        off: Off,
    },
}

/// How a model is told not to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Off {
    /// By saying nothing.
    Omit,
    /// `disabled`.
    Disabled,
    /// `between_tools` is the least.
    BetweenTools,
    /// Not at all: the least effort.
    LowEffort,
}

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Rules {
    /// How thinking is asked for.
    pub(in crate::protocol) thinking: Thinking,
    /// Whether `temperature`, `top_p` and `top_k` may be said.
    pub(in crate::protocol) sampling: bool,
    /// Whether `temperature` and `top_p` may not be said together.
    pub(in crate::protocol) exclusive: bool,
    /// Whether a tool call can be forced.
    pub(in crate::protocol) forced_choice: bool,
    /// Whether `messages` may hold turns of role `system`.
    pub(in crate::protocol) system_turns: bool,
    /// Whether it goes on from a last turn of its own.
    pub(in crate::protocol) prefill: bool,
    /// Whether thoughts need Anthropic's own signature.
    pub(in crate::protocol) signed: bool,
}

/// The rules for a model's name, in any host's spelling: `claude-opus-5-5`, `anthropic.claude-3-7-sonnet-20250219-v1:0`.
pub(in crate::protocol) fn rules(model: &str) -> Rules {
    let Some((family, version)) = parse(model) else {
        return Rules {
            thinking: Thinking::Budget,
            sampling: true,
            exclusive: false,
            forced_choice: true,
            system_turns: false,
            prefill: true,
            signed: false,
        };
    };
    let myth = matches!(family, "fable" | "mythos");
    let newest = version >= (5, 5) || (myth && version >= (5, 1));
    let thinking = match (family, version) {
        ("fable" | "mythos", _) => Thinking::Adaptive { off: Off::LowEffort },
        (_, version) if version < (3, 7) => Thinking::Never,
        (_, version) if version < (4, 6) => Thinking::Budget,
        (_, version) if version < (5, 0) => Thinking::Adaptive { off: Off::Omit },
        (_, version) if version < (5, 5) => Thinking::Adaptive { off: Off::Disabled },
        ("haiku", _) => Thinking::Adaptive { off: Off::Disabled },
        ("sonnet", _) => Thinking::Adaptive { off: Off::BetweenTools },
        _ => Thinking::Adaptive { off: Off::LowEffort },
    };
    Rules {
        thinking,
        sampling: version < (4, 7) && !myth,
        exclusive: version >= (4, 0),
        forced_choice: !newest || family == "haiku",
        system_turns: version >= (5, 0),
        prefill: version < (4, 6),
        signed: true,
    }
}

/// Family and version; `None` if the name is no Claude's.
fn parse(model: &str) -> Option<(&'static str, (u32, u32))> {
    let model = model.to_ascii_lowercase();
    let words = || model.split(|character: char| !character.is_ascii_alphanumeric());
    let after = || words().skip_while(|word| *word != "claude").skip(1);
    if !words().any(|word| word == "claude") {
        return None;
    }
    let family = ["opus", "sonnet", "haiku", "fable", "mythos"]
        .into_iter()
        .find(|family| after().any(|word| word == *family))
        .unwrap_or("");
    // Longer numbers are dates; `v1` and what follows is Bedrock's.
    let mut numbers = after()
        .take_while(|word| !word.starts_with('v'))
        .filter(|word| word.len() <= 2)
        .filter_map(|word| word.parse::<u32>().ok());
    let latest = (5, 0);
    Some((family, numbers.next().map_or(latest, |major| (major, numbers.next().unwrap_or(0)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, expected: Option<(&'static str, (u32, u32))>) {
        assert_eq!(parse(model), expected, "{model}");
    }

    #[test]
    fn names() {
        check("claude-3-5-sonnet-20241022", Some(("sonnet", (3, 5))));
        check("anthropic.claude-3-7-sonnet-20250219-v1:0", Some(("sonnet", (3, 7))));
        check("anthropic/claude-3.7-sonnet", Some(("sonnet", (3, 7))));
        check("claude-opus-4-20250514", Some(("opus", (4, 0))));
        check("claude-opus-4-1@20250805", Some(("opus", (4, 1))));
        check("claude-haiku-4-5", Some(("haiku", (4, 5))));
        check("us.anthropic.claude-sonnet-5-20260801-v1:0", Some(("sonnet", (5, 0))));
        check("claude-fable-5-1", Some(("fable", (5, 1))));
        check("claude-mythos-preview", Some(("mythos", (5, 0))));
        check("qwen3", None);
        check("claudette", None);
    }

    #[test]
    fn thinking() {
        let of = |model| rules(model).thinking;
        assert_eq!(of("claude-3-5-sonnet-20241022"), Thinking::Never);
        assert_eq!(of("claude-3-7-sonnet-latest"), Thinking::Budget);
        assert_eq!(of("claude-opus-4-5"), Thinking::Budget);
        assert_eq!(of("claude-sonnet-4-6"), Thinking::Adaptive { off: Off::Omit });
        assert_eq!(of("claude-opus-5"), Thinking::Adaptive { off: Off::Disabled });
        assert_eq!(of("claude-opus-5-5"), Thinking::Adaptive { off: Off::LowEffort });
        assert_eq!(of("claude-sonnet-5-5"), Thinking::Adaptive { off: Off::BetweenTools });
        assert_eq!(of("claude-haiku-5-5"), Thinking::Adaptive { off: Off::Disabled });
        assert_eq!(of("claude-fable-5"), Thinking::Adaptive { off: Off::LowEffort });
        assert_eq!(of("deepseek-v4"), Thinking::Budget);
    }

    #[test]
    fn refusals() {
        assert!(rules("claude-opus-4-6").sampling && !rules("claude-opus-4-7").sampling);
        assert!(rules("claude-opus-5").forced_choice && !rules("claude-opus-5-5").forced_choice);
        assert!(rules("claude-haiku-5-5").forced_choice && !rules("claude-fable-5-1").forced_choice);
        assert!(!rules("claude-sonnet-4-5").system_turns && rules("claude-sonnet-5").system_turns);
    }
}
