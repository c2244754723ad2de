//! A system text in the midst of a conversation, for targets that take such only at its beginning.
//!
//! It stands where it was said, as the person's words within a mark, and is never moved to the front: a model that keeps the
//! prompt's beginning would evaluate all of it anew.

use crate::completion::{Message, Part, Text};

/// What such a message says.
pub(crate) fn texts(message: &Message) -> Vec<&Text> {
    let texts = message.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    texts.filter(|text| !text.text.is_blank()).collect()
}

/// The text, marked as what it is.
pub(crate) fn marked(text: &str) -> String {
    format!("<system>\n{text}\n</system>")
}
