//! How each known tool is pointed here: the table, and its texts with this gateway's port, a key and a route filled in.
//!
//! Data only: one row of `tools.toml` a tool. Nothing is written into a tool's own files; a person pastes it.

use serde::Deserialize;

/// The table as it is compiled in.
const TABLE: &str = include_str!("../tools.toml");

/// What stands where a key belongs while there is none.
pub const NO_KEY: &str = "YOUR-CLIENT-KEY";

/// A row of `tools.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The row's key, and the name that its client key is given.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// What it speaks to us.
    pub speaks: String,
    /// How what it calls itself begins, where no other tool calls itself so.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Limits, or why it cannot be done. May hold placeholders.
    pub note: String,
    /// What to do, in order; none where it cannot be done.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Where the text goes.
    pub place: String,
    /// How it is written.
    pub form: Form,
    /// What to paste, with placeholders.
    pub text: String,
}

/// How a text is written, and so how a value stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Lines for a shell.
    Shell,
    /// JSON, its values between double quotes.
    Json,
    /// TOML, the same.
    Toml,
    /// YAML, the same.
    Yaml,
    /// Words for a person.
    Words,
}

/// What is filled in.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'f> {
    /// The port.
    pub port: u16,
    /// A client key, if there is one.
    pub key: Option<&'f str>,
    /// The route or model to ask for.
    pub route: &'f str,
}

impl Tool {
    /// Every row.
    pub fn table() -> Result<Vec<Tool>, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            tool: Vec<Tool>,
        }
        toml::from_str::<Table>(TABLE).map(|table| table.tool)
    }
}

impl Step {
    /// Its text, filled in.
    pub fn filled(&self, with: &Filling<'_>) -> String {
        fill(self.text.trim_matches('\n'), self.form, with)
    }
}

/// A text with its placeholders filled in.
pub fn fill(text: &str, form: Form, with: &Filling<'_>) -> String {
    let value = |name: &str| match name {
        "base_url" => Some(format!("http://127.0.0.1:{}", with.port)),
        "port" => Some(with.port.to_string()),
        "key" => Some(with.key.unwrap_or(NO_KEY).to_owned()),
        "route" => Some(with.route.to_owned()),
        _ => None,
    };
    let (mut filled, mut rest) = (String::with_capacity(text.len() + 64), text);
    // In one pass: what is filled in is never read again.
    while let Some(start) = rest.find('{') {
        let name = rest[start + 1..].split_once('}').map(|(name, _)| name);
        match name.and_then(|name| Some((name, value(name)?))) {
            Some((name, value)) => {
                filled.push_str(&rest[..start]);
                filled.push_str(&written(&value, form));
                rest = &rest[start + name.len() + 2..];
            }
            None => {
                filled.push_str(&rest[..=start]);
                rest = &rest[start + 1..];
            }
        }
    }
    filled + rest
}

/// A value as it stands in a text. A model may bear any name, and a shell obeys some.
fn written(value: &str, form: Form) -> String {
    match form {
        Form::Shell => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
            if !value.is_empty() && value.bytes().all(plain) {
                value.to_owned()
            } else {
                format!("'{}'", value.replace('\'', r"'\''"))
            }
        }
        Form::Json | Form::Toml | Form::Yaml => {
            let quoted = serde_json::Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        Form::Words => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Everything that a person reads of a row.
    fn texts(tool: &Tool, with: &Filling<'_>) -> Vec<String> {
        let steps = tool.steps.iter().map(|step| step.filled(with));
        steps.chain([fill(&tool.note, Form::Words, with)]).collect()
    }

    #[test]
    fn every_row_is_whole() {
        let with = Filling { port: 4748, key: Some("pm-key"), route: "ollama:qwen3:8b" };
        let mut ids = BTreeSet::new();
        let tools = Tool::table().unwrap();
        assert!(tools.len() >= 25, "{}", tools.len());
        for tool in &tools {
            let id = &tool.id;
            assert!(ids.insert(id.clone()), "{id} is there twice");
            assert!(id.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'), "{id} names its client key");
            assert!(!tool.name.is_empty() && !tool.speaks.is_empty(), "{id}");
            assert!(!tool.steps.is_empty() || tool.note.starts_with("Not possible: "), "{id} says why not");
            assert!(tool.agents.iter().all(|agent| agent.len() > 3), "{id}: a word that short means nothing");
            let told = texts(tool, &with);
            for text in &told {
                for left in ["{base_url}", "{port}", "{key}", "{route}", "{model}", "{url}"] {
                    assert!(!text.contains(left), "{id}: {text}");
                }
                assert!(text.lines().all(|line| line.len() <= 180), "{id}: {text}");
            }
            if !tool.steps.is_empty() {
                assert!(told.iter().any(|text| text.contains("4748")), "{id} leads here");
            }
            for step in &tool.steps {
                assert!(!step.place.is_empty() && !step.text.trim().is_empty(), "{id}");
            }
        }
    }

    #[test]
    fn what_is_filled_in_stays_one_value() {
        let odd = r#"a"b\c'd $(e) {key}"#;
        let with = Filling { port: 4747, key: None, route: odd };
        for tool in Tool::table().unwrap() {
            for step in &tool.steps {
                let text = step.filled(&with);
                let id = &tool.id;
                assert_eq!(text.contains(NO_KEY), step.text.contains("{key}"), "{id}: a key in a name is none: {text}");
                match step.form {
                    Form::Json => {
                        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                        assert_eq!(read.to_string().contains("$(e)"), step.text.contains("{route}"), "{id}: {text}");
                    }
                    Form::Toml => {
                        drop(toml::from_str::<toml::Table>(&text).unwrap_or_else(|why| panic!("{id}: {why}")))
                    }
                    Form::Yaml => assert!(!step.text.contains(": {"), "{id}: values stand between quotes"),
                    Form::Shell => assert_eq!(text.matches(r"'\''").count(), step.text.matches("{route}").count()),
                    Form::Words => {}
                }
            }
        }
    }

    #[test]
    fn values_are_written_as_each_form_needs_them() {
        #[track_caller]
        fn check(form: Form, value: &str, expected: &str) {
            assert_eq!(written(value, form), expected);
        }
        check(Form::Shell, "ollama:qwen3:8b", "ollama:qwen3:8b");
        check(Form::Shell, "a b", "'a b'");
        check(Form::Shell, "it's", r"'it'\''s'");
        check(Form::Shell, "", "''");
        check(Form::Json, r#"a"b"#, r#"a\"b"#);
        check(Form::Words, "a b", "a b");
    }
}
