//! One account at a hosted provider: its row, and what the user said of it.
//!
//! What the row leaves open (a region, a project) is filled here, and nowhere else. Its key is not here: only where that
//! is kept is known, and by the endpoint.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use url::Url;

use super::{ProviderSpec, Template};
use crate::protocol::Speaks;
use crate::protocol::shape::Beside;

/// An account at a provider. Reads as its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    row: Arc<ProviderSpec>,
    /// As the user wrote them, without what the row assumes.
    settings: BTreeMap<String, String>,
}

/// Why settings of an account are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// The row knows none of that name.
    #[error("{provider} has no setting `{}`{known}", .name.escape_debug())]
    Unknown {
        /// Its name.
        name: String,
        /// The provider.
        provider: String,
        /// `; it has `region``, or nothing.
        known: String,
    },
    /// One is needed.
    #[error("{provider} needs the setting `{name}`: {help}")]
    Missing {
        /// Its name.
        name: String,
        /// The provider.
        provider: String,
        /// What it is.
        help: String,
    },
    /// A value that is none of those that it may have.
    #[error("`{name}` is {}", .values.join(" or "))]
    NotOneOf {
        /// Its name.
        name: String,
        /// What it may be.
        values: Vec<String>,
    },
    /// A value that cannot stand in an address.
    #[error("`{name}` has letters, digits, `-`, `_` and `.` only")]
    BadValue {
        /// Its name.
        name: String,
    },
}

impl Account {
    /// An account with these settings.
    pub fn new(row: Arc<ProviderSpec>, settings: BTreeMap<String, String>) -> Result<Account, BadSetting> {
        let provider = || row.name.clone();
        for (name, value) in &settings {
            let Some(known) = row.settings.iter().find(|known| known.name == *name) else {
                let names: Vec<String> = row.settings.iter().map(|known| format!("`{}`", known.name)).collect();
                let known = if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) };
                return Err(BadSetting::Unknown { name: name.clone(), provider: provider(), known });
            };
            if !known.values.is_empty() && !known.values.contains(value) {
                let values = known.values.iter().map(|value| format!("`{value}`")).collect();
                return Err(BadSetting::NotOneOf { name: name.clone(), values });
            }
            // It stands in a host's name or a path: nothing that could end there and lead the key elsewhere.
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let whole = !value.is_empty() && value.len() <= 128 && !value.chars().all(|letter| letter == '.');
            if !whole || !value.bytes().all(fits) {
                return Err(BadSetting::BadValue { name: name.clone() });
            }
        }
        if let Some(missing) = row.settings.iter().find(|known| known.required && !settings.contains_key(&known.name)) {
            let (name, help) = (missing.name.clone(), missing.help.clone());
            return Err(BadSetting::Missing { name, provider: provider(), help });
        }
        Ok(Account { row, settings })
    }

    /// A setting: the user's, else what the row assumes.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let assumed = || self.row.settings.iter().find(|known| known.name == name)?.default.as_deref();
        self.settings.get(name).map(String::as_str).or_else(assumed)
    }

    /// Its settings as the user wrote them.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The provider's address for this account; none where each customer has one of their own.
    pub fn usual_address(&self) -> Option<Url> {
        let apart = self.row.apart.iter().find(|apart| self.setting(&apart.setting) == Some(&apart.is));
        let address = apart.map(|apart| &apart.base_url).or(self.row.base_url.as_ref())?;
        self.fill(address).parse().ok()
    }

    /// A text of its row, with this account's settings in it.
    pub fn fill<'t>(&self, text: &'t Template) -> Cow<'t, str> {
        text.fill(|name| self.setting(name))
    }

    /// What it speaks.
    pub fn speaks(&self) -> Vec<Speaks> {
        let set = |name: &Option<String>| name.as_ref().map(|name| self.setting(name).is_some());
        let spoken = self.row.speaks.iter().filter(|it| set(&it.with) != Some(false) && set(&it.without) != Some(true));
        let filled = |text: &str| self.fill(&Template::from(text)).into_owned();
        let speaks = spoken.map(|spoken| {
            let fields = spoken.fields.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
            let beside = Beside { query: spoken.query.as_deref().map(filled), fields };
            Speaks { prefix: filled(&spoken.prefix), beside, ..Speaks::from(spoken) }
        });
        speaks.collect()
    }
}

impl Deref for Account {
    type Target = ProviderSpec;

    fn deref(&self) -> &ProviderSpec {
        &self.row
    }
}

/// As the settings write it.
impl Serialize for Account {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut written = to.serialize_struct("Account", 2)?;
        written.serialize_field("provider", &*self.row.id)?;
        if self.settings.is_empty() {
            written.skip_field("settings")?;
        } else {
            written.serialize_field("settings", &self.settings)?;
        }
        written.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider whose address, path and a header are each account's own.
    const ROW: &str = r#"
        id = "cloud"
        name = "Cloud"
        base_url = "https://{place}.cloud.example"
        apart = [{ setting = "place", is = "global", base_url = "https://cloud.example" }]
        variables = ["CLOUD_KEY"]
        speaks = [{ protocol = "openai", prefix = "/v1/{project}", operations = ["chat"] }]
        check = { get = "/v1/{project}/models" }
        settings = [
            { name = "project", help = "who pays", required = true },
            { name = "place", help = "where it runs", default = "eu" },
            { name = "kind", help = "which one", values = ["big", "small"] },
        ]
    "#;

    fn account(settings: &[(&str, &str)]) -> Result<Account, BadSetting> {
        let row: ProviderSpec = toml::from_str(ROW).expect("a row");
        let written = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Account::new(Arc::new(row), written.collect())
    }

    #[test]
    fn what_the_row_leaves_open_is_filled() {
        let check = |settings: &[(&str, &str)], address: &str, prefix: &str| {
            let account = account(settings).expect("good settings");
            assert_eq!(account.usual_address().map(String::from).as_deref(), Some(address));
            assert_eq!(account.speaks()[0].prefix, prefix);
        };
        check(&[("project", "p-1")], "https://eu.cloud.example/", "/v1/p-1");
        check(&[("project", "p"), ("place", "us-east1")], "https://us-east1.cloud.example/", "/v1/p");
        check(&[("project", "p"), ("place", "global")], "https://cloud.example/", "/v1/p");
    }

    #[test]
    fn what_cannot_stand_in_an_address_is_refused() {
        let check = |settings: &[(&str, &str)], expected: &str| {
            let refused = account(settings).expect_err("bad settings").to_string();
            assert_eq!(refused, expected);
        };
        check(&[], "Cloud needs the setting `project`: who pays");
        check(
            &[("project", "p"), ("plaice", "eu")],
            "Cloud has no setting `plaice`; it has `project`, `place`, `kind`",
        );
        check(&[("project", "p"), ("kind", "huge")], "`kind` is `big` or `small`");
        for evil in ["evil.example/", "a b", "", "a\nb", "user@host", "%2f", "..", "ü", "a?b", "a#b", "a:1"] {
            check(&[("project", "p"), ("place", evil)], "`place` has letters, digits, `-`, `_` and `.` only");
        }
    }
}
