//! One vendor's opaque state inside the field that another vendor has for its own.
//!
//! A client gives thoughts back as it got them. With the state marked as ours it survives the way through a client that
//! speaks another protocol, and only the vendor that made it ever reads it. Nothing is hidden or signed: a client could
//! write the same text itself and would gain nothing.

use crate::completion::{OpaqueState, StateKind};

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
    fn a_vendors_own_is_left_alone() {
        for text in ["", "EqQBCgIYAg==", "pointsman", "pointsman/", "pointsman/gemini", "pointsman/nobody/x/y"] {
            assert_eq!(recover(text), None, "{text:?}");
        }
    }
}
