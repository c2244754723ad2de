//! One vendor's opaque state inside the field that another vendor has for its own.
//!
//! A client gives thoughts back as it got them. With the state marked as ours it survives the way through a client that
//! speaks another protocol, and only the vendor that made it ever reads it. Nothing is hidden or signed: a client could
//! write the same text itself and would gain nothing.

use std::collections::HashMap;

use super::ids;
use crate::completion::{Message, OpaqueState, Part, StateKind};

/// What a carried state begins with. No vendor's own state does: theirs are base64, or begin with a letter and a colon.
pub const MARK: &str = "pointsman/";

/// A state as text for a foreign field.
pub fn carry(state: &OpaqueState) -> String {
    format!("{MARK}{}/{}/{}", name(state.kind), state.id.as_deref().unwrap_or_default(), state.value)
}

/// A carried state; `None` if the text is not one, and so the field's own vendor's.
pub fn recover(text: &str) -> Option<OpaqueState> {
    let mut fields = text.strip_prefix(MARK)?.splitn(3, '/');
    let kind = kind(fields.next()?)?;
    let id = fields.next()?;
    let value = fields.next()?.to_owned();
    Some(OpaqueState { kind, id: (!id.is_empty()).then(|| id.to_owned()), value })
}

/// How the id of a state begins that belongs to a call. No vendor's begins so.
const CALL: &str = "call:";
/// Longer than any vendor's ids.
const LONGEST_ID: usize = 256;

/// A call's state as that of a thought without words before it, for protocols whose calls have no place for one.
pub fn of_call(call: &str, state: &OpaqueState) -> OpaqueState {
    let id = Some(format!("{CALL}{}", ids::safe(call, LONGEST_ID)));
    OpaqueState { id, ..state.clone() }
}

/// Gives the states that thoughts carried back to their calls. One whose call is gone is left out.
pub fn settle(messages: &mut Vec<Message>) {
    let mut carried: HashMap<String, OpaqueState> = HashMap::new();
    let mut settled = false;
    for message in &mut *messages {
        message.parts.retain_mut(|part| match part {
            Part::Thought(thought) => {
                let call = thought.state.as_ref().and_then(|state| state.id.as_deref()?.strip_prefix(CALL));
                let Some(call) = call.map(str::to_owned) else { return true };
                carried.extend(thought.state.take().map(|state| (call, OpaqueState { id: None, ..state })));
                settled = true;
                !thought.text.is_empty()
            }
            Part::ToolCall(call) if call.state.is_none() && !carried.is_empty() => {
                call.state = carried.remove(&*ids::safe(&call.id, LONGEST_ID));
                true
            }
            Part::ToolCall(_) | Part::Text(_) | Part::Media(_) | Part::ToolResult(_) | Part::Refusal(_) => true,
        });
    }
    if settled {
        messages.retain(|message| !message.parts.is_empty());
    }
}

fn name(kind: StateKind) -> &'static str {
    match kind {
        StateKind::AnthropicSignature => "anthropic",
        StateKind::AnthropicRedacted => "anthropic-redacted",
        StateKind::Gemini => "gemini",
        StateKind::OpenAi => "openai",
    }
}

fn kind(name: &str) -> Option<StateKind> {
    [StateKind::AnthropicSignature, StateKind::AnthropicRedacted, StateKind::Gemini, StateKind::OpenAi]
        .into_iter()
        .find(|kind| self::name(*kind) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::{Role, Thought, ToolCall, ToolKind};

    #[test]
    fn comes_back_as_it_went() {
        for kind in [StateKind::AnthropicSignature, StateKind::AnthropicRedacted, StateKind::Gemini, StateKind::OpenAi]
        {
            for id in [None, Some("rs_1".to_owned())] {
                let state = OpaqueState { kind, id, value: "a/b+c==".into() };
                assert_eq!(recover(&carry(&state)), Some(state));
            }
        }
    }

    #[test]
    fn a_calls_state_finds_its_call_again() {
        let state = |id: Option<&str>, value: &str| OpaqueState {
            kind: StateKind::Gemini,
            id: id.map(str::to_owned),
            value: value.into(),
        };
        let thought = |text: &str, state| Part::Thought(Thought { text: text.into(), state: Some(state) });
        let carried = |call: &str| recover(&carry(&of_call(call, &state(None, "s/+=")))).unwrap();
        let call = |id: &str, signed: bool| {
            let (name, arguments) = ("f".to_owned(), "{}".to_owned());
            let state = signed.then(|| state(None, "s/+="));
            Part::ToolCall(ToolCall { id: id.into(), name, arguments, kind: ToolKind::Function, state })
        };
        let check = |turns: &[&[Part]], expected: &[&[Part]]| {
            let said = |parts: &&[Part]| Message { role: Role::Assistant, parts: parts.to_vec(), name: None };
            let mut messages = turns.iter().map(said).collect();
            settle(&mut messages);
            assert_eq!(messages, expected.iter().map(said).collect::<Vec<_>>());
        };
        check(&[&[thought("", carried("a")), call("a", false)]], &[&[call("a", true)]]);
        check(&[&[thought("", carried("f/1:0"))], &[call("f/1:0", false)]], &[&[call("f/1:0", true)]]);
        check(&[&[thought("", carried("gone")), call("a", false)]], &[&[call("a", false)]]);
        let twice = [thought("", carried("a")), call("a", false), call("a", false)];
        check(&[&twice], &[&[call("a", true), call("a", false)]]);
        // OpenRouter gives a thought's state an id of its own.
        let own = [thought("", state(Some("a"), "x")), call("a", false)];
        check(&[&own], &[&own]);
    }

    #[test]
    fn a_vendors_own_is_left_alone() {
        for text in ["", "EqQBCgIYAg==", "pointsman", "pointsman/", "pointsman/gemini", "pointsman/nobody/x/y"] {
            assert_eq!(recover(text), None, "{text:?}");
        }
    }
}
