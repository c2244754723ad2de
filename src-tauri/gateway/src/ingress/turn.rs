//! What a request of the Responses API says of memory: what it goes on from, and whether it is kept itself.
//!
//! Seen in the one pass that [`peek`](super::peek) makes anyway. What is kept and by whom is `recall`'s business.

use std::ops::Range;

use super::peek::{Peek, PeekError, json_with};
use crate::protocol::openai_responses::kept::items;

/// How long a response's id may be.
const LONGEST_ID: usize = 256;

/// What a request says of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether its answer is to be kept: unless it says no.
    pub store: bool,
    /// The response that it goes on from.
    pub previous: Option<String>,
    /// Whether it names a conversation that its server keeps.
    pub conversation: bool,
    /// Whether it wants to be answered later.
    pub background: bool,
    /// Whether its input may refer to items that are kept.
    pub refers: bool,
    /// The bytes of `input`.
    pub input: Option<Range<usize>>,
    /// The bytes of the value of `previous_response_id`.
    previous_at: Option<Range<usize>>,
    /// Right behind the opening brace.
    start: usize,
}

/// Reads a request's top level.
pub fn read(body: &[u8]) -> Result<(Peek, Turn), PeekError> {
    let mut turn = Turn { store: true, ..Turn::default() };
    let mut seen = [false; 5];
    let peek = json_with(body, |key, place| {
        let names = ["store", "previous_response_id", "conversation", "background", "input"];
        let Some(which) = names.iter().position(|name| name.as_bytes() == key) else { return Ok(()) };
        // Two readers may take different ones.
        if std::mem::replace(&mut seen[which], true) {
            return Err(PeekError::Repeated(names[which]));
        }
        let value = &body[place.clone()];
        if value == b"null" {
            return Ok(());
        }
        let flag = || match value {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(PeekError::WrongType(names[which], "true or false")),
        };
        match which {
            0 => turn.store = flag()?,
            1 => {
                let id: Option<String> = serde_json::from_slice(value).ok();
                let id = id.filter(|id| id.len() <= LONGEST_ID && !id.chars().any(char::is_control));
                turn.previous = Some(id.ok_or(PeekError::WrongType(names[which], "the id of a response"))?)
                    .filter(|id| !id.is_empty());
                turn.previous_at = Some(place);
            }
            2 => turn.conversation = true,
            3 => turn.background = flag()?,
            _ => {
                turn.refers = items::may_refer(value);
                turn.input = Some(place);
            }
        }
        Ok(())
    })?;
    turn.start = body.iter().position(|byte| *byte == b'{').map_or(0, |brace| brace + 1);
    Ok((peek, turn))
}

impl Turn {
    /// The body with other input, and with the id that it goes on from or without.
    pub fn rewritten(&self, body: &[u8], input: &[u8], with_id: bool) -> Vec<u8> {
        let mut edits = Vec::with_capacity(2);
        match &self.input {
            Some(place) => edits.push((place.clone(), [b"", input, b""])),
            None => edits.push((self.start..self.start, [&b"\"input\":"[..], input, b","])),
        }
        if let Some(place) = self.previous_at.clone().filter(|_| !with_id) {
            edits.push((place, [b"", b"null", b""]));
        }
        edits.sort_by_key(|(place, _)| place.start);
        let mut out = Vec::with_capacity(body.len() + input.len() + 16);
        let mut at = 0;
        for (place, new) in edits {
            out.extend_from_slice(&body[at..place.start]);
            new.iter().for_each(|piece| out.extend_from_slice(piece));
            at = place.end;
        }
        out.extend_from_slice(&body[at..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says() {
        #[track_caller]
        fn check(body: &str, expected: Result<(bool, Option<&str>, bool, bool), &str>) {
            let read = read(body.as_bytes());
            let told = read
                .as_ref()
                .map(|(_, turn)| (turn.store, turn.previous.as_deref(), turn.conversation, turn.background));
            assert_eq!(told.map_err(ToString::to_string), expected.map_err(str::to_owned), "{body}");
        }
        check("{}", Ok((true, None, false, false)));
        check(r#"{"store":false,"input":"x"}"#, Ok((false, None, false, false)));
        check(r#"{"store":null,"background":null,"conversation":null}"#, Ok((true, None, false, false)));
        check(r#"{"previous_response_id":"resp_1","background":true}"#, Ok((true, Some("resp_1"), false, true)));
        check(r#"{"conversation":{"id":"c"}}"#, Ok((true, None, true, false)));
        check(r#"{"previous_response_id":""}"#, Ok((true, None, false, false)));
        check(r#"{"previous_response_id":7}"#, Err("`previous_response_id` must be the id of a response"));
        check(r#"{"previous_response_id":"a\u0000"}"#, Err("`previous_response_id` must be the id of a response"));
        check(r#"{"store":"no"}"#, Err("`store` must be true or false"));
        check(r#"{"store":true,"st\u006fre":false}"#, Err("`store` stands in it twice, or in another case"));
        check(r#"{"metadata":{"store":false}}"#, Ok((true, None, false, false)));
        check("[]", Err("it is not a JSON object"));
    }

    #[test]
    fn bodies_are_rewritten_in_their_places() {
        #[track_caller]
        fn check(body: &str, with_id: bool, expected: &str) {
            let (_, turn) = read(body.as_bytes()).unwrap();
            let new = turn.rewritten(body.as_bytes(), b"[1]", with_id);
            assert_eq!(String::from_utf8(new).unwrap(), expected, "{body}");
        }
        check(
            r#"{"input": "a", "x":1.50,"previous_response_id":"r"}"#,
            false,
            r#"{"input": [1], "x":1.50,"previous_response_id":null}"#,
        );
        check(r#"{"previous_response_id" : "r","input":["a"]}"#, true, r#"{"previous_response_id" : "r","input":[1]}"#);
        check(r#" {"previous_response_id":"r"}"#, false, r#" {"input":[1],"previous_response_id":null}"#);
    }
}
