//! What must change in a request that goes to Google's own API as it came: names of models in the body, and the key that
//! some clients put into the query.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;

use super::path::resource;

/// The body with another model's name wherever it names one: beside the turns, in a request to be counted, in each
/// request of a batch. The same bytes where it names none, which is nearly always: the name stands in the path.
pub fn renamed(body: &Bytes, model: &str) -> Bytes {
    if memmem::find(body, b"\"model\"").is_none() {
        return body.clone();
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    let name = resource(model);
    let mut changed = rename(&mut value, &name);
    for inner in ["generateContentRequest", "generate_content_request"] {
        changed |= value.get_mut(inner).is_some_and(|inner| rename(inner, &name));
    }
    if let Some(Value::Array(requests)) = value.get_mut("requests") {
        for request in requests {
            changed |= rename(request, &name);
        }
    }
    if changed { Bytes::from(value.to_string()) } else { body.clone() }
}

fn rename(object: &mut Value, name: &str) -> bool {
    match object.get_mut("model") {
        Some(Value::String(known)) if known != name => {
            *known = name.to_owned();
            true
        }
        _ => false,
    }
}

/// The query without the client's own credential: Google refuses a request with two, and ours is nobody else's.
pub fn query(query: &str) -> Cow<'_, str> {
    let credential = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        matches!(name, "key" | "access_token" | "oauth_token")
    };
    if !query.split('&').any(|pair| credential(&pair)) {
        return Cow::Borrowed(query);
    }
    Cow::Owned(query.split('&').filter(|pair| !credential(pair)).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |body: &str, expected: &str| {
            let renamed = renamed(&Bytes::copy_from_slice(body.as_bytes()), "new");
            assert_eq!(renamed, expected.as_bytes());
        };
        check(r#"{ "contents":[] }"#, r#"{ "contents":[] }"#);
        check(
            r#"{ "contents":[{"parts":[{"text":"\"model\""}]}] }"#,
            r#"{ "contents":[{"parts":[{"text":"\"model\""}]}] }"#,
        );
        check(r#"{"model":"models/old","content":{}}"#, r#"{"model":"models/new","content":{}}"#);
        check(
            r#"{"requests":[{"model":"models/old"},{"model":"x"}]}"#,
            r#"{"requests":[{"model":"models/new"},{"model":"models/new"}]}"#,
        );
        check(r#"{"generateContentRequest":{"model":"a"}}"#, r#"{"generateContentRequest":{"model":"models/new"}}"#);
        check(r#"{"model":"#, r#"{"model":"#);
    }

    #[test]
    fn queries() {
        for (given, expected) in [
            ("alt=sse", "alt=sse"),
            ("key=secret&alt=sse", "alt=sse"),
            ("alt=sse&key=a&key=b", "alt=sse"),
            ("key=a", ""),
            ("keys=a", "keys=a"),
        ] {
            assert_eq!(query(given), expected);
        }
    }
}
