//! What a server that keeps responses does with their JSON: turns before a request's own, items that it refers to, lists
//! of input items, the end of a stream.
//!
//! Bytes in and bytes out. Where they are kept, and whose they are, is `recall`'s business.

pub mod ending;
pub mod items;
pub mod page;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// How a turn before is said again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Every byte as it was: to the endpoint that made it, whose prompt cache then holds, and to the hub, which knows what
    /// is whose.
    AsItWas,
    /// To another endpoint of this API: without ids, which it never gave, and without thoughts, whose state only their
    /// maker can read.
    ToAnother,
}

/// One turn before: the value of `input` and the response.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// What was asked.
    pub input: &'a [u8],
    /// The response.
    pub response: &'a [u8],
    /// How it is said again.
    pub again: Again,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    output: Vec<&'a RawValue>,
}

/// The input of a request that goes on: all turns before, then its own. `None` if what was kept cannot be read.
pub fn joined<'a>(before: impl IntoIterator<Item = Turn<'a>>, own: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut out = vec![b'['];
    let mut say = |item: &str| {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(item.as_bytes());
    };
    for turn in before {
        let response: Response<'_> = serde_json::from_slice(turn.response).ok()?;
        let asked = items(turn.input)?;
        let said = asked.iter().map(|item| &**item).chain(response.output.iter().copied());
        for item in said {
            match turn.again {
                Again::AsItWas => say(item.get()),
                Again::ToAnother => {
                    if let Some(item) = to_another(item)? {
                        say(&item);
                    }
                }
            }
        }
    }
    for item in own.map_or(Some(Vec::new()), items)? {
        say(item.get());
    }
    out.push(b']');
    Some(out)
}

fn to_another(item: &RawValue) -> Option<Option<String>> {
    let mut fields: Map<String, Value> = serde_json::from_str(item.get()).ok()?;
    match fields.get("type").and_then(Value::as_str) {
        Some("reasoning") => return Some(None),
        // It is nothing but an id.
        Some("item_reference") => {}
        None if !fields.contains_key("role") => {}
        Some(_) | None => drop(fields.shift_remove("id")),
    }
    Some(Some(Value::Object(fields).to_string()))
}

/// An input as a list of items, each as it was written: a text alone is what the user says.
fn items(input: &[u8]) -> Option<Vec<Box<RawValue>>> {
    match serde_json::from_slice::<&RawValue>(input).ok()?.get() {
        text if text.starts_with('"') => {
            let text: Value = serde_json::from_str(text).ok()?;
            let content = json!([{"type": "input_text", "text": text}]);
            let item = json!({"type": "message", "role": "user", "content": content});
            Some(vec![serde_json::value::to_raw_value(&item).ok()?])
        }
        list => serde_json::from_str(list).ok(),
    }
}

/// A response that names what it goes on from. Unchanged if it is none.
pub fn naming(response: &[u8], previous: &str) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(response).ok()?;
    fields.insert("previous_response_id".to_owned(), previous.into());
    serde_json::to_vec(&fields).ok()
}

#[cfg(test)]
mod tests;
