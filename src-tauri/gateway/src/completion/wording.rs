//! A text of a conversation: as it reads, or as JSON wrote it.
//!
//! Most texts only pass from one JSON into another. What was read from JSON stays the literal that it was there until
//! somebody asks what it says, and is written as that literal: to undo its escapes and make them again would be most of
//! what a translation costs. Whoever compares or changes a text sees none of this.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{LazyLock, OnceLock};

use memchr::memmem;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What begins a character that is written by its number.
static BY_NUMBER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\\u"));

/// A text.
#[derive(Clone)]
pub struct Wording(Form);

#[derive(Clone)]
enum Form {
    Plain(String),
    Literal(Literal),
}

/// A JSON string with its quotes, of which it is known that it can be read.
#[derive(Clone)]
struct Literal {
    json: Box<RawValue>,
    /// What it says, once that was asked; never where it has no escapes.
    plain: OnceLock<String>,
}

impl Wording {
    /// The text that a JSON string is.
    pub fn of(json: &RawValue) -> Result<Wording, serde_json::Error> {
        let literal = json.get();
        // Half of a surrogate pair is a string to those who only look where it ends.
        if literal.starts_with('"') && BY_NUMBER.find(literal.as_bytes()).is_none() {
            return Ok(Wording(Form::Literal(Literal { json: json.to_owned(), plain: OnceLock::new() })));
        }
        serde_json::from_str(literal).map(|plain| Wording(Form::Plain(plain)))
    }

    /// What it says.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Plain(text) => text,
            Form::Literal(literal) => literal.read(),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.written().is_empty()
    }

    /// Whether it says nothing but white space.
    pub fn is_blank(&self) -> bool {
        match &self.0 {
            // No escape and no space at the beginning: most texts need not be read to know it.
            Form::Literal(literal) if literal.inner().starts_with(|first: char| first.is_ascii_alphanumeric()) => false,
            Form::Plain(_) | Form::Literal(_) => self.as_str().trim().is_empty(),
        }
    }

    /// What it says or, with JSON's escapes still in it, what stood there: good enough to weigh it by.
    pub fn written(&self) -> &str {
        match &self.0 {
            Form::Plain(text) => text,
            Form::Literal(literal) => literal.inner(),
        }
    }

    /// Adds to it.
    pub fn push_str(&mut self, more: &str) {
        let mut text = String::from(std::mem::take(self));
        text.push_str(more);
        *self = text.into();
    }
}

impl Literal {
    /// What stands between the quotes.
    fn inner(&self) -> &str {
        let json = self.json.get();
        json.get(1..json.len() - 1).unwrap_or_default()
    }

    fn read(&self) -> &str {
        let inner = self.inner();
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return inner;
        }
        self.plain.get_or_init(|| serde_json::from_str(self.json.get()).unwrap_or_default())
    }
}

impl Default for Wording {
    fn default() -> Wording {
        String::new().into()
    }
}

impl From<String> for Wording {
    fn from(text: String) -> Wording {
        Wording(Form::Plain(text))
    }
}

impl From<&str> for Wording {
    fn from(text: &str) -> Wording {
        text.to_owned().into()
    }
}

impl From<Wording> for String {
    fn from(text: Wording) -> String {
        match text.0 {
            Form::Plain(text) => text,
            Form::Literal(literal) => literal.read().to_owned(),
        }
    }
}

impl Deref for Wording {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Wording {
    fn eq(&self, other: &Wording) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Wording {}

impl fmt::Debug for Wording {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl Serialize for Wording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Plain(text) => serializer.serialize_str(text),
            Form::Literal(literal) => literal.json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Wording {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wording, D::Error> {
        Wording::of(<&RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A text on its way into JSON: one of a conversation's, or words of our own.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Words<'a> {
    Kept(&'a Wording),
    Own(Cow<'a, str>),
}

impl Words<'_> {
    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Words::Kept(text) => text.is_empty(),
            Words::Own(text) => text.is_empty(),
        }
    }

    /// Adds to it.
    pub(crate) fn push_str(&mut self, more: &str) {
        let mut text = std::mem::take(self).into_owned();
        text.push_str(more);
        *self = Words::Own(Cow::Owned(text));
    }

    fn into_owned(self) -> String {
        match self {
            Words::Kept(text) => text.as_str().to_owned(),
            Words::Own(text) => text.into_owned(),
        }
    }
}

impl Default for Words<'_> {
    fn default() -> Self {
        Words::Own(Cow::Borrowed(""))
    }
}

impl Deref for Words<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Words::Kept(text) => text,
            Words::Own(text) => text,
        }
    }
}

impl<'a> From<&'a Wording> for Words<'a> {
    fn from(text: &'a Wording) -> Self {
        Words::Kept(text)
    }
}

impl<'a> From<&'a str> for Words<'a> {
    fn from(text: &'a str) -> Self {
        Words::Own(Cow::Borrowed(text))
    }
}

impl From<String> for Words<'_> {
    fn from(text: String) -> Self {
        Words::Own(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Words<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Words::Own(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_as_it_was_written_and_reads_as_it_is_meant() {
        /// `again`: how it is written then.
        #[track_caller]
        fn check(json: &str, expected: &str, again: &str) {
            let text: Wording = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&text).unwrap(), again, "{json}");
            assert_eq!(text.is_empty(), expected.is_empty(), "{json}");
            assert_eq!(text.is_blank(), expected.trim().is_empty(), "{json}");
            assert_eq!(text, Wording::from(expected), "{json}");
            assert_eq!(serde_json::to_value(&text).unwrap(), *expected, "{json}");
            let mut longer = text;
            longer.push_str("!");
            assert_eq!(String::from(longer), format!("{expected}!"), "{json}");
        }
        check(r#""""#, "", r#""""#);
        check(r#"" \n""#, " \n", r#"" \n""#);
        check(r#""\n""#, "\n", r#""\n""#);
        check(r#""\n \t""#, "\n \t", r#""\n \t""#);
        check(r#""a \/ \"b\"""#, "a / \"b\"", r#""a \/ \"b\"""#);
        check(r#" "ä€" "#, "ä€", r#""ä€""#);
        check(r#""\u00e4\ud83d\ude00""#, "ä😀", r#""ä😀""#);
        check(r#""C:\\users""#, "C:\\users", r#""C:\\users""#);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        #[track_caller]
        fn check(json: &str, expected: &str) {
            let error = serde_json::from_str::<Wording>(json).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{json}: {error}");
        }
        check("5", "invalid type: integer `5`, expected a string");
        check("null", "invalid type: null, expected a string");
        check(r#""\ud83d""#, "unexpected end of hex escape");
        check(r#""\ude00""#, "lone leading surrogate in hex escape");
        check("\"\n\"", "control character");
    }
}
