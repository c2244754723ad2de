//! A model's name in a path. Which signs may stand there as they are, each cloud's own tools decide.

use std::fmt::Write as _;

/// The name with each byte but letters, digits and those of `plain` written by its number.
pub(crate) fn escaped(name: &str, plain: &[u8]) -> String {
    let mut path = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}
