//! A multipart form (RFC 7578), taken apart: fields by their names, files with their types.
//!
//! The request path has looked for its model's name already (`ingress::peek`), so that its frame is known to be whole; this
//! reads what stands in it, for a target that takes no forms. The mark between parts is the form's own first line.

use memchr::memmem;

use crate::completion::DecodeError;

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// The field's name, without the `[]` that some clients put behind one that may come several times.
    pub(crate) name: &'a str,
    /// A file's type; empty where none is told.
    pub(crate) mime: &'a str,
    /// Its bytes.
    pub(crate) value: &'a [u8],
}

impl Part<'_> {
    /// The value as a text.
    pub(crate) fn text(&self) -> Result<&str, DecodeError> {
        std::str::from_utf8(self.value).map_err(|_| DecodeError::Malformed(format!("`{}` must be a text", self.name)))
    }
}

/// The parts of a form.
pub(crate) fn parts(body: &[u8]) -> Result<Vec<Part<'_>>, DecodeError> {
    read(body).ok_or_else(|| DecodeError::Malformed("the form is broken".to_owned()))
}

fn read(body: &[u8]) -> Option<Vec<Part<'_>>> {
    let first = memmem::find(body, b"\r\n")?;
    let mark = body.get(..first)?.trim_ascii_end();
    let delimiter = [b"\r\n", mark].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut parts = Vec::new();
    let mut rest = body.get(first..)?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let blank = memmem::find(part, b"\r\n\r\n")?;
        let (head, value) = (std::str::from_utf8(part.get(..blank)?).ok()?, part.get(blank + 4..)?);
        let end = finder.find(value)?;
        parts.push(Part { value: value.get(..end)?, ..described(head)? });
        rest = value.get(end + delimiter.len()..)?;
    }
    rest.starts_with(b"--").then_some(parts)
}

/// What the lines before a part's value say.
fn described(head: &str) -> Option<Part<'_>> {
    let line = |wanted: &str| {
        head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case(wanted).then_some(value.trim())
        })
    };
    let name = line("content-disposition")?.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.eq_ignore_ascii_case("name").then(|| value.trim_matches('"'))
    })?;
    Some(Part { name: name.trim_end_matches("[]"), mime: line("content-type").unwrap_or_default(), value: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_apart() {
        #[track_caller]
        fn check(form: &str, expected: Option<&[(&str, &str, &str)]>) {
            let read = parts(form.as_bytes()).ok();
            let read: Option<Vec<_>> = read.as_ref().map(|parts| {
                parts.iter().map(|part| (part.name, part.mime, str::from_utf8(part.value).unwrap())).collect()
            });
            assert_eq!(read.as_deref(), expected, "{form:?}");
        }
        let field = "--c\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\na\r\nb\r\n";
        let file = "--c\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a\"\r\n\r\n--x\r\n";
        check(&format!("{field}{file}--c--\r\n"), Some(&[("prompt", "", "a\r\nb"), ("image", "image/png", "--x")]));
        check(&format!("{field}--c--"), Some(&[("prompt", "", "a\r\nb")]));
        check(field, None);
        check("--c\r\ncontent-disposition: form-data\r\n\r\na\r\n--c--", None);
        check("--c--\r\n", None);
        check("", None);
    }
}
