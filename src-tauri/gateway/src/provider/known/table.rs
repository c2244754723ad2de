//! The table's text, and how a line of it is found.
//!
//! A binary search by byte, which reads a dozen lines: no index is built, so that the table costs no memory but the few
//! pages that it touches of the executable. What a line says is the parent's business.

use std::cmp::Ordering;

use memchr::{memchr, memrchr};

const TABLE: &str = include_str!("../../../models/models.tsv");

/// The line of a model, whose name is in lower case.
pub(super) fn line(provider: &str, model: &str) -> Option<&'static str> {
    let line = first_line(after(provider, model))?;
    key(line).eq(wanted(provider, model)).then_some(line)
}

/// The lines of a provider.
pub(super) fn lines(provider: &str) -> impl Iterator<Item = &'static str> {
    // A model's name is never empty, so this is before the provider's first line.
    after(provider, "").lines().take_while(move |line| line.split('\t').next() == Some(provider))
}

/// How many lines there are.
#[cfg(test)]
pub(super) fn count() -> usize {
    body().lines().count()
}

/// The lines from the first one on that is not before this model.
fn after(provider: &str, model: &str) -> &'static str {
    let lines = body();
    let (mut from, mut to) = (0, lines.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = memrchr(b'\n', &lines.as_bytes()[from..middle]).map_or(from, |at| from + at + 1);
        let Some(line) = first_line(&lines[start..]) else { break };
        match key(line).cmp(wanted(provider, model)) {
            Ordering::Less => from = (start + line.len() + 1).min(lines.len()),
            Ordering::Equal | Ordering::Greater => to = start,
        }
    }
    &lines[from..]
}

/// The lines without the comments and the names of the columns.
fn body() -> &'static str {
    let mut rest = TABLE;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if !line.starts_with('#') {
            break;
        }
    }
    rest
}

fn first_line(text: &'static str) -> Option<&'static str> {
    let line = memchr(b'\n', text.as_bytes()).map_or(text, |end| &text[..end]);
    (!line.is_empty()).then_some(line)
}

/// What lines are sorted by: the provider, a tab, and the model in lower case.
fn key(line: &str) -> impl Iterator<Item = u8> {
    let mut tabs = 0;
    line.bytes().map(|byte| byte.to_ascii_lowercase()).take_while(move |byte| {
        tabs += u8::from(*byte == b'\t');
        tabs < 2
    })
}

fn wanted(provider: &str, model: &str) -> impl Iterator<Item = u8> {
    provider.bytes().chain([b'\t']).chain(model.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_is_sorted() {
        assert!(body().len() > 100_000, "the table is there");
        for (line, next) in body().lines().zip(body().lines().skip(1)) {
            assert!(key(line).lt(key(next)), "{line}: out of order, a search would miss lines");
        }
        for text in body().lines() {
            let mut fields = text.split('\t');
            let (provider, model) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            assert_eq!(line(provider, &model.to_ascii_lowercase()), Some(text));
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let check = |provider: &str, model: &str| assert_eq!(line(provider, model), None, "{provider}:{model}");
        check("openai", "");
        check("", "gpt-4o");
        check("", "");
        check("aaa", "before the first");
        check("zzz", "behind the last");
        check("openai", "gpt-4o-min");
        check("openai", "gpt-4o\tchat");
        check("openai\tgpt-4o", "chat");
        check("openai", "gpt-ü");
    }

    #[test]
    fn the_columns_are_those_that_are_read() {
        let columns = TABLE.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        let read = "provider model mode context output in out read write write1h tiers more badges behaviour efforts \
                    cachemin retires source name";
        assert!(columns.split('\t').eq(read.split_whitespace()), "{columns}");
    }
}
