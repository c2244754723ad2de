//! Finds one value in a JSON text by its pointer (RFC 6901), without building the rest.
//!
//! A stranger's answer is read once from end to end and nothing of it is kept but the value asked for.

use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The JSON text of the value at `pointer`; `None` where it leads nowhere or the whole is no JSON.
pub(super) fn raw<'a>(json: &'a [u8], pointer: &str) -> Option<&'a str> {
    let steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let mut found = None;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Follow { steps: &steps, found: &mut found }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    found
}

/// The value at `pointer` as text: a string's content, anything else as JSON.
pub(super) fn text(json: &[u8], pointer: &str) -> Option<String> {
    let raw = raw(json, pointer)?;
    if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { Some(raw.to_owned()) }
}

struct Follow<'s, 'f, 'de> {
    steps: &'s [String],
    found: &'f mut Option<&'de str>,
}

impl<'de> DeserializeSeed<'de> for Follow<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            *self.found = Some(<&RawValue>::deserialize(deserializer)?.get());
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Follow<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.found.is_none() && self.steps.first() == Some(&key) {
                map.next_value_seed(Follow { steps: &self.steps[1..], found: self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let wanted: Option<usize> = self.steps.first().and_then(|step| step.parse().ok());
        for index in 0.. {
            let more = if wanted == Some(index) {
                seq.next_element_seed(Follow { steps: &self.steps[1..], found: self.found })?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    // The pointer goes on, the value has nothing below it.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, pointer: &str, expected: Option<&str>) {
        assert_eq!(text(json.as_bytes(), pointer).as_deref(), expected, "{pointer} in {json}");
    }

    #[test]
    fn follows_pointers() {
        check(r#"{"a":{"b":[1,{"c":"x"}]}}"#, "/a/b/1/c", Some("x"));
        check(r#"{"a":{"b":[1,{"c":"x"}]}}"#, "/a/b/0", Some("1"));
        check(r#"{"a":{"b":[1,{"c":"x"}]}}"#, "/a/b/2", None);
        check(r#"{"a":{"b":[1,{"c":"x"}]}}"#, "/a/b/0/c", None);
        check(r#"{"data":[]}"#, "/data/0/owned_by", None);
        check(r#"{"data":null}"#, "/data", Some("null"));
        check(r#"{"data":null}"#, "/data/0", None);
        check(r#"{"lmstudio":true}"#, "/lmstudio", Some("true"));
        check(r#"{"a":1,"a":2}"#, "/a", Some("1"));
        check(r#"{"a":"\u00e9"}"#, "/a", Some("é"));
        check(r#"{"a":1} trailing"#, "/a", None);
        check(r#"{"a":1"#, "/a", None);
        check("<html>", "/a", None);
        check(&"[".repeat(100_000), "/0", None);
    }
}
