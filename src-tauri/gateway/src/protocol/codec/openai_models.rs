//! What OpenAI's own models take and refuse, by their name, over whichever of its APIs.
//!
//! Facts of its documentation, November 2026. Its open models (`gpt-oss`) run anywhere and are none of these.

use crate::completion::Effort;

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Whether it thinks, and so takes no sampling while it does, no penalties, no biases and no stop texts.
    pub(crate) thinks: bool,
    /// The least effort that it knows; `Effort::None` where it can be told not to think.
    least: Effort,
    /// Whether it knows `minimal`.
    minimal: bool,
    /// The most effort that it knows.
    most: Effort,
    /// Whether chat completions take no tools while it thinks.
    pub(crate) thinks_or_calls: bool,
    /// Whether chat completions take a word on several calls at once.
    pub(crate) parallel: bool,
}

impl Rules {
    /// The nearest effort that it knows.
    pub(crate) fn effort(self, wanted: Effort) -> Effort {
        match wanted.clamp(self.least, self.most) {
            Effort::Minimal if !self.minimal => Effort::Low,
            effort => effort,
        }
    }
}

/// The rules for a name, with or without its maker: `gpt-5.4-mini`, `openai/o3`. `None` if it is none of OpenAI's.
pub(crate) fn rules(model: &str) -> Option<Rules> {
    let model = model.rsplit('/').next().unwrap_or(model);
    let silent = Rules {
        thinks: false,
        least: Effort::None,
        minimal: false,
        most: Effort::Max,
        thinks_or_calls: false,
        parallel: true,
    };
    if ["o1", "o3", "o4"].iter().any(|family| is_of(model, family)) {
        return Some(Rules { thinks: true, least: Effort::Low, most: Effort::High, parallel: false, ..silent });
    }
    if model.starts_with("gpt-oss") {
        return None;
    }
    if model.starts_with("chatgpt-") {
        return Some(silent);
    }
    let version = model.strip_prefix("gpt-")?.split('-').next().unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Some(match version {
        _ if version < (5, 0) || model.contains("-chat") => silent,
        (5, 0) => Rules { thinks: true, least: Effort::Minimal, minimal: true, most: Effort::High, ..silent },
        _ => Rules { thinks: true, thinks_or_calls: version >= (5, 4), ..silent },
    })
}

fn is_of(model: &str, family: &str) -> bool {
    model.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, thinks: Option<bool>) {
        assert_eq!(rules(model).map(|rules| rules.thinks), thinks, "{model}");
    }

    #[test]
    fn names() {
        check("gpt-4o", Some(false));
        check("openai/gpt-5.4-mini", Some(true));
        check("gpt-5-chat-latest", Some(false));
        check("chatgpt-4o-latest", Some(false));
        check("o3", Some(true));
        check("o4-mini", Some(true));
        check("gpt-6", Some(true));
        check("gpt-oss-120b", None);
        check("o1ympus", None);
        check("qwen3:8b", None);
    }

    #[test]
    fn efforts() {
        for (model, wanted, known) in [
            ("o3", Effort::None, Effort::Low),
            ("gpt-5", Effort::None, Effort::Minimal),
            ("gpt-5", Effort::ExtraHigh, Effort::High),
            ("gpt-5.4", Effort::None, Effort::None),
            ("gpt-5.4", Effort::Minimal, Effort::Low),
            ("gpt-5.4", Effort::Max, Effort::Max),
        ] {
            assert_eq!(rules(model).unwrap().effort(wanted), known, "{model} {wanted:?}");
        }
        assert!(rules("gpt-5.4").unwrap().thinks_or_calls && !rules("gpt-5.1").unwrap().thinks_or_calls);
    }
}
