//! The table of hosted providers: where each is, what it speaks, how it takes a key, and its habits.
//!
//! Data only, read from `providers.toml`, as the runtimes are from theirs: the settings, the command line's questions, the
//! README's table and the request path read the same row. What it serves right now is the catalog's business, what its
//! models cost is another table's.

mod account;
mod auth;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};
use wildmatch::WildMatch;

pub use account::{Account, BadSetting};
pub use auth::{Auth, AwsService, EntraScope, KeyHeader};
pub use template::Template;

use super::{Listing, Spoken};
use crate::protocol::{Holding, Operation, Protocol};

/// The table as it is compiled in.
const TABLE: &str = include_str!("../../providers.toml");

/// A row of `providers.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// The row's key: `anthropic`, `openai`, ... Also a prefix of model names.
    pub id: Arc<str>,
    /// What a person reads.
    pub name: String,
    /// Its address, without the paths that `speaks` has; none where each customer has one of their own.
    #[serde(default)]
    pub base_url: Option<Template>,
    /// Where it is for some accounts.
    #[serde(default)]
    pub apart: Vec<Apart>,
    /// What a customer's own address looks like.
    #[serde(default)]
    pub base_url_like: Option<String>,
    /// How it knows who asks, whatever the protocol; none = each protocol's own header.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Whether it can be asked without a key of its own, because the environment may have what it needs.
    #[serde(default)]
    pub key: KeyNeed,
    /// Environment variables in which users keep its key, the usual one first.
    pub variables: Vec<String>,
    /// The vendor's page on which a person makes one; none where a cloud has other ways.
    #[serde(default)]
    pub key_page: Option<String>,
    /// What each account says of itself.
    #[serde(default)]
    pub settings: Vec<ProviderSetting>,
    /// What it speaks, best first.
    pub speaks: Vec<Spoken>,
    /// Where it holds what others hold at OpenAI's paths, in a form of its own: below its address, or a whole one that is
    /// not.
    #[serde(default)]
    pub elsewhere: BTreeMap<Holding, String>,
    /// How it lists its models; none if it does not.
    #[serde(default)]
    pub listing: Option<Listing>,
    /// Which of the models that are known of it can be asked so, by patterns; none = all. Only where it lists none itself.
    #[serde(default)]
    pub offers: Vec<String>,
    /// The cheapest question that shows whether a key is good.
    pub check: KeyCheck,
    /// Its habits.
    #[serde(default)]
    pub quirks: HostedQuirks,
}

/// What an account says of itself: a region, a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSetting {
    /// Its name in the settings.
    pub name: String,
    /// What it is, for whoever must know it.
    pub help: String,
    /// Environment variables in which users have it.
    #[serde(default)]
    pub variables: Vec<String>,
    /// What it is where nothing is said.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether it must be said.
    #[serde(default)]
    pub required: bool,
    /// All that it may be; none = whatever can stand in an address.
    #[serde(default)]
    pub values: Vec<String>,
}

/// Another address, for accounts with one value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    /// The setting.
    pub setting: String,
    /// Its value.
    pub is: String,
    /// The address.
    pub base_url: Template,
}

/// Whether a provider needs a key that is kept here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyNeed {
    /// It does.
    #[default]
    Required,
    /// What the vendor's own tools keep on this machine does too.
    Optional,
}

/// A question that shows whether a key is good. Its path stands behind the base URL; a whole URL is asked as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCheck {
    /// A GET that is answered 200.
    Get(Template),
    /// A POST of `{}`: one without a good key is a 401 or 403, one with it a complaint about the body.
    RefusesEmpty(Template),
}

/// What a provider does not take of OpenAI's API, by field of the body's top level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostedQuirks {
    /// Fields that it refuses or that mean nothing to it.
    pub drop: Vec<String>,
    /// The same for some of its models, by a pattern with wildcards.
    pub drop_for: BTreeMap<String, Vec<String>>,
    /// Fields that it needs, unless the client says them itself.
    pub set: BTreeMap<String, bool>,
    /// Fields that it has under another name.
    pub rename: BTreeMap<String, String>,
    /// Texts in a field that it says otherwise.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// It knows no role `developer`, which is then `system`.
    pub developer_is_system: bool,
    /// How much its models are told to think, where that is not by `reasoning_effort` as OpenAI has it: the first row that
    /// fits a model holds.
    pub thinking: Vec<ThinkingHabit>,
    /// It takes JSON and no schema for it, which is then told in words.
    pub schema_in_words: bool,
    /// Its habits in what is no chat, by operation; those above are the chats'.
    pub of: BTreeMap<Operation, HostedQuirks>,
}

/// How some models are told to think.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingHabit {
    /// Which, by patterns with wildcards.
    pub models: Vec<String>,
    /// The fields that say each of OpenAI's words; none of them where it cannot be said. A word that is not here stays.
    pub says: BTreeMap<String, Map<String, Value>>,
}

impl HostedQuirks {
    /// Its habits in one operation, if it has any there.
    pub fn in_operation(&self, operation: Operation) -> Option<&HostedQuirks> {
        let quirks = if operation == Operation::Chat { Some(self) } else { self.of.get(&operation) };
        quirks.filter(|quirks| **quirks != HostedQuirks::default())
    }
}

impl ProviderSpec {
    /// Every row.
    pub fn table() -> Result<Arc<[Arc<ProviderSpec>]>, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            provider: Vec<Arc<ProviderSpec>>,
        }
        toml::from_str::<Table>(TABLE).map(|table| table.provider.into())
    }

    /// The names of those that can be asked an operation: for a person who asked one that cannot.
    pub fn offering(operation: Operation) -> Vec<String> {
        let table = ProviderSpec::table().unwrap_or_default();
        let offers = |row: &&Arc<ProviderSpec>| row.speaks.iter().any(|spoken| spoken.operations.contains(&operation));
        table.iter().filter(offers).map(|row| row.name.clone()).collect()
    }

    /// The names of those that hold something for an account.
    pub fn holding(holding: Holding) -> Vec<String> {
        let table = ProviderSpec::table().unwrap_or_default();
        let holds = |row: &&Arc<ProviderSpec>| row.speaks.iter().any(|spoken| spoken.holds.contains(&holding));
        table.iter().filter(holds).map(|row| row.name.clone()).collect()
    }

    /// The row of an id.
    pub fn find(id: &str) -> Option<Arc<ProviderSpec>> {
        // Read anew each time: it is asked when settings change, and a test says that the table can be read.
        ProviderSpec::table().ok()?.iter().find(|row| *row.id == *id).cloned()
    }

    /// How it knows who asks in a protocol of its.
    pub fn auth(&self, protocol: Protocol) -> Auth {
        self.auth.unwrap_or(Auth::Key(KeyHeader::of(protocol)))
    }

    /// Whether a model that is known of it can be asked as `speaks` has it.
    pub fn is_offered(&self, model: &str) -> bool {
        self.offers.is_empty() || self.offers.iter().any(|pattern| WildMatch::new(pattern).matches(model))
    }

    /// Whether `authority` proves who asks, where others send their key.
    pub fn signs(&self) -> bool {
        match self.auth {
            None | Some(Auth::Key(_)) => false,
            Some(Auth::Aws { .. } | Auth::Google | Auth::Entra { .. } | Auth::IbmIam | Auth::Databricks) => true,
        }
    }

    /// The header that carries its key to a protocol of its; `None` if no header can carry it, and where a key alone is
    /// not what it takes.
    pub fn credential(&self, protocol: Protocol, secret: &str) -> Option<(HeaderName, HeaderValue)> {
        match self.auth(protocol) {
            Auth::Key(header) => header.carrying(secret),
            Auth::Aws { .. } | Auth::Google | Auth::Entra { .. } | Auth::IbmIam | Auth::Databricks => None,
        }
    }
}

#[cfg(test)]
mod tests;
