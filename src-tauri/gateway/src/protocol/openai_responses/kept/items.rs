//! References to items that were kept, and the items that they stand for.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Again, Response, items, to_another};

/// What is read of an item.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    id: Option<String>,
}

impl Head {
    fn of(item: &RawValue) -> Option<Head> {
        serde_json::from_str(item.get()).ok()
    }

    /// Nothing but an id is a reference too.
    fn refers(&self) -> bool {
        self.kind.as_deref().map_or(self.role.is_none(), |kind| kind == "item_reference")
    }
}

/// Whether an input may hold references, at the price of one look at its bytes. One that is nothing but an id, without its
/// `type`, is found beside others only.
pub fn may_refer(input: &[u8]) -> bool {
    memchr::memmem::find(input, b"\"item_reference\"").is_some()
}

/// The ids of the references in an input.
pub fn references(input: &[u8]) -> Vec<String> {
    ids(&items(input).unwrap_or_default(), true)
}

/// The ids by which an exchange's own items can be referred to.
pub fn own(input: &[u8], response: &[u8]) -> Vec<String> {
    let mut known = ids(&items(input).unwrap_or_default(), false);
    if let Ok(response) = serde_json::from_slice::<Response<'_>>(response) {
        known.extend(ids(&response.output, false));
    }
    known
}

fn ids(items: &[impl std::borrow::Borrow<RawValue>], referring: bool) -> Vec<String> {
    let heads = items.iter().filter_map(|item| Head::of(item.borrow()));
    heads.filter(|head| head.refers() == referring).filter_map(|head| head.id).filter(|id| !id.is_empty()).collect()
}

/// An item of an exchange, by its id: of the answer, or else of the question.
pub fn find(input: &[u8], response: &[u8], id: &str) -> Option<String> {
    let is_it = |item: &RawValue| Head::of(item).is_some_and(|head| !head.refers() && head.id.as_deref() == Some(id));
    let said: Option<Response<'_>> = serde_json::from_slice(response).ok();
    let said = said.and_then(|said| said.output.into_iter().find(|item| is_it(item)));
    let item = said.map(RawValue::to_owned).or_else(|| items(input)?.into_iter().find(|item| is_it(item)));
    item.map(|item| item.get().to_owned())
}

/// The input with the items themselves where it refers to those that are known; what is not stays a reference. `None` if
/// it cannot be read.
pub fn resolved<'a>(input: &[u8], known: impl Fn(&str) -> Option<(&'a str, Again)>) -> Option<Vec<u8>> {
    let mut said: Vec<String> = Vec::new();
    for item in items(input)? {
        let id = Head::of(&item).filter(Head::refers).and_then(|head| head.id);
        match id.and_then(|id| known(&id)) {
            None => said.push(item.get().to_owned()),
            Some((item, Again::AsItWas)) => said.push(item.to_owned()),
            Some((item, Again::ToAnother)) => said.extend(to_another(serde_json::from_str(item).ok()?)?),
        }
    }
    Some(format!("[{}]", said.join(",")).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &str =
        r#"[{"role":"user","id":"msg_1","content":"a"},{"type":"item_reference","id":"rs_0"},{"id":"rs_9"}]"#;
    const RESPONSE: &str =
        r#"{"id":"r","output":[{"type":"reasoning","id":"rs_1"},{ "type":"message","id":"msg_2" }]}"#;

    #[test]
    fn who_refers_to_what() {
        let check = |input: &str, expected: &[&str]| assert_eq!(references(input.as_bytes()), expected, "{input}");
        check(INPUT, &["rs_0", "rs_9"]);
        check(r#""item_reference""#, &[]);
        check("[7]", &[]);
        check("7", &[]);
        assert!(may_refer(INPUT.as_bytes()) && !may_refer(br#"[{"role":"user","content":"an item_reference"}]"#));
        assert_eq!(own(INPUT.as_bytes(), RESPONSE.as_bytes()), ["msg_1", "rs_1", "msg_2"]);
        assert_eq!(own(b"7", b"7"), [""; 0]);
    }

    #[test]
    fn an_item_is_found_as_it_was_written() {
        let check = |id: &str, expected: Option<&str>| {
            assert_eq!(find(INPUT.as_bytes(), RESPONSE.as_bytes(), id).as_deref(), expected, "{id}");
        };
        check("msg_2", Some(r#"{ "type":"message","id":"msg_2" }"#));
        check("msg_1", Some(r#"{"role":"user","id":"msg_1","content":"a"}"#));
        check("rs_0", None);
        check("rs_9", None);
    }

    #[test]
    fn references_become_their_items() {
        let check = |input: &str, again: Again, expected: &str| {
            let known = |id: &str| match id {
                "msg_2" => Some((r#"{ "type":"message","id":"msg_2","role":"assistant" }"#, again)),
                "rs_1" => Some((r#"{"type":"reasoning","id":"rs_1","encrypted_content":"e"}"#, again)),
                _ => None,
            };
            let seen = resolved(input.as_bytes(), known).unwrap();
            assert_eq!(String::from_utf8(seen).unwrap(), expected, "{input}");
        };
        let input =
            r#"[{"type":"item_reference","id":"rs_1"},{"id":"msg_2"},{"type":"item_reference","id":"x"},{"n": 1.50}]"#;
        check(
            input,
            Again::AsItWas,
            concat!(
                r#"[{"type":"reasoning","id":"rs_1","encrypted_content":"e"},{ "type":"message","id":"msg_2","role":"assistant" },"#,
                r#"{"type":"item_reference","id":"x"},{"n": 1.50}]"#
            ),
        );
        check(
            input,
            Again::ToAnother,
            r#"[{"type":"message","role":"assistant"},{"type":"item_reference","id":"x"},{"n": 1.50}]"#,
        );
    }
}
