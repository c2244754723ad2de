//! What every codec does with JSON: a text or a list, an object as it was written, a body, an event of a stream.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::Serialize;
use serde_json::value::RawValue;

use crate::completion::DecodeError;

/// Reads one value; a fault names where it stands.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, name: &str) -> Result<T, DecodeError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let error = error.to_string();
        // The line and column count from the value's own start and would mislead.
        let reason = error.split(" at line ").next().unwrap_or_default();
        DecodeError::Malformed(format!("`{name}`: {reason}"))
    })
}

/// A plain text, or a list.
#[derive(Debug, Clone, PartialEq)]
pub enum TextOr<T> {
    /// A plain text.
    Text(String),
    /// A list.
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a text or a list")
            }
            fn visit_str<E>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text))
            }
            fn visit_unit<E>(self) -> Result<TextOr<T>, E> {
                Ok(TextOr::List(Vec::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<TextOr<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    list.push(item);
                }
                Ok(TextOr::List(list))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Appends a server-sent event with a name.
pub fn event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let start = out.len();
    // Values of our own making have text keys and finite numbers; should one ever not be written, the event is empty.
    if serde_json::to_writer(&mut *out, data).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
    out.extend_from_slice(b"\n\n");
}

/// A body.
pub fn body(value: &impl Serialize) -> bytes::Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// Arguments as a JSON object: what the model wrote if it is one, byte for byte; nothing as an empty one; anything else as
/// text under `_raw`, so that whoever reads it sees what was wrong.
pub fn object(arguments: &str) -> Box<RawValue> {
    let text = arguments.trim();
    let whole = if text.is_empty() {
        "{}".to_owned()
    } else if text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        text.to_owned()
    } else {
        serde_json::json!({"_raw": arguments}).to_string()
    };
    RawValue::from_string(whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stay_as_they_were_written() {
        for (arguments, expected) in [
            ("{\"b\": 1.0, \"a\":10000000000000000000000}", "{\"b\": 1.0, \"a\":10000000000000000000000}"),
            ("", "{}"),
            (" {} ", "{}"),
            ("{\"a\":", "{\"_raw\":\"{\\\"a\\\":\"}"),
            ("[1]", "{\"_raw\":\"[1]\"}"),
        ] {
            assert_eq!(object(arguments).get(), expected);
        }
    }
}
