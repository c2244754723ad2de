//! A body as one hosted provider takes it for one of its models: without the fields that either refuses, under its own
//! names.
//!
//! Works on the top level of the raw body, in the order in which it was written; what stays is not changed by a byte. Which
//! provider has which habits is its row's business, what a model refuses anywhere is `refused_fields`'.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::{Operation, Protocol, refused_fields};
use crate::provider::hosted::HostedQuirks;

/// The least budget of thoughts, and what is left of a limit for the answer itself.
const LEAST: u64 = 1024;
/// The field that says how much to think.
const EFFORT: &str = "reasoning_effort";
/// The field that says which form an answer has.
const FORMAT: &str = "response_format";
/// The limit of an answer as OpenAI's models that think know it.
const NEWER_LIMIT: &str = "max_completion_tokens";

/// The fields of a JSON object in their order.
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields<'a>, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                #[derive(Deserialize)]
                struct Key<'k>(#[serde(borrow)] Cow<'k, str>);
                let mut fields = Vec::new();
                while let Some((Key(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Reader)
    }
}

/// What a body is fitted to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit<'a> {
    /// The protocol that the body is in.
    pub(crate) protocol: Protocol,
    /// What it asks.
    pub(crate) operation: Operation,
    /// The provider's own name for the model.
    pub(crate) model: &'a str,
    /// The provider's habits, where this protocol has any of them.
    pub(crate) quirks: &'a HostedQuirks,
}

/// The body as the provider takes it, and the names of what was left out; `None` where it can stay as it is.
pub(crate) fn fitted(body: &[u8], fit: Fit<'_>) -> Option<(Bytes, Vec<String>)> {
    let Fit { protocol, operation, model, quirks } = fit;
    let fields = serde_json::from_slice::<Fields<'_>>(body).ok()?;
    let refused = if operation == Operation::Chat {
        refused_fields::of(protocol, model, &fields)
    } else {
        refused_fields::Refused::default()
    };
    // A row that has the older name for all has it for these too.
    let newer_limit = refused.newer_limit && !quirks.rename.contains_key(NEWER_LIMIT);
    let Fields(fields) = fields;
    let of_model = quirks.drop_for.iter().filter(|(pattern, _)| WildMatch::new(pattern).matches(model));
    let of_row = quirks.drop.iter().chain(of_model.flat_map(|(_, fields)| fields)).map(String::as_str);
    let unwanted: Vec<&str> = of_row.chain(refused.fields).collect();
    let thinking = thinking(&fields, fit);
    let schema = if quirks.schema_in_words { schema(&fields) } else { None };
    let mut dropped = Vec::new();
    let mut changed = false;
    let mut out = Vec::with_capacity(body.len());
    for (name, value) in &fields {
        if let Some(said) = thinking.as_ref().filter(|_| name == EFFORT) {
            if said.is_empty() {
                dropped.push(name.to_string());
            }
            changed = true;
            continue;
        }
        if unwanted.contains(&&**name) {
            // A null says nothing, so nothing of it is lost.
            if value.get() != "null" {
                dropped.push(name.to_string());
            }
            changed = true;
            continue;
        }
        // Where both names are there, the provider's own holds.
        let of_model = (newer_limit && name == "max_tokens").then_some(NEWER_LIMIT);
        let renamed = quirks.rename.get(&**name).map(String::as_str).or(of_model);
        if renamed.is_some_and(|to| fields.iter().any(|(other, _)| other == to)) {
            changed = true;
            continue;
        }
        let said = otherwise(name, value, quirks, schema);
        if name == FORMAT && schema.is_some() {
            dropped.push(format!("{FORMAT}.json_schema"));
        }
        changed |= renamed.is_some() || said.is_some();
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(Value::from(renamed.unwrap_or(name)).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(said.as_deref().unwrap_or(value.get()).as_bytes());
    }
    let set = quirks.set.iter().map(|(name, value)| (name, Value::from(*value)));
    let thinking = thinking.iter().flat_map(|said| said.iter().map(|(name, value)| (name, value.clone())));
    // What the client says itself holds.
    let own = |name: &str| name != EFFORT && fields.iter().any(|(known, _)| known == name);
    for (name, value) in set.chain(thinking).filter(|(name, _)| !own(name)) {
        changed = true;
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(format!("{}:{value}", Value::from(name.as_str())).as_bytes());
    }
    out.extend_from_slice(if out.is_empty() { b"{}" } else { b"}" });
    changed.then(|| (out.into(), dropped))
}

/// The fields that say how much to think where a row has others than OpenAI's, for what the body says; none of them where
/// it cannot be said. `None` where the body's own word stays.
fn thinking(fields: &[(Cow<'_, str>, &RawValue)], fit: Fit<'_>) -> Option<Map<String, Value>> {
    let said = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.get());
    let row = fit
        .quirks
        .thinking
        .iter()
        .find(|row| row.models.iter().any(|pattern| WildMatch::new(pattern).matches(fit.model)))?;
    let word: Cow<'_, str> = serde_json::from_str(said(EFFORT)?).ok()?;
    let says = row.says.get(&*word)?;
    let mut says = says.clone();
    // A budget is a part of the answer's limit, and refused where it is not.
    if let Some(budget) = says.get_mut("thinking").and_then(|thinking| thinking.get_mut("budget_tokens")) {
        let limit = said(NEWER_LIMIT).or(said("max_tokens")).and_then(|limit| serde_json::from_str::<u64>(limit).ok());
        let room = limit.and_then(|limit| limit.checked_sub(LEAST)).filter(|room| *room >= LEAST);
        match (room, budget.as_u64()) {
            (Some(room), Some(wanted)) => *budget = wanted.min(room).into(),
            (None, _) | (_, None) => return Some(Map::new()),
        }
    }
    Some(says)
}

/// The schema that an answer is to fit, as it is written.
fn schema<'a>(fields: &[(Cow<'_, str>, &'a RawValue)]) -> Option<&'a str> {
    #[derive(Deserialize)]
    struct Format<'a> {
        #[serde(borrow)]
        json_schema: Named<'a>,
    }
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        schema: &'a RawValue,
    }
    let (_, format) = fields.iter().find(|(name, _)| name == FORMAT)?;
    serde_json::from_str::<Format<'_>>(format.get()).ok().map(|format| format.json_schema.schema.get())
}

/// A value that the provider says otherwise, as it does.
fn otherwise(name: &str, value: &RawValue, quirks: &HostedQuirks, schema: Option<&str>) -> Option<String> {
    if name == "messages" {
        let system = if quirks.developer_is_system { without_developers(value) } else { None };
        let Some(schema) = schema else { return system };
        let messages = system.unwrap_or_else(|| value.get().to_owned());
        return before(&messages, &format!("Answer with JSON alone, and as this JSON Schema has it: {schema}"));
    }
    if name == FORMAT && schema.is_some() {
        return Some(json!({"type": "json_object"}).to_string());
    }
    let said: Cow<'_, str> = serde_json::from_str(value.get()).ok()?;
    quirks.values.get(name)?.get(&*said).map(|other| Value::from(other.as_str()).to_string())
}

/// Messages with one of the system's before them.
fn before(messages: &str, text: &str) -> Option<String> {
    let messages: Vec<&RawValue> = serde_json::from_str(messages).ok()?;
    let first = json!({"role": "system", "content": text}).to_string();
    let all = [first.as_str()].into_iter().chain(messages.into_iter().map(RawValue::get));
    Some(format!("[{}]", all.collect::<Vec<_>>().join(",")))
}

/// Messages in which who was `developer` is `system`.
fn without_developers(messages: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Role<'a> {
        #[serde(borrow)]
        role: Cow<'a, str>,
    }
    let messages: Vec<&RawValue> = serde_json::from_str(messages.get()).ok()?;
    let developer =
        |message: &RawValue| serde_json::from_str::<Role<'_>>(message.get()).is_ok_and(|it| it.role == "developer");
    if !messages.iter().any(|message| developer(message)) {
        return None;
    }
    let said = messages.iter().map(|message| {
        if !developer(message) {
            return message.get().to_owned();
        }
        let mut value: Value = serde_json::from_str(message.get()).unwrap_or_default();
        value["role"] = "system".into();
        value.to_string()
    });
    Some(format!("[{}]", said.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(quirks: &str, body: &str, expected: Option<(&str, &str)>) {
        let quirks: HostedQuirks = toml::from_str(quirks).unwrap();
        check_model(Protocol::OpenAiChat, "kimi-k3", &quirks, body, expected);
    }

    #[track_caller]
    fn check_model(protocol: Protocol, model: &str, quirks: &HostedQuirks, body: &str, expected: Option<(&str, &str)>) {
        let fitted = fitted(body.as_bytes(), Fit { protocol, operation: Operation::Chat, model, quirks });
        let fitted = fitted.map(|(body, dropped)| (String::from_utf8_lossy(&body).into_owned(), dropped.join(",")));
        assert_eq!(fitted.as_ref().map(|(body, dropped)| (&**body, &**dropped)), expected, "{quirks:?} {body}");
    }

    #[test]
    fn what_a_provider_does_not_take_is_left_out_or_renamed() {
        let drop = "drop = ['store', 'seed']";
        check(drop, r#"{"model":"m"}"#, None);
        check(drop, r#"{"model":"m","store":true,"n":1.50}"#, Some((r#"{"model":"m","n":1.50}"#, "store")));
        check(drop, r#"{"seed":null}"#, Some(("{}", "")));
        let rename = "rename = { max_completion_tokens = 'max_tokens' }";
        check(rename, r#"{"max_completion_tokens":9}"#, Some((r#"{"max_tokens":9}"#, "")));
        check(rename, r#"{"max_tokens":1,"max_completion_tokens":9}"#, Some((r#"{"max_tokens":1}"#, "")));
        let values = "values.tool_choice = { required = 'any' }";
        check(values, r#"{"tool_choice":"required"}"#, Some((r#"{"tool_choice":"any"}"#, "")));
        check(values, r#"{"tool_choice":{"type":"function"}}"#, None);
        let system = "developer_is_system = true";
        check(system, r#"{"messages":[{"role":"user","content":"developer"}]}"#, None);
        check(
            system,
            r#"{"messages":[{"role":"developer","content":"a"}, {"role":"user","content":"b"}]}"#,
            Some((r#"{"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"}]}"#, "")),
        );
        let model = "drop_for = { 'kimi-*' = ['n'], 'moonshot-*' = ['stop'] }";
        check(model, r#"{"n":2,"stop":"x"}"#, Some((r#"{"stop":"x"}"#, "n")));
        let set = "set = { reasoning_split = true }";
        check(set, "{}", Some((r#"{"reasoning_split":true}"#, "")));
        check(set, r#"{"reasoning_split":false}"#, None);
        check("", r#"{"store":true}"#, None);
        check(drop, "no JSON", None);
    }

    #[test]
    fn thinking_is_said_in_the_providers_own_words() {
        let row = "[[thinking]]\nmodels = ['x', 'kimi-*']\nsays.none = { thinking = { type = 'disabled' } }\n\
                   says.low = { reasoning_effort = 'low', deep = true }\nsays.max = {}\n\
                   says.high = { thinking = { budget_tokens = 4096 } }";
        check(row, r#"{"reasoning_effort":"none"}"#, Some((r#"{"thinking":{"type":"disabled"}}"#, "")));
        check(
            row,
            r#"{"n":1,"reasoning_effort":"low"}"#,
            Some((r#"{"n":1,"deep":true,"reasoning_effort":"low"}"#, "")),
        );
        let own = r#"{"deep":false,"reasoning_effort":"low"}"#;
        check(row, own, Some((r#"{"deep":false,"reasoning_effort":"low"}"#, "")));
        check(row, r#"{"n":1,"reasoning_effort":"max"}"#, Some((r#"{"n":1}"#, "reasoning_effort")));
        check(row, r#"{"reasoning_effort":"auto"}"#, None);
        check(row, r#"{"reasoning_effort":null}"#, None);
        check(
            &format!("drop = ['reasoning_effort']\n{row}"),
            r#"{"reasoning_effort":"auto"}"#,
            Some(("{}", "reasoning_effort")),
        );
        for (limit, budget) in [(9000, 4096), (3000, 1976), (2048, 1024)] {
            let asked = format!(r#"{{"max_tokens":{limit},"reasoning_effort":"high"}}"#);
            let told = format!(r#"{{"max_tokens":{limit},"thinking":{{"budget_tokens":{budget}}}}}"#);
            check(row, &asked, Some((&told, "")));
        }
        let little = r#"{"max_tokens":2047,"reasoning_effort":"high"}"#;
        check(row, little, Some((r#"{"max_tokens":2047}"#, "reasoning_effort")));
        check(row, r#"{"reasoning_effort":"high"}"#, Some(("{}", "reasoning_effort")));
        check(&row.replace("kimi", "qwen"), r#"{"reasoning_effort":"none"}"#, None);
    }

    #[test]
    fn a_schema_is_told_in_words_where_no_field_says_it() {
        let row = "schema_in_words = true";
        let asked = r#"{"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type": "object"}}},"messages":[{"role":"user","content":"a"}]}"#;
        let words = r#"Answer with JSON alone, and as this JSON Schema has it: {\"type\": \"object\"}"#;
        let told = format!(
            r#"{{"response_format":{{"type":"json_object"}},"messages":[{{"role":"system","content":"{words}"}},{{"role":"user","content":"a"}}]}}"#
        );
        check(row, asked, Some((&told, "response_format.json_schema")));
        check(row, r#"{"response_format":{"type":"json_object"},"messages":[]}"#, None);
        check("", asked, None);
    }

    #[test]
    fn what_a_model_refuses_anywhere_is_left_out() {
        let none = HostedQuirks::default();
        let body = r#"{"max_tokens":9,"temperature":0.2,"n": 1.50}"#;
        let claude = Some((r#"{"max_tokens":9,"n":1.50}"#, "temperature"));
        check_model(Protocol::Anthropic, "claude-opus-4-7", &none, body, claude);
        check_model(Protocol::Anthropic, "claude-opus-4-6", &none, body, None);
        let newer = Some((r#"{"max_completion_tokens":9,"n":1.50}"#, "temperature"));
        check_model(Protocol::OpenAiChat, "o3", &none, body, newer);
        check_model(Protocol::OpenAiChat, "gpt-4o", &none, body, None);
        let older: HostedQuirks = toml::from_str("rename = { max_completion_tokens = 'max_tokens' }").unwrap();
        check_model(Protocol::OpenAiChat, "o3", &older, body, Some((r#"{"max_tokens":9,"n":1.50}"#, "temperature")));
    }
}
