//! Ids: for what a protocol leaves without one, and in the form that a vendor takes.
//!
//! Made from the place where the thing stands or from the id that came, never from chance: the same conversation gives the
//! same ids each time, so that calls find their results and a runtime finds its cached prompt.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// An id of 24 hexadecimal digits after a prefix, the same for the same seeds.
pub(crate) fn made_up(prefix: &str, seeds: &[&str]) -> String {
    format!("{prefix}{}", digest(&seeds.join("\0")))
}

/// An id that a vendor takes: itself if it is of letters, digits, `_` and `-` and not too long, else one that is made from
/// it and always the same.
pub(crate) fn safe(id: &str, longest: usize) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !id.is_empty() && id.len() <= longest && id.bytes().all(plain) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(made_up("call_", &[id]))
}

/// An id of nine letters and digits, as Mistral's models want them.
pub(crate) fn nine(id: &str) -> Cow<'_, str> {
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    let mut digits = digest(id);
    digits.truncate(9);
    Cow::Owned(digits)
}

/// 24 hexadecimal digits of a text.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_gets_ids_that_it_takes() {
        assert_eq!(safe("toolu_1", 64), "toolu_1");
        let made = safe("functions.f:0", 64);
        assert!(made.starts_with("call_") && made.len() == 29, "{made}");
        assert_eq!(made, safe("functions.f:0", 64), "the call and its result still meet");
        assert_ne!(made, safe("functions.f:1", 64));
        assert_ne!(safe("", 64), "");
        assert_eq!(safe(&"a".repeat(65), 64).len(), 29);
        assert_eq!(nine("a1B2c3D4e"), "a1B2c3D4e");
        assert_eq!(nine("call_1").len(), 9);
        assert_ne!(nine("call_1"), nine("call_2"));
    }
}
