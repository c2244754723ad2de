//! What every codec does with JSON: a text or a list, an object as it was written, a body, an event of a stream.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::Serialize;
use serde_json::value::RawValue;

use crate::completion::{DecodeError, Wording};

/// Reads one value; a fault names where it stands.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, name: impl Display) -> Result<T, DecodeError> {
    serde_json::from_str(raw.get()).map_err(|error| fault(&error, name))
}

fn fault(error: &serde_json::Error, name: impl Display) -> DecodeError {
    let error = error.to_string();
    // The line and column count from the value's own start and would mislead.
    let reason = error.split(" at line ").next().unwrap_or_default();
    DecodeError::Malformed(format!("`{name}`: {reason}"))
}

/// Reads a list; a fault names the entry.
pub fn list<'a, T: Deserialize<'a>>(raw: &'a RawValue, name: impl Display) -> Result<Vec<T>, DecodeError> {
    // To look where each entry ends before it is read takes as long as to read it: only who has a fault to name does so.
    serde_json::from_str(raw.get()).or_else(|_| {
        let entries: Vec<&'a RawValue> = read(raw, &name)?;
        entries.iter().enumerate().map(|(number, entry)| read(entry, format_args!("{name}[{number}]"))).collect()
    })
}

/// A plain text, or a list.
#[derive(Debug, Clone, PartialEq)]
pub enum TextOr<T> {
    /// A plain text.
    Text(Wording),
    /// A list.
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> TextOr<T> {
    /// Reads it; a fault names where it stands.
    pub fn read(raw: &'de RawValue, name: impl Display) -> Result<TextOr<T>, DecodeError> {
        TextOr::of(raw).map_err(|error| fault(&error, name))
    }

    fn of(raw: &'de RawValue) -> Result<TextOr<T>, serde_json::Error> {
        if raw.get().starts_with('"') {
            return Wording::of(raw).map(TextOr::Text);
        }
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Vec<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a text or a list")
            }
            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }
        serde_json::Deserializer::from_str(raw.get()).deserialize_any(List(PhantomData)).map(TextOr::List)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TextOr::of(<&RawValue>::deserialize(deserializer)?).map_err(D::Error::custom)
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
    fn a_fault_in_a_list_is_named_by_its_entry() {
        #[track_caller]
        fn check(json: &str, expected: Result<&[u32], &str>) {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let read = list::<u32>(raw, "a").map_err(|error| error.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{json}");
        }
        check("[]", Ok(&[]));
        check("[1, 2]", Ok(&[1, 2]));
        check("[1, \"x\"]", Err("`a[1]`: invalid type: string \"x\", expected u32"));
        check("{}", Err("`a`: invalid type: map, expected a sequence"));
    }

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
