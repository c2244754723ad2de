//! The commented defaults as data: which keys there are, and what each looks like.
//!
//! The examples in the comments count too, so that a key is written down in one place only. Values are the reader's
//! business.

use toml::de::{DeTable, DeValue};

use super::DEFAULTS;

/// One step into a TOML document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Into a table.
    Key(&'a str),
    /// Into an array.
    Index(usize),
}

/// Writes a path as people do: `endpoints[1].base_url`.
pub(super) fn dotted(path: &[Step<'_>]) -> String {
    path.iter().enumerate().fold(String::new(), |text, (at, step)| match step {
        Step::Key(key) if at == 0 => (*key).to_owned(),
        Step::Key(key) => format!("{text}.{key}"),
        Step::Index(index) => format!("{text}[{}]", index + 1),
    })
}

/// The defaults with their examples uncommented.
///
/// An example is a comment that begins with a table's header; it goes on to the end of that comment.
pub(super) fn with_examples() -> String {
    let mut example = false;
    let mut text = String::with_capacity(DEFAULTS.len());
    for line in DEFAULTS.lines() {
        let comment = line.strip_prefix("# ");
        example = comment.is_some_and(|comment| example || comment.starts_with('['));
        text.push_str(comment.filter(|_| example).unwrap_or(line));
        text.push('\n');
    }
    text
}

/// Whether the keys of a table are names that the user gives.
fn is_open(path: &[Step<'_>]) -> bool {
    matches!(path, [Step::Key("routes" | "aliases")] | [Step::Key("endpoints"), Step::Index(_), Step::Key("settings")])
}

/// What stands in the reference where `path` leads in the user's file; for a name of the user's, what stands under any
/// name.
pub(super) fn lookup<'t, 'i>(table: &'t DeTable<'i>, path: &[Step<'_>]) -> Option<&'t toml::Spanned<DeValue<'i>>> {
    let (last, parents) = path.split_last()?;
    let table = match parents {
        [] => table,
        parents => match (lookup(table, parents)?.get_ref(), last) {
            (DeValue::Table(table), Step::Key(_)) => table,
            (DeValue::Array(array), Step::Index(_)) => return array.first(),
            _ => return None,
        },
    };
    match last {
        Step::Key(key) => table.get(*key).or_else(|| table.values().next().filter(|_| is_open(parents))),
        Step::Index(_) => None,
    }
}

/// What the reference has at a path, as written there, if it fits on a line.
pub(super) fn example(path: &[Step<'_>]) -> Option<String> {
    let text = with_examples();
    let table = DeTable::parse(&text).ok()?;
    let value = text.get(lookup(table.get_ref(), path)?.span())?;
    (!value.contains('\n')).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    #[test]
    fn examples_are_good_settings() {
        let read = read(&with_examples()).unwrap();
        assert_eq!(read.warnings, Vec::<String>::new());
        let settings = read.settings;
        assert_eq!(settings.routes["code"].context, Some(32768));
        let endpoint = &settings.endpoints[0];
        assert!(endpoint.key.is_some() && !endpoint.models.is_empty() && !endpoint.protocol.is_empty());
        assert!(
            settings.client_keys[0].created.is_some(),
            "every key is in some example, or it would count as unknown"
        );
    }

    #[test]
    fn every_field_is_in_the_reference() {
        let text = with_examples();
        let reference = DeTable::parse(&text).unwrap();
        let written = toml::to_string(&read(&text).unwrap().settings).unwrap();
        fn visit(reference: &DeTable<'_>, table: &DeTable<'_>, path: &[Step<'_>]) {
            for (key, value) in table {
                let path = [path, &[Step::Key(key.get_ref())]].concat();
                assert!(lookup(reference, &path).is_some(), "{} is not in settings.toml", dotted(&path));
                if let DeValue::Table(table) = value.get_ref() {
                    visit(reference, table, &path);
                }
            }
        }
        visit(reference.get_ref(), DeTable::parse(&written).unwrap().get_ref(), &[]);
    }

    #[test]
    fn shows_what_stands_there() {
        let check = |path: &[Step<'_>], expected| assert_eq!(example(path).as_deref(), expected);
        check(&[Step::Key("port")], Some("4747"));
        check(&[Step::Key("routes"), Step::Key("mine"), Step::Key("context")], Some("32768"));
        check(&[Step::Key("endpoints"), Step::Index(3), Step::Key("protocol")], Some("\"openai\""));
        check(&[Step::Key("nonsense")], None);
    }
}
