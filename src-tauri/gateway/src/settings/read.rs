//! Reads the settings: the user's text laid over the defaults.
//!
//! Tables merge and lists replace. A value that cannot be is a [`Problem`] with its line and the way out; a key that
//! nobody knows is only a warning, so that one file serves two versions. Re-reading on change is `watch`'s business.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check;
use super::reference::{Step, dotted, example, lookup, with_examples};
use super::{DEFAULTS, Settings};
use crate::replace;

/// Settings as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The user's over the defaults.
    pub settings: Settings,
    /// What is odd but no reason to refuse the file, each with its line.
    pub warnings: Vec<String>,
}

/// Why a text is no settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*.line, *.column))]
pub struct Problem {
    /// What is wrong, and the way out.
    pub message: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The character in the line, counted from 1.
    pub column: Option<usize>,
}

/// Reads settings from a text.
pub fn read(text: &str) -> Result<Read, Problem> {
    // Notepad begins a file with a mark that TOML knows nothing of.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let written = parse(text)?;
    let mut merged = parse(DEFAULTS)?;
    merge(merged.get_mut(), written.get_ref());
    let mut settings = Settings::deserialize(toml::Deserializer::from(merged))
        .map_err(|error| wrong_value(text, written.get_ref(), &error))?;
    settings.aliases.retain(|_, route| !route.is_empty());

    let source = Source { text, written: written.get_ref() };
    let mut warnings = unknown_keys(&source)?;
    warnings.extend(check::check(&settings, &source)?);
    Ok(Read { settings, warnings })
}

/// Reads settings from a file. No file means the defaults.
pub fn load(path: &Path) -> Result<Read, Problem> {
    match replace::text(path) {
        Ok(text) => read(text.as_deref().unwrap_or_default()),
        Err(fault) => Err(Problem { message: fault.to_string(), line: None, column: None }),
    }
}

/// The user's text with the places of its values.
pub(super) struct Source<'s> {
    text: &'s str,
    written: &'s DeTable<'s>,
}

impl Source<'_> {
    /// A problem with the value at a path.
    pub(super) fn problem(&self, path: &[Step<'_>], message: impl Into<String>) -> Problem {
        let place = self.place(path);
        Problem { message: message.into(), line: place.map(|(line, _)| line), column: place.map(|(_, column)| column) }
    }

    /// A warning about the value at a path.
    pub(super) fn warning(&self, path: &[Step<'_>], message: &str) -> String {
        self.problem(path, message).to_string()
    }

    fn place(&self, path: &[Step<'_>]) -> Option<(usize, usize)> {
        let (first, rest) = path.split_first()?;
        let Step::Key(key) = first else { return None };
        let value = rest.iter().try_fold(self.written.get(*key)?, |value, step| match (value.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => table.get(*key),
            (DeValue::Array(array), Step::Index(index)) => array.get(*index),
            _ => None,
        })?;
        Some(line_and_column(self.text, value.span().start))
    }
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        (None, _) => String::new(),
    }
}

fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, Problem> {
    DeTable::parse(text).map_err(|error| problem_at(text, error.span(), error.message().to_owned()))
}

fn problem_at(text: &str, span: Option<std::ops::Range<usize>>, message: String) -> Problem {
    let place = span.map(|span| line_and_column(text, span.start));
    Problem { message, line: place.map(|(line, _)| line), column: place.map(|(_, column)| column) }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn merge<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>) {
    for (key, value) in over {
        let nested = base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut);
        if let (Some(DeValue::Table(base)), DeValue::Table(over)) = (nested, value.get_ref()) {
            merge(base, over);
        } else {
            base.insert(key.clone(), value.clone());
        }
    }
}

/// The reader knows types; the reference knows what people write.
fn wrong_value(text: &str, written: &DeTable<'_>, error: &toml::de::Error) -> Problem {
    let path = error.span().map(|span| path_at(written, span.start)).unwrap_or_default();
    let key = if path.is_empty() { String::new() } else { format!("`{}`: ", dotted(&path)) };
    // A whole entry is no example of a value.
    let value = example(&path).filter(|value| !value.starts_with("[["));
    let hint = value.map(|value| format!("; the reference has `{value}`")).unwrap_or_default();
    problem_at(text, error.span(), format!("{key}{}{hint}", error.message().trim_end()))
}

/// The path of the innermost value around an offset.
fn path_at<'t>(table: &'t DeTable<'_>, offset: usize) -> Vec<Step<'t>> {
    fn into_value<'t>(step: Step<'t>, value: &'t Spanned<DeValue<'_>>, offset: usize) -> Option<Vec<Step<'t>>> {
        let inside = match value.get_ref() {
            // A table's span may be its header alone, so look inside in any case.
            DeValue::Table(table) => path_at(table, offset),
            DeValue::Array(array) => array
                .iter()
                .enumerate()
                .find_map(|(index, value)| into_value(Step::Index(index), value, offset))
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let found = !inside.is_empty() || value.span().contains(&offset);
        found.then(|| [vec![step], inside].concat())
    }
    table
        .iter()
        .find_map(|(key, value)| match key.span().contains(&offset) {
            true => Some(vec![Step::Key(key.get_ref())]),
            false => into_value(Step::Key(key.get_ref()), value, offset),
        })
        .unwrap_or_default()
}

fn unknown_keys(source: &Source<'_>) -> Result<Vec<String>, Problem> {
    let text = with_examples();
    let reference = parse(&text)?;
    let mut warnings = Vec::new();
    unknown_in(source, source.written, reference.get_ref(), &[], &mut warnings);
    Ok(warnings)
}

fn unknown_in(
    source: &Source<'_>,
    table: &DeTable<'_>,
    reference: &DeTable<'_>,
    path: &[Step<'_>],
    warnings: &mut Vec<String>,
) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let path = [path, &[Step::Key(key.get_ref())]].concat();
        if lookup(reference, &path).is_none() {
            let (line, _) = line_and_column(source.text, key.span().start);
            warnings.push(format!("line {line}: `{}` is no setting and does nothing", dotted(&path)));
            continue;
        }
        match value.get_ref() {
            DeValue::Table(table) => unknown_in(source, table, reference, &path, warnings),
            DeValue::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    if let DeValue::Table(table) = value.get_ref() {
                        unknown_in(source, table, reference, &[&path[..], &[Step::Index(index)]].concat(), warnings);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
