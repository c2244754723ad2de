//! Where an object stands in a request: `messages[3].content[0]`.
//!
//! Every object of a request has a place and hardly any is ever told, so that it is put into words only then.

use std::rc::Rc;

/// A place, the body's own by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    field: Option<Rc<Field>>,
    /// Its number in the list that the field is.
    entry: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    object: Place,
    name: &'static str,
}

impl Place {
    /// A field of the object that stands here.
    pub(crate) fn field(&self, name: &'static str) -> Place {
        Place { field: Some(Rc::new(Field { object: self.clone(), name })), entry: None }
    }

    /// An entry of the list that stands here.
    pub(crate) fn entry(&self, number: usize) -> Place {
        Place { field: self.field.clone(), entry: Some(number) }
    }

    /// A field of the object that stands here, in words.
    pub(crate) fn path(&self, name: &str) -> String {
        let mut words = self.words();
        if !words.is_empty() {
            words.push('.');
        }
        words.push_str(name);
        words
    }

    /// As the client would write it; nothing for the body.
    pub(crate) fn words(&self) -> String {
        let mut words = self.field.as_ref().map_or_else(String::new, |field| field.object.path(field.name));
        if let Some(number) = self.entry {
            words.push('[');
            words.push_str(&number.to_string());
            words.push(']');
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_the_client_writes_it() {
        let body = Place::default();
        let part = body.field("messages").entry(3).field("content").entry(0);
        for (place, expected) in [
            (body.clone(), ""),
            (body.field("model"), "model"),
            (body.field("messages").entry(12), "messages[12]"),
            (part.clone(), "messages[3].content[0]"),
        ] {
            assert_eq!(place.words(), expected);
        }
        assert_eq!((part.path("text"), body.path("model")), ("messages[3].content[0].text".into(), "model".into()));
    }
}
