//! Fields under either of the names by which Google's JSON reader knows them: `topP` and `top_p`.
//!
//! Only objects of the API's own shapes go through here. What a client means literally, arguments and schemas, keeps its
//! keys.

use crate::completion::DecodeError;
use crate::protocol::codec::fields::Fields;

/// The object that a body is.
pub(super) fn parse(body: &[u8]) -> Result<Fields<'_>, DecodeError> {
    Ok(Fields::parse(body)?.renamed(camel_name))
}

/// An object below another.
pub(super) fn object<'a>(fields: &mut Fields<'a>, name: &str) -> Result<Option<Fields<'a>>, DecodeError> {
    Ok(fields.object(name)?.map(|object| object.renamed(camel_name)))
}

/// A list of objects.
pub(super) fn objects<'a>(fields: &mut Fields<'a>, name: &str) -> Result<Vec<Fields<'a>>, DecodeError> {
    Ok(fields.objects(name)?.into_iter().map(|object| object.renamed(camel_name)).collect())
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
