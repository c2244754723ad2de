//! What a model takes, by its name: how it is told to think, which schemas it reads, whether it wants signatures.
//!
//! Google's list tells none of this, the names do: `gemini-2.5-flash-lite`, `gemini-3-pro-preview`. A Gemini model whose
//! name tells no version (`gemini-flash-latest`) is taken for one of the newest; what is no Gemini model (Gemma) for one
//! that takes the least.

use serde_json::{Map, Value};

use crate::completion::{Effort, Reasoning};
use crate::protocol::codec::effort;

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    thinking: Thinking,
    /// Real JSON Schema, rather than a subset of OpenAPI's.
    pub(super) json_schema: bool,
    /// Wants a signature on a step's first call.
    pub(super) signed: bool,
    /// Takes images inside a function's response.
    pub(super) result_media: bool,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinking {
    /// Not at all: the field is refused.
    Never,
    /// By a budget in tokens within bounds; whether it can be told not to.
    Budget { least: u32, most: u32, off: bool },
    /// By a level; which of the two in question it has.
    Level { minimal: bool, medium: bool },
}

/// The rules of a model.
pub(super) fn rules(model: &str) -> Rules {
    let name = model.rsplit('/').next().unwrap_or(model);
    let Some(rest) = name.strip_prefix("gemini-") else {
        return Rules { thinking: Thinking::Never, json_schema: false, signed: false, result_media: false };
    };
    let version = version(rest).unwrap_or((u32::MAX, 0));
    let pro = rest.contains("pro");
    let thinking = match version {
        (0..2, _) | (2, 0..5) => Thinking::Never,
        (2, _) if pro => Thinking::Budget { least: 128, most: 32_768, off: false },
        (2, _) if rest.contains("lite") => Thinking::Budget { least: 512, most: 24_576, off: true },
        (2, _) => Thinking::Budget { least: 1, most: 24_576, off: true },
        // 3.0 Pro had two levels only.
        (major, minor) => Thinking::Level { minimal: !pro, medium: !pro || (major, minor) > (3, 0) },
    };
    let newest = version >= (3, 0);
    Rules { thinking, json_schema: version >= (2, 5), signed: newest, result_media: newest }
}

/// `2.5-flash` is 2 and 5, `3-pro` is 3 and 0.
fn version(rest: &str) -> Option<(u32, u32)> {
    let digits = rest.split('-').next()?;
    let (major, minor) = digits.split_once('.').unwrap_or((digits, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// How a model is asked to think.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// `thinkingConfig`.
    pub(super) config: Option<Map<String, Value>>,
    /// Whether what was wanted could not be said.
    pub(super) lost: bool,
}

/// Asks a model to think as wanted.
pub(super) fn ask(reasoning: &Reasoning, rules: &Rules) -> Asked {
    let wanted = effort::wanted(reasoning);
    let silent = wanted == Some(Effort::None);
    let mut config = Map::new();
    let mut lost = false;
    match rules.thinking {
        Thinking::Never => return Asked { config: None, lost: wanted.is_some_and(|effort| effort != Effort::None) },
        Thinking::Budget { least, most, off } => {
            let budget = match (reasoning.budget, wanted) {
                (Some(0), _) | (None, Some(Effort::None)) => {
                    lost = !off;
                    if off { Some(0) } else { Some(least) }
                }
                (Some(tokens), _) => Some(tokens.clamp(least, most)),
                (None, Some(effort)) => Some(budget(effort).clamp(least, most)),
                (None, None) => None,
            };
            config.insert("thinkingBudget".into(), budget.map_or(Value::from(-1), Value::from));
        }
        Thinking::Level { minimal, medium } => {
            let level = wanted.map(|effort| match effort {
                Effort::None | Effort::Minimal if minimal => "MINIMAL",
                Effort::None | Effort::Minimal | Effort::Low => "LOW",
                Effort::Medium if medium => "MEDIUM",
                Effort::Medium | Effort::High | Effort::ExtraHigh | Effort::Max => "HIGH",
            });
            lost = silent;
            config.extend(level.map(|level| ("thinkingLevel".to_owned(), level.into())));
        }
    }
    config.insert("includeThoughts".into(), (reasoning.include.unwrap_or(true) && !silent).into());
    Asked { config: Some(config), lost }
}

/// What Google's own OpenAI layer takes these words for.
fn budget(effort: Effort) -> u32 {
    match effort {
        Effort::None => 0,
        Effort::Minimal => 512,
        Effort::Low => 1024,
        Effort::Medium => 8192,
        Effort::High | Effort::ExtraHigh | Effort::Max => 24_576,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(model: &str, effort: Option<Effort>, budget: Option<u32>, expected: Value, lost: bool) {
        let reasoning = Reasoning { effort, budget, include: None };
        let asked = ask(&reasoning, &rules(model));
        let config = asked.config.map_or(Value::Null, Value::Object);
        assert_eq!((config, asked.lost), (expected, lost), "{model} {effort:?} {budget:?}");
    }

    #[test]
    fn thinking() {
        let budget = |tokens: i32, include: bool| json!({"thinkingBudget": tokens, "includeThoughts": include});
        let level = |word: &str, include: bool| json!({"thinkingLevel": word, "includeThoughts": include});
        let (none, low, medium, max) = (Some(Effort::None), Some(Effort::Low), Some(Effort::Medium), Some(Effort::Max));
        check("gemini-2.5-flash", none, None, budget(0, false), false);
        check("gemini-2.5-pro", none, None, budget(128, false), true);
        check("gemini-2.5-flash-lite", Some(Effort::Minimal), None, budget(512, true), false);
        check("gemini-2.5-flash", low, Some(3000), budget(3000, true), false);
        check("gemini-2.5-flash", None, Some(99_999), budget(24_576, true), false);
        check("models/gemini-2.5-pro", max, None, budget(24_576, true), false);
        check("gemini-2.5-flash", None, None, budget(-1, true), false);
        check("gemini-3-pro-preview", medium, None, level("HIGH", true), false);
        check("gemini-3.1-pro", medium, None, level("MEDIUM", true), false);
        check("gemini-3-flash", none, None, level("MINIMAL", false), true);
        check("gemini-pro-latest", none, None, level("LOW", false), true);
        check("gemini-flash-latest", None, Some(8000), level("MEDIUM", true), false);
        check("gemini-3.8-flash", None, None, json!({"includeThoughts": true}), false);
        check("gemini-2.0-flash", low, None, Value::Null, true);
        check("gemma-3-27b-it", none, None, Value::Null, false);
    }
}
