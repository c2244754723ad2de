//! A request's JSON, taken apart field by field.
//!
//! For surfaces: each field is taken by its name, a fault names the field as the client wrote it (`messages[3].content`),
//! and what nobody took is known at the end, so that nothing is left out in silence. `null` is the same as absent. A value
//! stays the text that it was until it is taken. Not a schema: what a field means is the surface's business.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::apart::{Apart, Entries, Named};
use super::dropped::note;
use super::json;
use super::place::Place;
use crate::completion::{DecodeError, Wording};

/// An object and where it stands.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: Place,
    entries: Entries<'a>,
}

impl<'a> Fields<'a> {
    /// The object that a body is.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Fields<'a>, DecodeError> {
        from_body(body).map(|entries| Fields::with(Place::default(), entries)).map_err(|_| {
            let reason = match serde_json::from_slice::<&RawValue>(body) {
                Ok(_) => "the request must be a JSON object".to_owned(),
                Err(error) => format!("the request is no JSON: {error}"),
            };
            DecodeError::Malformed(reason)
        })
    }

    /// The same with one field read already, unless it is not as it should be: then it is among the others.
    pub(crate) fn parse_apart<N: Named, T: Deserialize<'a>>(
        body: &'a [u8],
    ) -> Result<(Fields<'a>, Option<T>), DecodeError> {
        match from_body::<Apart<'a, N, T>>(body) {
            Ok(Apart { field, rest, .. }) => Ok((Fields::with(Place::default(), rest), field)),
            Err(_) => Ok((Fields::parse(body)?, None)),
        }
    }

    /// The same with a list of objects read already.
    pub(crate) fn parse_list<N: Named>(body: &'a [u8]) -> Result<(Fields<'a>, Vec<Fields<'a>>), DecodeError> {
        let (mut fields, list) = Fields::parse_apart::<N, Vec<Entries<'a>>>(body)?;
        let list = match list {
            Some(list) => Fields::numbered(&fields.place(N::NAME), list),
            None => fields.objects(N::NAME)?,
        };
        Ok((fields, list))
    }

    /// The objects of the list at a place.
    pub(crate) fn numbered(list: &Place, entries: Vec<Entries<'a>>) -> Vec<Fields<'a>> {
        entries.into_iter().enumerate().map(|(at, entries)| Fields::with(list.entry(at), entries)).collect()
    }

    /// An object of which the fields are known.
    pub(crate) fn with(at: Place, entries: Entries<'a>) -> Fields<'a> {
        Fields { at, entries }
    }

    /// The object at a place.
    pub(crate) fn of(at: Place, raw: &'a RawValue) -> Result<Fields<'a>, DecodeError> {
        match serde_json::from_str(raw.get()) {
            Ok(entries) => Ok(Fields::with(at, entries)),
            Err(_) => Err(wrong(&at.words(), "an object")),
        }
    }

    /// The same under other names. Where two become one, the one that came first holds.
    pub(crate) fn renamed(self, rename: impl Fn(&str) -> String) -> Fields<'a> {
        Fields { at: self.at, entries: self.entries.renamed(rename) }
    }

    /// A field's place, for what is read within it.
    pub(crate) fn place(&self, name: &'static str) -> Place {
        self.at.field(name)
    }

    /// A field's place, as the client would write it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.at.path(name)
    }

    /// Whether a field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|raw| raw.get() != "null")
    }

    /// Whether a field is there and is a text.
    pub(crate) fn is_text(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|raw| raw.get().starts_with('"'))
    }

    /// The names of all that nobody took yet, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.left().map(|(name, _)| name)
    }

    /// A value as its text.
    pub(crate) fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        self.entries.take(name).filter(|raw| raw.get() != "null")
    }

    /// A value of a type; the fault says what is wrong within it.
    pub(crate) fn read<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, DecodeError> {
        self.raw(name).map(|raw| json::read(raw, self.path(name))).transpose()
    }

    /// Any value. One that is nested too deeply to be read stays, and is named at the end.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let value = serde_json::from_str(self.entries.get(name)?.get()).ok()?;
        self.entries.take(name);
        Some(value).filter(|value: &Value| !value.is_null())
    }

    /// A text.
    pub(crate) fn string(&mut self, name: &str) -> Result<Option<String>, DecodeError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| self.wrong(name, "a string"))
    }

    /// A text of the conversation, as it was written.
    pub(crate) fn wording(&mut self, name: &str) -> Result<Option<Wording>, DecodeError> {
        self.raw(name).map(Wording::of).transpose().map_err(|_| self.wrong(name, "a string"))
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, DecodeError> {
        self.string(name)?.ok_or_else(|| self.wrong(name, "a string"))
    }

    /// Yes or no.
    pub(crate) fn bool(&mut self, name: &str) -> Result<Option<bool>, DecodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// A whole number, however it is written. Languages with one kind of number write `256.0`.
    pub(crate) fn i64(&mut self, name: &str) -> Result<Option<i64>, DecodeError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "a float too large for i64 becomes the largest one")]
        let whole = value.as_i64().or_else(|| value.as_f64().filter(|float| float.fract() == 0.0).map(|f| f as i64));
        whole.map(Some).ok_or_else(|| self.wrong(name, "a whole number"))
    }

    /// A count.
    pub(crate) fn u32(&mut self, name: &str) -> Result<Option<u32>, DecodeError> {
        match self.i64(name)? {
            None => Ok(None),
            Some(number) if number < 0 => Err(self.wrong(name, "0 or more")),
            Some(number) => Ok(Some(u32::try_from(number).unwrap_or(u32::MAX))),
        }
    }

    /// A count where a negative number means "no limit".
    pub(crate) fn limit(&mut self, name: &str) -> Result<Option<u32>, DecodeError> {
        Ok(self.i64(name)?.filter(|number| *number >= 0).map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// A number.
    pub(crate) fn f64(&mut self, name: &str) -> Result<Option<f64>, DecodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(name, "a number")),
        }
    }

    /// A list.
    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, DecodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    /// A list of objects, each with its place.
    pub(crate) fn objects(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>, DecodeError> {
        let Some(raw) = self.raw(name) else { return Ok(Vec::new()) };
        let place = self.place(name);
        if let Ok(list) = serde_json::from_str(raw.get()) {
            return Ok(Fields::numbered(&place, list));
        }
        // One by one, to see which it is that is none.
        let list: Vec<&'a RawValue> = serde_json::from_str(raw.get()).map_err(|_| self.wrong(name, "a list"))?;
        list.into_iter().enumerate().map(|(at, raw)| Fields::of(place.entry(at), raw)).collect()
    }

    /// A list of texts, or one text alone.
    pub(crate) fn strings(&mut self, name: &str) -> Result<Vec<String>, DecodeError> {
        let list = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => return Ok(vec![text]),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(self.wrong(name, "a string or a list of strings")),
        };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(name, "a string or a list of strings")),
        };
        list.into_iter().map(text).collect()
    }

    /// An object.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Fields<'a>>, DecodeError> {
        self.raw(name).map(|raw| Fields::of(self.place(name), raw)).transpose()
    }

    /// An object as it is, key order kept.
    pub(crate) fn map(&mut self, name: &str) -> Result<Map<String, Value>, DecodeError> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// Names the places of what nobody took and that says something, in the order in which they came.
    pub(crate) fn rest(self, dropped: &mut Vec<String>) {
        let says = |raw: &RawValue| !matches!(raw.get(), "null" | "[]" | "{}" | "\"\"" | "false");
        let mut rest: Vec<_> = self.entries.left().filter(|(_, raw)| says(raw)).collect();
        // All are slices of one body: the lower address came first.
        rest.sort_by_key(|(_, raw)| raw.get().as_ptr());
        for (name, _) in rest {
            note(dropped, self.path(name));
        }
    }

    /// A field has the wrong type.
    pub(crate) fn wrong(&self, name: &str, expected: &str) -> DecodeError {
        wrong(&self.path(name), expected)
    }
}

/// Reads a body. That it is text is seen once for all of it, and not for each string in it.
fn from_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        // The reader says where it is none.
        Err(_) => serde_json::from_slice(body),
    }
}

fn wrong(path: &str, expected: &str) -> DecodeError {
    DecodeError::Malformed(format!("`{path}` must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::codec::apart::Messages;

    #[test]
    fn a_list_that_is_read_at_once_is_the_same_list() {
        #[track_caller]
        fn check(body: &str, expected: Result<(&str, &str), &str>) {
            let read = Fields::parse_list::<Messages>(body.as_bytes()).map(|(fields, list)| {
                let list: Vec<_> = list.iter().map(|entry| entry.path(&entry.names().collect::<String>())).collect();
                (fields.names().collect::<String>(), list.join(" "))
            });
            let read = read.as_ref().map(|(names, list)| (&**names, &**list)).map_err(ToString::to_string);
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        }
        check(r#"{"b":1,"messages":[{"x":[]},{}],"a":2}"#, Ok(("ab", "messages[0].x messages[1].")));
        check(r#"{"messag\u0065s":[{"\u0078":1}]}"#, Ok(("", "messages[0].x")));
        check(r#"{"messages":null,"a":2}"#, Ok(("a", "")));
        check(r#"{"messages":[],"messages":[{}]}"#, Ok(("", "messages[0].")));
        check("{}", Ok(("", "")));
        check(r#"{"messages":[{},7]}"#, Err("`messages[1]` must be an object"));
        check(r#"{"messages":{}}"#, Err("`messages` must be a list"));
        check("[]", Err("the request must be a JSON object"));
    }

    #[test]
    fn faults_and_what_is_left_are_named() {
        let body = br#"{"z": 1, "a": "x", "b": null, "c": [], "d": false, "in": {"y": {"k": 1}, "e": ""}}"#;
        let mut fields = Fields::parse(body).unwrap();
        assert_eq!(fields.read::<u32>("a").unwrap_err().to_string(), "`a`: invalid type: string \"x\", expected u32");
        assert_eq!(fields.read::<u32>("b"), Ok(None));
        let mut inner = fields.object("in").unwrap().unwrap();
        assert_eq!(inner.u32("y").unwrap_err().to_string(), "`in.y` must be a whole number");
        let mut dropped = Vec::new();
        inner.rest(&mut dropped);
        fields.rest(&mut dropped);
        assert_eq!(dropped, ["z"]);
        for (body, fault) in [("[]", "the request must be a JSON object"), ("{", "the request is no JSON: EOF")] {
            assert!(Fields::parse(body.as_bytes()).unwrap_err().to_string().starts_with(fault));
        }
    }
}
