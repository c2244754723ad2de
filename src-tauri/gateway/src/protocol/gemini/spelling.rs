//! Fields under either of the names by which Google's JSON reader knows them: `topP` and `top_p`.
//!
//! Only objects of the API's own shapes go through here. What a client means literally, arguments and schemas, keeps its
//! keys.

use crate::completion::DecodeError;
use crate::protocol::codec::apart::{Apart, Contents, Entries, Named, Parts};
use crate::protocol::codec::fields::Fields;

/// The object that a body is.
pub(super) fn parse(body: &[u8]) -> Result<Fields<'_>, DecodeError> {
    Ok(respelled(Fields::parse(body)?))
}

/// The same, with the turns read already where that can be.
pub(super) fn parse_turns(body: &[u8]) -> Result<(Fields<'_>, Option<Vec<Turn<'_>>>), DecodeError> {
    let (fields, turns) = Fields::parse_apart::<Contents, _>(body)?;
    Ok((respelled(fields), turns))
}

/// An object below another.
pub(super) fn object<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<Option<Fields<'a>>, DecodeError> {
    Ok(fields.object(name)?.map(respelled))
}

/// A list of objects.
pub(super) fn objects<'a>(fields: &mut Fields<'a>, name: &'static str) -> Result<Vec<Fields<'a>>, DecodeError> {
    Ok(fields.objects(name)?.into_iter().map(respelled).collect())
}

/// A turn: its parts, and what else it says.
pub(super) struct Content<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) parts: Vec<Fields<'a>>,
}

/// A turn whose parts were read with it.
pub(super) type Turn<'a> = Apart<'a, Parts, Vec<Entries<'a>>>;

/// The turns, read already or among the fields.
pub(super) fn contents<'a>(
    fields: &mut Fields<'a>,
    turns: Option<Vec<Turn<'a>>>,
) -> Result<Vec<Content<'a>>, DecodeError> {
    let Some(turns) = turns else {
        return objects(fields, Contents::NAME)?.into_iter().map(|fields| content(fields, None)).collect();
    };
    let list = fields.place(Contents::NAME);
    let turn = |(at, turn): (usize, Turn<'a>)| content(respelled(Fields::with(list.entry(at), turn.rest)), turn.field);
    turns.into_iter().enumerate().map(turn).collect()
}

fn content<'a>(mut fields: Fields<'a>, parts: Option<Vec<Entries<'a>>>) -> Result<Content<'a>, DecodeError> {
    let parts = match parts {
        Some(parts) => Fields::numbered(&fields.place(Parts::NAME), parts).into_iter().map(respelled).collect(),
        None => objects(&mut fields, Parts::NAME)?,
    };
    Ok(Content { fields, parts })
}

fn respelled(fields: Fields<'_>) -> Fields<'_> {
    if fields.names().any(|name| name.contains('_')) { fields.renamed(camel_name) } else { fields }
}

fn camel_name(name: &str) -> String {
    let body = name.trim_start_matches('_');
    let mut camel = name[..name.len() - body.len()].to_owned();
    let mut raise = false;
    for letter in body.chars() {
        if letter == '_' {
            raise = true;
        } else if std::mem::take(&mut raise) {
            camel.push(letter.to_ascii_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("topP", "topP"),
            ("top_p", "topP"),
            ("response_json_schema", "responseJsonSchema"),
            ("_response_json_schema", "_responseJsonSchema"),
            ("contents", "contents"),
            ("", ""),
        ] {
            assert_eq!(camel_name(name), expected);
        }
    }
}
