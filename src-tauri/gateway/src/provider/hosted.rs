//! The table of hosted providers: where each is, what it speaks, how it takes a key, and its habits.
//!
//! Data only, read from `providers.toml`, as the runtimes are from theirs: the settings, the command line's questions, the
//! README's table and the request path read the same row. What it serves right now is the catalog's business, what its
//! models cost is another table's.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::{Listing, Spoken};
use crate::protocol::{Operation, Protocol, Speaks};

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
    pub base_url: Option<Url>,
    /// What a customer's own address looks like.
    #[serde(default)]
    pub base_url_like: Option<String>,
    /// Which header carries the key, whatever the protocol; none = each protocol's own.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Environment variables in which users keep its key, the usual one first.
    pub variables: Vec<String>,
    /// What it speaks, best first.
    pub speaks: Vec<Spoken>,
    /// How it lists its models; none if it does not.
    #[serde(default)]
    pub listing: Option<Listing>,
    /// The cheapest question that shows whether a key is good.
    pub check: KeyCheck,
    /// Its habits.
    #[serde(default)]
    pub quirks: HostedQuirks,
}

/// Which header carries a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`, as Anthropic has it.
    XApiKey,
    /// `x-goog-api-key: KEY`, as Google has it.
    XGoogApiKey,
}

/// A question that shows whether a key is good. Its path stands behind the base URL; a whole URL is asked as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCheck {
    /// A GET that is answered 200.
    Get(String),
    /// A POST of `{}`: one without a good key is a 401 or 403, one with it a complaint about the body.
    RefusesEmpty(String),
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
    /// Its habits in what is no chat, by operation; those above are the chats'.
    pub of: BTreeMap<Operation, HostedQuirks>,
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

    /// The row of an id.
    pub fn find(id: &str) -> Option<Arc<ProviderSpec>> {
        // Read anew each time: it is asked when settings change, and a test says that the table can be read.
        ProviderSpec::table().ok()?.iter().find(|row| *row.id == *id).cloned()
    }

    /// What it speaks.
    pub fn speaks(&self) -> Vec<Speaks> {
        let speaks = self.speaks.iter().map(|spoken| Speaks {
            protocol: spoken.protocol,
            prefix: spoken.prefix.clone(),
            operations: spoken.operations.clone(),
        });
        speaks.collect()
    }

    /// The header that carries its key to a protocol of its; `None` if no header can carry it.
    pub fn credential(&self, protocol: Protocol, secret: &str) -> Option<(HeaderName, HeaderValue)> {
        self.auth.unwrap_or(Auth::of(protocol)).header(secret)
    }
}

impl Auth {
    /// A protocol's own.
    pub fn of(protocol: Protocol) -> Auth {
        match protocol {
            Protocol::Anthropic => Auth::XApiKey,
            Protocol::Gemini => Auth::XGoogApiKey,
            Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::Ollama => Auth::Bearer,
        }
    }

    /// The header; `None` if no header can carry such a key.
    pub fn header(self, secret: &str) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            Auth::Bearer => (AUTHORIZATION, HeaderValue::try_from(format!("Bearer {secret}"))),
            Auth::XApiKey => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(secret)),
            Auth::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), HeaderValue::from_str(secret)),
        };
        let mut value = value.ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

#[cfg(test)]
mod tests;
