//! The settings that a window shows: the place of each, what it takes, and what it means.
//!
//! What one means is the comment above it in the commented defaults, so that the two never differ. Whether a value is
//! good is `check`'s business: the kinds here only spare a person the question.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Table};

use super::check::LEVELS;
use super::{DEFAULTS, Settings};

/// A setting that a window shows.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Its place: `discovery.enabled`.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it takes effect only after a restart.
    pub restart: bool,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Switch,
    /// A whole number, from the least to the most.
    Number(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A line of text.
    Text,
    /// Lines of text.
    List,
}

const fn now(key: &'static str, kind: Kind) -> Shown {
    Shown { key, kind, restart: false }
}

const fn later(key: &'static str, kind: Kind) -> Shown {
    Shown { key, kind, restart: true }
}

const DAY: u64 = 24 * 60 * 60;

/// All of them, in the order of the defaults.
pub const SHOWN: [Shown; 24] = [
    later("port", Kind::Number(1, 65_535)),
    now("require_key", Kind::Choice(&["hosted", "always"])),
    now("local_only", Kind::Switch),
    later("log.level", Kind::Choice(&LEVELS)),
    now("discovery.enabled", Kind::Switch),
    now("discovery.ignore", Kind::List),
    now("discovery.default_ports", Kind::Switch),
    now("discovery.processes", Kind::Switch),
    now("builtin.enabled", Kind::Choice(&["auto", "on", "off"])),
    now("builtin.idle_seconds", Kind::Number(1, DAY)),
    now("builtin.context", Kind::Number(0, 10_000_000)),
    now("builtin.threads", Kind::Number(0, 1_024)),
    now("builtin.server", Kind::Text),
    now("builtin.folders", Kind::List),
    now("ollama_port.enabled", Kind::Switch),
    now("ollama_port.port", Kind::Number(0, 65_535)),
    now("limits.first_byte_seconds", Kind::Number(1, DAY)),
    now("limits.idle_seconds", Kind::Number(1, DAY)),
    later("limits.drain_seconds", Kind::Number(0, 600)),
    later("usage.retention_days", Kind::Number(0, 3_660)),
    now("responses.store", Kind::Switch),
    now("responses.days", Kind::Number(1, 3_660)),
    now("responses.count", Kind::Number(1, 10_000_000)),
    now("responses.megabytes", Kind::Number(1, 1_000_000)),
];

impl Shown {
    /// The setting at a place.
    pub fn find(key: &str) -> Option<Shown> {
        SHOWN.into_iter().find(|shown| shown.key == key)
    }

    /// Its value in these settings.
    pub fn value(&self, settings: &Settings) -> serde_json::Value {
        let all = serde_json::to_value(settings).unwrap_or_default();
        all.pointer(&format!("/{}", self.key.replace('.', "/"))).cloned().unwrap_or_default()
    }

    /// A value for it as the file has it, or what it takes.
    pub fn written(&self, value: &serde_json::Value) -> Result<toml_edit::Value, String> {
        use serde_json::Value::{Array, Bool, String};
        let key = self.key;
        match (self.kind, value) {
            (Kind::Switch, Bool(on)) => Ok((*on).into()),
            (Kind::Switch, _) => Err(format!("`{key}` is true or false")),
            (Kind::Number(least, most), value) => {
                let number = value.as_u64().filter(|number| (least..=most).contains(number));
                let number = number.and_then(|number| i64::try_from(number).ok());
                number.map(Into::into).ok_or_else(|| format!("`{key}` is a whole number from {least} to {most}"))
            }
            (Kind::Choice(options), value) => {
                let option = options.iter().find(|option| value.as_str() == Some(option));
                option.map(|option| (*option).into()).ok_or_else(|| format!("`{key}` is one of {}", options.join(", ")))
            }
            (Kind::Text, String(text)) => Ok(text.as_str().into()),
            (Kind::Text, _) => Err(format!("`{key}` is a text")),
            (Kind::List, Array(lines)) if lines.iter().all(serde_json::Value::is_string) => {
                Ok(lines.iter().filter_map(serde_json::Value::as_str).collect::<toml_edit::Array>().into())
            }
            (Kind::List, _) => Err(format!("`{key}` is a list of texts")),
        }
    }
}

/// What each setting means, by its place.
pub fn help() -> BTreeMap<String, String> {
    let mut help = BTreeMap::new();
    // They are part of the program, and a test reads them.
    let Ok(defaults) = DEFAULTS.parse::<DocumentMut>() else { return help };
    comments(defaults.as_table(), "", &mut help);
    help
}

fn comments(table: &Table, prefix: &str, help: &mut BTreeMap<String, String>) {
    for (name, item) in table {
        let key = format!("{prefix}{name}");
        if let Some(table) = item.as_table() {
            comments(table, &format!("{key}."), help);
            continue;
        }
        let above = table.key(name).and_then(|key| key.leaf_decor().prefix()).and_then(|above| above.as_str());
        // What stands before an empty line belongs to the file or to the table.
        let own = above.and_then(|above| above.rsplit("\n\n").next()).unwrap_or_default();
        let lines: Vec<&str> = own.lines().map(|line| line.trim_start_matches('#').trim()).collect();
        help.insert(key, lines.join(" ").trim().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::read::read;

    #[test]
    fn every_one_has_a_meaning_a_default_and_a_good_kind() {
        let (help, defaults) = (help(), Settings::default());
        for shown in SHOWN {
            let key = shown.key;
            assert!(help.get(key).is_some_and(|help| help.len() > 10), "{key}: {:?}", help.get(key));
            let value = shown.value(&defaults);
            let written = shown.written(&value).unwrap_or_else(|error| panic!("its own default: {error}: {value}"));
            let (table, name) = key.split_once('.').map_or(("", key), |(table, name)| (table, name));
            let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
            let read = read(&format!("{header}{name} = {written}")).unwrap();
            assert_eq!((shown.value(&read.settings), read.warnings.len()), (value, 0), "{key}");
        }
        assert_eq!(
            help["port"], "The one port for every tool, on 127.0.0.1 and [::1].",
            "and not the file's own words"
        );
    }

    #[test]
    fn the_ends_of_each_number_are_good_settings() {
        for shown in SHOWN {
            let Kind::Number(least, most) = shown.kind else { continue };
            for number in [least, most] {
                let written = shown.written(&json!(number)).unwrap();
                let text = match shown.key.split_once('.') {
                    Some((table, name)) => format!("[{table}]\n{name} = {written}"),
                    None => format!("{} = {written}", shown.key),
                };
                read(&text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            }
            assert!(least == 0 || shown.written(&json!(least - 1)).is_err(), "{}", shown.key);
            assert!(shown.written(&json!(most + 1)).is_err(), "{}", shown.key);
        }
    }

    #[test]
    fn values_are_taken_or_refused() {
        #[track_caller]
        fn check(key: &str, value: &serde_json::Value, expected: Result<&str, &str>) {
            let written = Shown::find(key).unwrap().written(value).map(|value| value.to_string());
            assert_eq!(written.as_deref().map_err(String::as_str), expected);
        }
        check("port", &json!(4748), Ok("4748"));
        check("port", &json!(0), Err("`port` is a whole number from 1 to 65535"));
        check("port", &json!("4748"), Err("`port` is a whole number from 1 to 65535"));
        check("port", &json!(47.5), Err("`port` is a whole number from 1 to 65535"));
        check("require_key", &json!("always"), Ok("\"always\""));
        check("require_key", &json!("never"), Err("`require_key` is one of hosted, always"));
        check("local_only", &json!(true), Ok("true"));
        check("local_only", &json!(1), Err("`local_only` is true or false"));
        check("builtin.server", &json!("C:\\llama"), Ok("'C:\\llama'"));
        check("builtin.folders", &json!(["/a", "/b"]), Ok("[\"/a\", \"/b\"]"));
        check("builtin.folders", &json!([1]), Err("`builtin.folders` is a list of texts"));
    }
}
