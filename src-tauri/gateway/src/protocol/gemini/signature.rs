//! `thoughtSignature`: Gemini's own opaque state, and other vendors' inside the same field.
//!
//! The field is bytes, and SDKs decode it: whatever stands there must be base64, so a foreign state is carried as base64
//! of its text.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::completion::{OpaqueState, StateKind};
use crate::protocol::codec::carrier;

/// What Google documents for a call that no Gemini model made: its validator then asks for no signature.
pub(in crate::protocol) const NONE: &str = "skip_thought_signature_validator";

/// With or without padding, as SDKs send it back.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a signature; `None` if it says that there is none.
pub(super) fn read(text: String) -> Option<OpaqueState> {
    if text.is_empty() || text == NONE {
        return None;
    }
    let foreign = LENIENT.decode(text.replace('+', "-").replace('/', "_")).ok();
    let foreign = foreign.and_then(|bytes| String::from_utf8(bytes).ok());
    let foreign = foreign.as_deref().and_then(carrier::recover);
    Some(foreign.unwrap_or(OpaqueState { kind: StateKind::Gemini, id: None, value: text }))
}

/// Whether a signature, as it stands in a body, carries another vendor's state. The mark's first nine bytes are twelve
/// letters in base64.
pub(in crate::protocol) fn is_foreign(text: &[u8]) -> bool {
    let mark = base64::engine::general_purpose::STANDARD.encode(&carrier::MARK.as_bytes()[..9]);
    text.starts_with(mark.as_bytes())
}

/// Writes a state for a client.
pub(super) fn write(state: &OpaqueState) -> Cow<'_, str> {
    match state.kind {
        StateKind::Gemini => Cow::Borrowed(&state.value),
        StateKind::AnthropicSignature | StateKind::AnthropicRedacted | StateKind::OpenAi => {
            Cow::Owned(base64::engine::general_purpose::STANDARD.encode(carrier::carry(state)))
        }
    }
}

/// The signature that Google's own models take back: theirs alone.
pub(super) fn own(state: Option<&OpaqueState>) -> Option<&str> {
    state.filter(|state| state.kind == StateKind::Gemini).map(|state| state.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        for kind in [StateKind::AnthropicSignature, StateKind::AnthropicRedacted, StateKind::OpenAi] {
            let state = OpaqueState { kind, id: Some("rs_1".into()), value: "a/b+c??>>~~==".into() };
            let written = write(&state).into_owned();
            assert_eq!(read(written.clone()), Some(state.clone()));
            let respelled = written.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
            assert_eq!(read(respelled), Some(state), "an SDK that spells base64 another way harms nothing");
        }
    }

    #[test]
    fn gemini_keeps_its_own() {
        let state = |text: &str| OpaqueState { kind: StateKind::Gemini, id: None, value: text.into() };
        for text in ["c2ln", "not base64!", "Zm9vYmE="] {
            assert_eq!(read(text.into()), Some(state(text)));
            assert_eq!(write(&state(text)), text);
        }
        assert_eq!(read(NONE.into()), None);
        assert_eq!(read(String::new()), None);
    }
}
