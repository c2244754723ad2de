//! A conversation in which every call has its result and every result its call.
//!
//! Vendors answer 400 where one is missing, comes late or twice, and clients send such: an interrupted turn, a history cut
//! to fit, ids that another vendor gives again in each turn. A result moves to its call, a call without one is told that it
//! has none, a result without a call becomes the person's words. Nothing here knows a vendor; ids in a vendor's form are
//! `ids`'s business.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ids;
use crate::completion::{Message, Part, Role, ToolResult};

/// What stands for a result that never came.
const MISSING: &str = "The tool was not run.";
/// What stands before a result whose call is gone.
const ORPHAN: &str = "The result of an earlier tool call:";

/// The messages with calls and results in pairs; borrowed where they are so already.
pub(crate) fn pair(messages: &[Message]) -> Cow<'_, [Message]> {
    if is_paired(messages) { Cow::Borrowed(messages) } else { Cow::Owned(paired(messages)) }
}

fn is_result(part: &Part) -> bool {
    matches!(part, Part::ToolResult(_))
}

/// Whether nothing is to be done: each turn of calls is followed by their results before anyone else speaks, and no id
/// comes twice.
fn is_paired(messages: &[Message]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = BTreeSet::new();
    for part in messages.iter().flat_map(|message| message.parts.iter().map(move |part| (message, part))) {
        match part {
            (_, Part::ToolCall(call)) if seen.insert(&call.id) => {
                open.insert(&call.id);
            }
            (_, Part::ToolCall(_)) => return false,
            (_, Part::ToolResult(result)) if open.remove(&result.call_id) => {}
            (_, Part::ToolResult(_)) => return false,
            // The model may say more in the turn in which it calls.
            (Message { role: Role::Assistant, .. }, _) => {}
            _ if open.is_empty() => {}
            _ => return false,
        }
    }
    // A turn of the model's that follows open calls is caught here, as those stay open or are answered too late.
    open.is_empty() && !answered_late(messages)
}

/// Whether the model speaks again before its calls have their results.
fn answered_late(messages: &[Message]) -> bool {
    let mut open = 0usize;
    for message in messages {
        if message.role == Role::Assistant && open > 0 {
            return true;
        }
        for part in &message.parts {
            match part {
                Part::ToolCall(_) => open += 1,
                Part::ToolResult(_) => open = open.saturating_sub(1),
                Part::Text(_) | Part::Media(_) | Part::Thought(_) | Part::Refusal(_) => {}
            }
        }
    }
    false
}

fn paired(messages: &[Message]) -> Vec<Message> {
    let (mut answers, orphans) = match_results(messages);
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    let mut paired = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        let mut said = Vec::with_capacity(message.parts.len());
        let mut results = Vec::new();
        for (place, part) in message.parts.iter().enumerate() {
            match part {
                Part::ToolCall(call) => {
                    let time = times.entry(&call.id).or_default();
                    let id = match *time {
                        0 => call.id.clone(),
                        time => ids::made_up("call_", &[&call.id, &time.to_string()]),
                    };
                    *time += 1;
                    let result = answers.remove(&(at, place)).map_or_else(
                        || ToolResult {
                            call_id: id.clone(),
                            name: Some(call.name.clone()),
                            parts: vec![Part::text(MISSING)],
                            is_error: true,
                            kind: call.kind,
                            cache: None,
                        },
                        |result| ToolResult { call_id: id.clone(), ..result.clone() },
                    );
                    results.push(Message { role: Role::Tool, parts: vec![Part::ToolResult(result)], name: None });
                    let mut call = call.clone();
                    call.id = id;
                    said.push(Part::ToolCall(call));
                }
                Part::ToolResult(result) if orphans.contains(&(at, place)) => {
                    said.push(Part::text(ORPHAN));
                    said.extend(result.parts.iter().cloned());
                }
                Part::ToolResult(_) => {}
                part => said.push(part.clone()),
            }
        }
        if !said.is_empty() || !message.parts.iter().any(is_result) {
            let role = if message.role == Role::Tool { Role::User } else { message.role };
            paired.push(Message { role, parts: said, name: message.name.clone() });
        }
        paired.extend(results);
    }
    paired
}

/// Where a part stands: its message and its place in it.
type Place = (usize, usize);

/// The first result of each call, by the call's place, and the places of results that have no call.
fn match_results(messages: &[Message]) -> (BTreeMap<Place, &ToolResult>, BTreeSet<Place>) {
    let mut open: BTreeMap<&str, VecDeque<Place>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let (mut answers, mut orphans) = (BTreeMap::new(), BTreeSet::new());
    for (at, message) in messages.iter().enumerate() {
        for (place, part) in message.parts.iter().enumerate() {
            match part {
                Part::ToolCall(call) => {
                    known.insert(call.id.as_str());
                    open.entry(&call.id).or_default().push_back((at, place));
                }
                Part::ToolResult(result) => {
                    match open.get_mut(result.call_id.as_str()).and_then(VecDeque::pop_front) {
                        Some(call) => {
                            answers.insert(call, result);
                        }
                        // A second result of a call says nothing new.
                        None if known.contains(result.call_id.as_str()) => {}
                        None => {
                            orphans.insert((at, place));
                        }
                    }
                }
                Part::Text(_) | Part::Media(_) | Part::Thought(_) | Part::Refusal(_) => {}
            }
        }
    }
    (answers, orphans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::{ToolCall, ToolKind};

    /// A conversation in a line: `u` a person's word, `a` the model's with calls of these ids, `r` a result.
    fn messages(line: &str) -> Vec<Message> {
        let message = |role, parts| Message { role, parts, name: None };
        let turn = |turn: &str| match turn.split_at(1) {
            ("u", _) => message(Role::User, vec![Part::text("u")]),
            ("s", _) => message(Role::System, vec![Part::text("s")]),
            ("a", calls) => {
                let call = |id: &str| {
                    let (kind, state) = (ToolKind::Function, None);
                    Part::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into(), kind, state })
                };
                let calls = calls.split(',').filter(|id| !id.is_empty()).map(call);
                message(Role::Assistant, std::iter::once(Part::text("a")).chain(calls).collect())
            }
            (_, id) => {
                let (kind, cache) = (ToolKind::Function, None);
                let parts = vec![Part::text("r")];
                let result = ToolResult { call_id: id.into(), name: None, parts, is_error: false, kind, cache };
                message(Role::Tool, vec![Part::ToolResult(result)])
            }
        };
        line.split(' ').filter(|turn| !turn.is_empty()).map(turn).collect()
    }

    fn line(messages: &[Message]) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) if *text.text == *ORPHAN => "orphan".to_owned(),
            Part::Text(text) => text.text.to_string(),
            Part::ToolCall(call) => format!(",{}", call.id),
            Part::ToolResult(result) if result.is_error => format!("missing{}", result.call_id),
            Part::ToolResult(result) => format!("r{}", result.call_id),
            other => format!("{other:?}"),
        };
        let turn = |message: &Message| message.parts.iter().map(part).collect::<String>();
        messages.iter().map(turn).collect::<Vec<_>>().join(" ").replace("a,", "a")
    }

    fn check(before: &str, after: &str) {
        let before = messages(before);
        let paired = pair(&before);
        assert_eq!(line(&paired), after, "{}", line(&before));
        assert!(matches!(pair(&paired), Cow::Borrowed(_)), "what was repaired needs no repair: {after}");
        assert_eq!(matches!(paired, Cow::Borrowed(_)), *paired == *before, "what is sound is not copied");
    }

    #[test]
    fn sound_conversations_stay() {
        for sound in ["", "u", "s u a u", "u ax rx a u", "u ax,y ry rx u", "u ax rx ay ry"] {
            check(sound, sound);
        }
    }

    #[test]
    fn results_move_to_their_calls() {
        check("u ax u rx a", "u ax rx u a");
        check("u ax s rx", "u ax rx s");
        check("u ax,y rx u ry", "u ax,y rx ry u");
        check("u ax ay rx ry", "u ax rx ay ry");
    }

    #[test]
    fn what_is_missing_is_told() {
        check("u ax u", "u ax missingx u");
        check("u ax", "u ax missingx");
        check("u ax,y ry u", "u ax,y missingx ry u");
    }

    #[test]
    fn what_has_no_call_is_words() {
        check("rx u", "orphanr u");
        check("u ax rx rx u", "u ax rx u");
    }

    #[test]
    fn ids_come_once() {
        let again = ids::made_up("call_", &["x", "1"]);
        check("u ax rx u ax rx u", &format!("u ax rx u a{again} r{again} u"));
    }
}
