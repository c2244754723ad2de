//! What is seen of a request without parsing it is what a parser finds, and another name changes nothing else.
//! No signs.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pointsman_fuzz::json;
use pointsman_gateway::ingress::mlflow;
use pointsman_gateway::ingress::peek::{self, Peek, PeekError};
use pointsman_gateway::protocol::gemini::path::{Call, Verb};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// An object with every key as often as it stands there.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Fields {
    /// The values under this key, in any case.
    fn of(&self, key: &str) -> Vec<&(String, Value)> {
        self.0.iter().filter(|(known, _)| known.replace('ſ', "s").eq_ignore_ascii_case(key)).collect()
    }
}

fuzz_target!(|input: &[u8]| {
    let body = Bytes::copy_from_slice(input);
    if json(&body).is_some() {
        agrees(&body);
    } else {
        let _ = peek::json(&body);
    }
    let _ = peek::shown(&body);
    let _ = mlflow::operation(&body);
    let call = Call { model: "m".into(), verb: Verb::GenerateContent, sse: false };
    if let Ok(seen) = peek::path(&body, call)
        && let Some(value) = json(&body)
    {
        assert!(value.is_object());
        assert!(json(&renamed(&seen, &body)).is_some_and(|value| value.is_object()));
    }
    if let Ok(seen) = peek::form(&body, "b") {
        let again = peek::form(&renamed(&seen, &body), "b").expect("a form with another name is a form");
        assert_eq!((again.model.as_deref(), again.stream), (Some("new"), seen.stream));
    }
});

fn agrees(body: &Bytes) {
    let Ok(fields) = serde_json::from_slice::<Fields>(body) else {
        assert_eq!(peek::json(body), Err(PeekError::NotAnObject));
        return;
    };
    let (models, streams) = (fields.of("model"), fields.of("stream"));
    let clear = |found: &[&(String, Value)], key| match found {
        [] => true,
        [(known, _)] => known == key,
        _ => false,
    };
    let told = |found: &[&(String, Value)]| match found {
        [(_, value), ..] if !value.is_null() => Some(value.clone()),
        _ => None,
    };
    let (model, stream) = (told(&models), told(&streams));
    let fits = |name: &str| name.len() <= 512 && !name.chars().any(char::is_control);
    match peek::json(body) {
        Ok(seen) => {
            assert!(clear(&models, "model") && clear(&streams, "stream"), "one name, one answer");
            assert_eq!(seen.stream.map(Value::Bool), stream);
            let name = model.as_ref().map(|name| name.as_str().expect("a name is a text"));
            assert_eq!(seen.model.as_deref(), name.filter(|name| !name.is_empty()));
            assert!(name.is_none_or(fits));
            let said =
                |(_, value): &&(String, Value)| *value != "" && !value.is_null() && *value != Value::Array(vec![]);
            assert!(
                seen.asks || !fields.of("prompt").iter().chain(&fields.of("messages")).any(said),
                "a question is not taken for none"
            );
            same_but_named(&seen, body);
        }
        Err(PeekError::Repeated("model")) => assert!(!clear(&models, "model")),
        Err(PeekError::Repeated(_)) => assert!(!clear(&streams, "stream")),
        Err(PeekError::WrongType("model", _)) => assert!(model.is_some_and(|model| !model.is_string())),
        Err(PeekError::WrongType(..)) => {
            assert!(streams.iter().any(|(_, value)| !value.is_boolean() && !value.is_null()))
        }
        Err(PeekError::BadName) => assert!(model.as_ref().and_then(Value::as_str).is_some_and(|name| !fits(name))),
        Err(error) => panic!("a parser reads it: {error}"),
    }
}

fn same_but_named(seen: &Peek, body: &Bytes) {
    let without = |fields: Fields| fields.0.into_iter().filter(|(key, _)| key != "model").collect::<Vec<_>>();
    let changed = renamed(seen, body);
    let fields: Fields = serde_json::from_slice(&changed).expect("with another name it is JSON");
    assert_eq!(fields.of("model").as_slice(), [&("model".to_owned(), Value::from("new"))]);
    let before: Fields = serde_json::from_slice(body).expect("it was JSON");
    assert_eq!(without(fields), without(before), "all else is as it was");
}

fn renamed(seen: &Peek, body: &Bytes) -> Bytes {
    Bytes::from(seen.renamed(body, "new").concat())
}
