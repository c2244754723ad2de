//! Text that strangers sent, before it is kept or shown.
//!
//! A model's name is sent back as it came, so one that could mislead a reader is refused rather than changed; all else is
//! made harmless.

/// The longest name of a model.
const LONGEST_NAME: usize = 512;
/// The longest other fact.
const LONGEST_FACT: usize = 100;

/// A name that can be shown and sent as it is: no control characters, none that reorder or hide text.
pub(crate) fn name(text: &str) -> Option<&str> {
    let fits = !text.is_empty() && text.len() <= LONGEST_NAME && text.trim() == text;
    (fits && !text.chars().any(misleads)).then_some(text)
}

/// A short fact, made harmless; `None` where nothing is left.
pub(crate) fn fact(text: &str) -> Option<String> {
    let text = printable(text, LONGEST_FACT);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text without what misleads, at most so many characters.
pub(crate) fn printable(text: &str, most: usize) -> String {
    text.chars().filter(|c| !misleads(*c)).take(most).collect()
}

/// Control characters, and those that reorder or hide what stands around them.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, as_name: Option<&str>, as_fact: Option<&str>) {
        assert_eq!(name(text), as_name, "{text:?} as a name");
        assert_eq!(fact(text).as_deref(), as_fact, "{text:?} as a fact");
    }

    #[test]
    fn what_misleads_is_refused_or_removed() {
        check("qwen3:8b", Some("qwen3:8b"), Some("qwen3:8b"));
        check("/models/Größe 7B.gguf", Some("/models/Größe 7B.gguf"), Some("/models/Größe 7B.gguf"));
        check("", None, None);
        check(" a", None, Some("a"));
        check("\u{1b}[31mred", None, Some("[31mred"));
        check("a\r\nb", None, Some("ab"));
        check("safe\u{202e}gpj.exe", None, Some("safegpj.exe"));
        check("zero\u{200b}width", None, Some("zerowidth"));
        check("\0", None, None);
        check(&"x".repeat(513), None, Some(&"x".repeat(100)));
    }
}
