//! How much a model is to think: the words that vendors use, and what a budget of tokens comes to in words and back.

use crate::completion::{Effort, Reasoning};

/// The effort that a word means; `None` for words that mean "as usual".
pub(crate) fn parse(word: &str) -> Option<Effort> {
    Some(match word {
        "none" | "off" | "disabled" => Effort::None,
        "minimal" | "instant" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" | "extra_high" => Effort::ExtraHigh,
        "max" | "ultra" => Effort::Max,
        _ => return None,
    })
}

/// The word for an effort in OpenAI's APIs.
pub(crate) fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::ExtraHigh => "xhigh",
        Effort::Max => "max",
    }
}

/// One of `low`, `medium` and `high`, which every server with levels knows; `None` for not at all.
pub(crate) fn level(effort: Effort) -> Option<&'static str> {
    match effort {
        Effort::None => None,
        Effort::Minimal | Effort::Low => Some("low"),
        Effort::Medium => Some("medium"),
        Effort::High | Effort::ExtraHigh | Effort::Max => Some("high"),
    }
}

/// The effort as it is said, or as the budget comes to; `None` where neither is told.
pub(crate) fn wanted(reasoning: &Reasoning) -> Option<Effort> {
    let of_budget = |tokens| match tokens {
        0 => Effort::None,
        1..=1024 => Effort::Minimal,
        1025..=2048 => Effort::Low,
        2049..=8192 => Effort::Medium,
        8193..=24_576 => Effort::High,
        _ => Effort::ExtraHigh,
    };
    reasoning.effort.or(reasoning.budget.map(of_budget))
}

/// Whether it is said that the model is to think, or not to. Who only says whether the thought's text is wanted back leaves
/// that as it is: Codex asks every model for summaries.
pub(crate) fn is_asked(reasoning: &Reasoning) -> bool {
    wanted(reasoning).is_some() || reasoning.include.is_none()
}

/// The budget as it is said, or as the effort comes to; the usual one where neither is told.
pub(crate) fn budget(reasoning: &Reasoning) -> u32 {
    reasoning.budget.unwrap_or(match reasoning.effort {
        Some(Effort::None) => 0,
        Some(Effort::Minimal) => 1024,
        Some(Effort::Low) => 2048,
        Some(Effort::Medium) | None => 8192,
        Some(Effort::High) => 24_576,
        Some(Effort::ExtraHigh | Effort::Max) => 32_768,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_worth_the_effort_that_it_comes_from() {
        for effort in [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh] {
            assert_eq!(parse(word(effort)), Some(effort));
            let said = Reasoning { effort: Some(effort), ..Reasoning::default() };
            let counted = Reasoning { budget: Some(budget(&said)), ..Reasoning::default() };
            assert_eq!(wanted(&counted), Some(effort));
        }
    }

    #[test]
    fn a_wish_for_the_text_is_none_to_think() {
        let check = |effort, budget, include, expected| {
            assert_eq!(is_asked(&Reasoning { effort, budget, include }), expected, "{effort:?} {budget:?} {include:?}");
        };
        check(None, None, Some(true), false);
        check(None, None, Some(false), false);
        check(None, None, None, true);
        check(Some(Effort::None), None, Some(true), true);
        check(Some(Effort::Low), None, None, true);
        check(None, Some(512), Some(true), true);
    }
}
