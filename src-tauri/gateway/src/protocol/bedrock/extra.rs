//! What models take beyond the common form, each vendor's by its own names: how much to think, the k most likely.

use serde_json::{Map, Value, json};

use super::family::Family;
use super::turns::Turns;
use crate::completion::{CompletionRequest, Effort, Reasoning, ToolChoice};
use crate::protocol::anthropic::claude::{Rules, Thinking};
use crate::protocol::anthropic::{Sampled, thinking};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, effort};

/// Tokens of an answer where a thinking model's budget must be less and nobody says how many.
const MAX_TOKENS: u32 = 8192;

/// How an answer is chosen, in the common form and beyond it.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) max_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    /// `additionalModelRequestFields`.
    pub(super) fields: Map<String, Value>,
}

impl Extra {
    /// What a family's model is told; the rest is named.
    pub(super) fn of(
        request: &CompletionRequest,
        family: Family,
        target: &Target,
        turns: &Turns<'_>,
        dropped: &mut Vec<String>,
    ) -> Extra {
        let most = target.max_output.unwrap_or(u32::MAX);
        let max_tokens = request.max_tokens.map(|asked| asked.min(most).max(1));
        let wanted = request.reasoning.as_ref().filter(|reasoning| effort::is_asked(reasoning));
        let reasoning = match wanted {
            Some(_) if target.reasoning == Some(false) => {
                lost(wanted, dropped);
                None
            }
            wanted => wanted,
        };
        let common = || {
            let sampling = &request.sampling;
            let temperature = sampling.temperature.map(|degree| degree.clamp(0.0, 1.0));
            Extra { max_tokens, temperature, top_p: sampling.top_p, ..Extra::default() }
        };
        if !matches!(family, Family::Claude(_)) && request.sampling.temperature.is_some_and(|degree| degree > 1.0) {
            note(dropped, "temperature");
        }
        let mut extra = match family {
            Family::Claude(rules) => claude(request, &rules, target, max_tokens, turns, dropped),
            Family::Nova2 => nova(common(), reasoning, dropped),
            Family::GptOss => worded(common(), reasoning, |level| json!({"reasoning_effort": level})),
            Family::Gpt => {
                let said = reasoning.and_then(effort::wanted).map(|effort| match effort {
                    Effort::Minimal => "low",
                    other => effort::word(other),
                });
                let mut extra = common();
                extra.fields.extend(said.map(|word| ("reasoning".to_owned(), json!({"effort": word}))));
                extra
            }
            Family::Nova | Family::Mistral | Family::Unforced | Family::Other => {
                lost(reasoning, dropped);
                common()
            }
        };
        if let Some(k) = request.sampling.top_k {
            match family {
                Family::Nova | Family::Nova2 => {
                    extra.fields.insert("inferenceConfig".into(), json!({"topK": k}));
                }
                Family::Mistral => {
                    extra.fields.insert("top_k".into(), k.into());
                }
                // Said or named already.
                Family::Claude(_) => {}
                Family::GptOss | Family::Gpt | Family::Unforced | Family::Other => note(dropped, "top_k"),
            }
        }
        extra
    }
}

/// Names an effort that is not said. That a model which does not think is not to think is no loss.
fn lost(reasoning: Option<&Reasoning>, dropped: &mut Vec<String>) {
    if reasoning.is_some_and(|reasoning| effort::wanted(reasoning) != Some(Effort::None)) {
        note(dropped, "reasoning_effort");
    }
}

fn claude(
    request: &CompletionRequest,
    rules: &Rules,
    target: &Target,
    max_tokens: Option<u32>,
    turns: &Turns<'_>,
    dropped: &mut Vec<String>,
) -> Extra {
    let room = max_tokens.or(target.max_output).unwrap_or(MAX_TOKENS);
    let forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
        && rules.forced_choice
        && !request.tools.is_empty();
    let silent = forced || (rules.thinking == Thinking::Budget && turns.forbids_thinking());
    let off = Reasoning { effort: Some(Effort::None), ..Reasoning::default() };
    let asked = match &request.reasoning {
        Some(reasoning) if target.reasoning == Some(false) => {
            lost(Some(reasoning), dropped);
            thinking::Asked::default()
        }
        Some(reasoning) => thinking::ask(reasoning, rules, room, silent),
        // A model that thinks unasked must not where a tool is forced.
        None if forced => thinking::ask(&off, rules, room, true),
        None => thinking::Asked::default(),
    };
    if asked.lost {
        note(dropped, "reasoning_effort");
    }
    let sampled = Sampled::of(request, rules, asked.thinks(), dropped);
    let mut fields = Map::new();
    let budgeted = matches!(asked.thinking, Some(thinking::ThinkingOut::Enabled { .. }));
    if let Some(thinking) = asked.thinking.and_then(|thinking| serde_json::to_value(thinking).ok()) {
        fields.insert("thinking".into(), thinking);
    }
    fields.extend(asked.effort.map(|effort| ("output_config".to_owned(), json!({"effort": effort}))));
    fields.extend(sampled.top_k.map(|k| ("top_k".to_owned(), k.into())));
    let max_tokens = max_tokens.or(budgeted.then_some(room));
    Extra { max_tokens, temperature: sampled.temperature, top_p: sampled.top_p, fields }
}

/// At high effort Nova takes none of these limits.
fn nova(mut extra: Extra, reasoning: Option<&Reasoning>, dropped: &mut Vec<String>) -> Extra {
    let Some(reasoning) = reasoning else { return extra };
    let Some(level) = effort::level(effort::wanted(reasoning).unwrap_or(Effort::Medium)) else { return extra };
    extra.fields.insert("reasoningConfig".into(), json!({"type": "enabled", "maxReasoningEffort": level}));
    if level == "high" {
        for (said, name) in [
            (extra.max_tokens.take().is_some(), "max_tokens"),
            (extra.temperature.take().is_some(), "temperature"),
            (extra.top_p.take().is_some(), "top_p"),
        ] {
            if said {
                note(dropped, name);
            }
        }
    }
    extra
}

fn worded(mut extra: Extra, reasoning: Option<&Reasoning>, said: impl Fn(&str) -> Value) -> Extra {
    // The least is `low`: such a model always thinks.
    let level = reasoning.and_then(effort::wanted).map(|effort| effort::level(effort).unwrap_or("low"));
    if let Some(Value::Object(fields)) = level.map(said) {
        extra.fields.extend(fields);
    }
    extra
}
