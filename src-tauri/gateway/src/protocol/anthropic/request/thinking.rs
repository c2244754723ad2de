//! How much to think: Anthropic's words, budgets and what a model takes, to the hub's and back.

use serde::Serialize;

use super::super::claude::{Off, Rules, Thinking};
use crate::completion::{Effort, Reasoning};
use crate::protocol::codec::effort;

/// The least budget that Anthropic takes.
const LEAST: u32 = 1024;

/// `thinking` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::protocol) enum ThinkingOut {
    Enabled {
        budget_tokens: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
    BetweenTools,
}

/// What a request says about thinking.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::protocol) struct Asked {
    pub(in crate::protocol) thinking: Option<ThinkingOut>,
    pub(in crate::protocol) effort: Option<&'static str>,
    /// Whether thinking was asked for and could not be.
    pub(in crate::protocol) lost: bool,
}

impl Asked {
    /// Whether the model may think, so that other fields are bound.
    pub(in crate::protocol) fn thinks(&self) -> bool {
        matches!(self.thinking, Some(ThinkingOut::Enabled { .. } | ThinkingOut::Adaptive { .. }))
    }
}

/// What to say to a model. `silent`: thinking must not be, as a tool is forced.
pub(in crate::protocol) fn ask(reasoning: &Reasoning, rules: &Rules, max_tokens: u32, silent: bool) -> Asked {
    let wanted = reasoning.effort != Some(Effort::None);
    match rules.thinking {
        Thinking::Never => Asked { lost: wanted, ..Asked::default() },
        Thinking::Budget if !wanted && rules.signed => Asked::default(),
        Thinking::Budget if !wanted => Asked { thinking: Some(ThinkingOut::Disabled), ..Asked::default() },
        // Nothing is said of how much, and such a model does not think unasked.
        Thinking::Budget if reasoning.effort.is_none() && reasoning.budget.is_none() => Asked::default(),
        Thinking::Budget => {
            let budget_tokens = effort::budget(reasoning).max(LEAST).min(max_tokens.saturating_sub(LEAST));
            if silent || budget_tokens < LEAST {
                return Asked { lost: true, ..Asked::default() };
            }
            // Only Claude knows `display`.
            let display = display(reasoning).filter(|_| rules.signed);
            Asked { thinking: Some(ThinkingOut::Enabled { budget_tokens, display }), ..Asked::default() }
        }
        Thinking::Adaptive { off } if !wanted || silent => Asked {
            thinking: match off {
                Off::Omit | Off::LowEffort => None,
                Off::Disabled => Some(ThinkingOut::Disabled),
                Off::BetweenTools => Some(ThinkingOut::BetweenTools),
            },
            effort: (off == Off::LowEffort && !wanted).then_some("low"),
            lost: wanted,
        },
        Thinking::Adaptive { .. } => {
            let effort = effort::wanted(reasoning);
            Asked {
                thinking: Some(ThinkingOut::Adaptive { display: display(reasoning) }),
                effort: effort.map(|effort| match effort {
                    Effort::None | Effort::Minimal | Effort::Low => "low",
                    Effort::Medium => "medium",
                    Effort::High => "high",
                    // Known since 4.7; before that `max` was next to `high`.
                    Effort::ExtraHigh if rules.sampling => "high",
                    Effort::ExtraHigh => "xhigh",
                    Effort::Max => "max",
                }),
                lost: false,
            }
        }
    }
}

fn display(reasoning: &Reasoning) -> Option<&'static str> {
    reasoning.include.map(|include| if include { "summarized" } else { "omitted" })
}

#[cfg(test)]
mod tests {
    use super::super::super::claude::rules;
    use super::*;

    /// The thinking and effort that a model is told, as JSON; `!` where thinking was lost.
    fn check(model: &str, reasoning: &Reasoning, max_tokens: u32, expected: &str) {
        let asked = ask(reasoning, &rules(model), max_tokens, false);
        let thinking = serde_json::to_string(&asked.thinking).unwrap();
        let told = format!("{thinking} {}{}", asked.effort.unwrap_or("-"), if asked.lost { " !" } else { "" });
        assert_eq!(told, expected, "{model} {reasoning:?}");
    }

    #[test]
    fn by_model() {
        let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
        let budget = |budget| Reasoning { budget: Some(budget), ..Reasoning::default() };
        let enabled = |budget: u32| format!("{{\"type\":\"enabled\",\"budget_tokens\":{budget}}} -");
        let adaptive = "{\"type\":\"adaptive\"}";

        check("claude-3-5-haiku", &effort(Effort::High), 32_000, "null - !");
        check("claude-opus-4-5", &effort(Effort::Low), 32_000, &enabled(2048));
        check("claude-opus-4-5", &effort(Effort::None), 32_000, "null -");
        check("claude-opus-4-5", &budget(5000), 32_000, &enabled(5000));
        check("claude-opus-4-5", &budget(100_000), 4096, &enabled(3072));
        check("claude-opus-4-5", &effort(Effort::High), 1500, "null - !");
        check("claude-opus-4-5", &Reasoning { include: Some(true), ..Reasoning::default() }, 32_000, "null -");
        check("claude-opus-4-6", &effort(Effort::ExtraHigh), 32_000, &format!("{adaptive} high"));
        check("claude-opus-4-7", &effort(Effort::ExtraHigh), 32_000, &format!("{adaptive} xhigh"));
        check("claude-opus-4-7", &budget(9000), 32_000, &format!("{adaptive} high"));
        check("claude-opus-4-7", &Reasoning::default(), 32_000, &format!("{adaptive} -"));
        check("claude-opus-4-7", &effort(Effort::None), 32_000, "null -");
        check("claude-opus-5", &effort(Effort::None), 32_000, "{\"type\":\"disabled\"} -");
        check("claude-opus-5-5", &effort(Effort::None), 32_000, "null low");
        check("claude-sonnet-5-5", &effort(Effort::None), 32_000, "{\"type\":\"between_tools\"} -");
        check("qwen3", &effort(Effort::None), 32_000, "{\"type\":\"disabled\"} -");
        check("qwen3", &Reasoning { include: Some(true), ..effort(Effort::Minimal) }, 32_000, &enabled(1024));
        let shown = Reasoning { include: Some(true), ..Reasoning::default() };
        check("claude-opus-5-5", &shown, 9, "{\"type\":\"adaptive\",\"display\":\"summarized\"} -");
    }
}
