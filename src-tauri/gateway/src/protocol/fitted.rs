//! A body in OpenAI's form as one hosted provider takes it: without the fields that it refuses, under its own names.
//!
//! Works on the top level of the raw body, in the order in which it was written; what stays is not changed by a byte. Which
//! provider has which habits is its row's business.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use wildmatch::WildMatch;

use crate::provider::hosted::HostedQuirks;

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

/// The body as the provider takes it, and the names of what was left out; `None` where it can stay as it is.
pub(crate) fn fitted(body: &[u8], model: &str, quirks: &HostedQuirks) -> Option<(Bytes, Vec<String>)> {
    let Fields(fields) = serde_json::from_slice(body).ok()?;
    let of_model = quirks.drop_for.iter().filter(|(pattern, _)| WildMatch::new(pattern).matches(model));
    let unwanted: Vec<&String> = quirks.drop.iter().chain(of_model.flat_map(|(_, fields)| fields)).collect();
    let mut dropped = Vec::new();
    let mut changed = false;
    let mut out = Vec::with_capacity(body.len());
    for (name, value) in &fields {
        if unwanted.iter().any(|unwanted| *unwanted == name) {
            // A null says nothing, so nothing of it is lost.
            if value.get() != "null" {
                dropped.push(name.to_string());
            }
            changed = true;
            continue;
        }
        // Where both names are there, the provider's own holds.
        let renamed = quirks.rename.get(&**name);
        if renamed.is_some_and(|to| fields.iter().any(|(other, _)| other == to)) {
            changed = true;
            continue;
        }
        let said = otherwise(name, value, quirks);
        changed |= renamed.is_some() || said.is_some();
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(Value::from(renamed.map_or(&**name, String::as_str)).to_string().as_bytes());
        out.push(b':');
        out.extend_from_slice(said.as_deref().unwrap_or(value.get()).as_bytes());
    }
    for (name, value) in quirks.set.iter().filter(|(name, _)| !fields.iter().any(|(known, _)| known == *name)) {
        changed = true;
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(format!("{}:{value}", Value::from(name.as_str())).as_bytes());
    }
    out.extend_from_slice(if out.is_empty() { b"{}" } else { b"}" });
    changed.then(|| (out.into(), dropped))
}

/// A value that the provider says otherwise, as it does.
fn otherwise(name: &str, value: &RawValue, quirks: &HostedQuirks) -> Option<String> {
    if name == "messages" && quirks.developer_is_system {
        return without_developers(value);
    }
    let said: Cow<'_, str> = serde_json::from_str(value.get()).ok()?;
    quirks.values.get(name)?.get(&*said).map(|other| Value::from(other.as_str()).to_string())
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
        let fitted = fitted(body.as_bytes(), "kimi-k3", &quirks);
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
}
