//! What a hosted model refuses in a body that is in its own API, whoever hosts it.
//!
//! A route may lead to a new model from one request to the next, and a tool that set a temperature for the old one cannot
//! know that the new one answers it with a 400. Which models these are, `claude` and `openai_models` say, as they do where
//! a body is written anew. Only what steers is left out, and only where it says something else than what the model does
//! anyway; whatever would change what is meant stays, and is the host's to refuse.

use serde::Deserialize;

use super::Protocol;
use super::anthropic::claude;
use super::codec::{effort, openai_models};
use super::fitted::Fields;
use crate::completion::Effort;

/// What a model takes otherwise than a body may say it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// Fields that it refuses.
    pub(super) fields: Vec<&'static str>,
    /// Whether it knows the limit of an answer as `max_completion_tokens` alone.
    pub(super) newer_limit: bool,
}

/// What a model refuses of a body's fields.
pub(super) fn of(protocol: Protocol, model: &str, fields: &Fields<'_>) -> Refused {
    match protocol {
        Protocol::Anthropic => Refused { fields: claudes(model, fields), newer_limit: false },
        Protocol::OpenAiChat | Protocol::OpenAiResponses => match openai_models::rules(model) {
            Some(rules) if rules.thinks => {
                // Who hosts many makers' models, and so writes the maker before a name, takes both names.
                let newer_limit = protocol == Protocol::OpenAiChat && !model.contains('/');
                Refused { fields: thinkers(protocol, rules, fields), newer_limit }
            }
            Some(_) => Refused::default(),
            None => Refused { fields: claudes(model, fields), newer_limit: false },
        },
        Protocol::Gemini | Protocol::Ollama | Protocol::BedrockConverse | Protocol::Cohere => Refused::default(),
    }
}

/// What Claude refuses; nothing where the name is no Claude's.
fn claudes(model: &str, fields: &Fields<'_>) -> Vec<&'static str> {
    let rules = claude::rules(model);
    if !rules.sampling {
        let mut refused = differing(fields, &["temperature", "top_p"], 1.0);
        refused.extend(fields.number("top_k").map(|_| "top_k"));
        return refused;
    }
    let both = fields.number("temperature").is_some() && fields.number("top_p").is_some();
    if rules.exclusive && both { vec!["top_p"] } else { Vec::new() }
}

/// What a model of OpenAI's refuses that thinks.
fn thinkers(protocol: Protocol, rules: openai_models::Rules, fields: &Fields<'_>) -> Vec<&'static str> {
    let mut refused = Vec::new();
    // What it does unasked differs by model: where it need not think, only what is said counts.
    let must = rules.effort(Effort::None) != Effort::None;
    let told = fields.effort(protocol).is_some_and(|told| told != Effort::None);
    if must || told {
        refused.extend(differing(fields, &["temperature", "top_p"], 1.0));
        refused.extend(["logprobs", "top_logprobs"].into_iter().filter(|name| fields.says(name)));
    }
    if protocol == Protocol::OpenAiChat {
        refused.extend(differing(fields, &["presence_penalty", "frequency_penalty"], 0.0));
        refused.extend(["logit_bias"].into_iter().filter(|name| fields.says(name)));
        refused.extend(["parallel_tool_calls"].into_iter().filter(|name| !rules.parallel && fields.says(name)));
    }
    refused
}

/// Those of `names` that say another number than what holds anyway.
fn differing(fields: &Fields<'_>, names: &[&'static str], anyway: f64) -> Vec<&'static str> {
    let differs = |name: &&str| fields.number(name).is_some_and(|number| (number - anyway).abs() > f64::EPSILON);
    names.iter().copied().filter(differs).collect()
}

impl Fields<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    fn number(&self, name: &str) -> Option<f64> {
        serde_json::from_str(self.value(name)?).ok()
    }

    /// Whether a field is there and says more than nothing.
    fn says(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !matches!(value, "null" | "false" | "{}" | "0"))
    }

    /// How much a model is told to think.
    fn effort(&self, protocol: Protocol) -> Option<Effort> {
        #[derive(Deserialize)]
        struct Reasoning {
            effort: Option<String>,
        }
        let word = if protocol == Protocol::OpenAiResponses {
            serde_json::from_str::<Reasoning>(self.value("reasoning")?).ok()?.effort
        } else {
            serde_json::from_str(self.value("reasoning_effort")?).ok()
        };
        effort::parse(&word?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, model: &str, body: &str, expected: &str) {
        let fields: Fields<'_> = serde_json::from_str(body).unwrap();
        assert_eq!(of(protocol, model, &fields).fields.join(" "), expected, "{protocol:?} {model} {body}");
    }

    #[test]
    fn what_claude_refuses() {
        let check = |model: &str, body: &str, expected: &str| check(Protocol::Anthropic, model, body, expected);
        let all = r#"{"temperature":0.2,"top_p":0.9,"top_k":40}"#;
        check("claude-3-5-sonnet-20241022", all, "");
        check("claude-opus-4-1", all, "top_p");
        check("claude-opus-4-7", all, "temperature top_p top_k");
        check("us.anthropic.claude-sonnet-5-5", all, "temperature top_p top_k");
        check("claude-opus-5@20260801", r#"{"temperature":1,"top_p":1.0}"#, "");
        check("claude-opus-4-1", r#"{"temperature":null,"top_p":0.9}"#, "");
        check("deepseek-v4-pro", all, "");
        super::tests::check(Protocol::OpenAiChat, "anthropic/claude-opus-4.7", all, "temperature top_p top_k");
        super::tests::check(Protocol::Gemini, "claude-opus-4-7", all, "");
    }

    #[test]
    fn what_openais_thinkers_refuse() {
        let chat = |model: &str, body: &str, expected: &str| check(Protocol::OpenAiChat, model, body, expected);
        let steered = r#"{"temperature":0.2,"top_p":1,"presence_penalty":0.5,"frequency_penalty":0,"logit_bias":{}}"#;
        chat("gpt-4o", steered, "");
        chat("qwen3", steered, "");
        chat("gpt-oss-120b", steered, "");
        chat("o3", steered, "temperature presence_penalty");
        chat("gpt-5.1", steered, "presence_penalty");
        let told = r#"{"temperature":0.2,"logprobs":true,"top_logprobs":2,"reasoning_effort":"low"}"#;
        chat("gpt-5.1", told, "temperature logprobs top_logprobs");
        chat("gpt-5.1", r#"{"temperature":0.2,"logprobs":true,"reasoning_effort":"none"}"#, "");
        chat("gpt-5", r#"{"temperature":0.2,"logprobs":false,"stop":["x"]}"#, "temperature");
        chat("o4-mini", r#"{"parallel_tool_calls":true}"#, "parallel_tool_calls");
        chat("gpt-5", r#"{"parallel_tool_calls":true}"#, "");
        let responses = |model: &str, body: &str, expected| check(Protocol::OpenAiResponses, model, body, expected);
        responses("gpt-5.4", r#"{"temperature":0.2,"reasoning":{"effort":"high"}}"#, "temperature");
        responses("gpt-5.4", r#"{"temperature":0.2,"reasoning":{"summary":"auto"}}"#, "");
        responses("o3", r#"{"temperature":0.2,"parallel_tool_calls":true}"#, "temperature");
    }
}
