//! What the user has decided: one TOML file over commented defaults.
//!
//! `settings.toml` beside the crate is the reference *and* `Default`; the user's file holds differences. This module
//! reads and checks; [`watch`] re-reads on change, [`edit`] changes the file and keeps its comments. It stores no
//! credential, only where one is kept.

pub mod client_key;
pub mod edit;
pub mod prices;
pub mod read;
pub mod shown;
pub mod watch;

mod check;
mod reference;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::protocol::Protocol;
use crate::provider::hosted::{Account, ProviderSpec};
use crate::secrets::CredentialRef;
use prices::Prices;

/// The commented defaults, shown by `pointsman settings --defaults` and read as [`Settings::default`].
pub const DEFAULTS: &str = include_str!("../settings.toml");

/// All that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The port on every address of `bind`; 0 takes a free one.
    pub port: u16,
    /// Addresses to listen on.
    pub bind: Vec<IpAddr>,
    /// Who needs a client key.
    pub require_key: RequireKey,
    /// Nothing leaves the machine.
    pub local_only: bool,
    /// Origins that may call from a browser.
    pub allowed_origins: Vec<String>,
    /// Further Host names, without port.
    pub allowed_hosts: Vec<String>,
    /// Logging.
    pub log: Log,
    /// Looking for runtimes.
    pub discovery: Discovery,
    /// Pointsman's own llama.cpp.
    pub builtin: BuiltIn,
    /// The second port.
    pub ollama_port: OllamaPort,
    /// Sizes and times.
    pub limits: Limits,
    /// Counting requests.
    pub usage: Usage,
    /// Keeping answers of the Responses API.
    pub responses: Responses,
    /// What the tray tells without being asked.
    pub notifications: Notifications,
    /// Patterns to route names.
    pub aliases: BTreeMap<String, String>,
    /// Routes by name.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
    /// Endpoints by hand.
    #[serde(default)]
    pub endpoints: Vec<ConfiguredEndpoint>,
    /// Client keys.
    #[serde(default)]
    pub client_keys: Vec<ClientKey>,
}

impl Default for Settings {
    #[expect(clippy::expect_used, reason = "the defaults are part of the program, and a test reads them")]
    fn default() -> Settings {
        read::read("").expect("the commented defaults are good settings").settings
    }
}

/// Who needs a client key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequireKey {
    /// Only requests that leave this machine.
    Hosted,
    /// Every request.
    Always,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

/// Looking for runtimes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Whether it is done at all.
    pub enabled: bool,
    /// Runtimes that are not looked for.
    pub ignore: Vec<String>,
    /// Whether the runtimes' usual ports are asked.
    pub default_ports: bool,
    /// Whether the process list is read.
    pub processes: bool,
    /// Further ports to ask.
    pub ports: Vec<u16>,
}

/// When the built-in runtime offers its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltInMode {
    /// Where no other runtime is found.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Pointsman's own llama.cpp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltIn {
    /// When it offers its models.
    pub enabled: BuiltInMode,
    /// Seconds without a request after which the server stops.
    pub idle_seconds: u64,
    /// Context per request; 0 = as trained, as far as memory allows.
    pub context: u32,
    /// Threads; 0 = one for each core, and at least one is left free.
    pub threads: u16,
    /// The `llama-server` to run; empty = look for one.
    pub server: PathBuf,
    /// Further folders with GGUF files.
    pub folders: Vec<PathBuf>,
}

/// A second port, for tools that can be told no other address than Ollama's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OllamaPort {
    /// Whether it is opened.
    pub enabled: bool,
    /// The port on the loopback addresses of `bind`; 0 takes a free one.
    pub port: u16,
}

/// Sizes and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest request body in bytes.
    pub body_bytes: usize,
    /// Milliseconds to connect on this machine.
    pub connect_ms: u64,
    /// Milliseconds to connect elsewhere.
    pub connect_remote_ms: u64,
    /// Seconds until the first byte.
    pub first_byte_seconds: u64,
    /// Seconds without a byte in mid-answer.
    pub idle_seconds: u64,
    /// Seconds that open streams have when Pointsman stops.
    pub drain_seconds: u64,
}

/// Counting requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Days that a request's row is kept; 0 = nothing is kept.
    pub retention_days: u32,
}

/// Keeping answers of the Responses API, so that a later request can go on from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responses {
    /// Whether it is done at all.
    pub store: bool,
    /// Days that a conversation is kept after it was last gone on with.
    pub days: u32,
    /// The most answers kept.
    pub count: u32,
    /// The most megabytes kept.
    pub megabytes: u32,
}

/// What the tray tells without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// A choice took effect.
    pub choices: bool,
    /// A runtime appeared or is gone.
    pub runtimes: bool,
    /// A key stopped working.
    pub keys: bool,
}

impl Default for Notifications {
    /// As the commented defaults say.
    fn default() -> Notifications {
        Notifications { choices: true, runtimes: true, keys: true }
    }
}

/// A name with ordered targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Model names, tried in order; each may have a prefix: `ollama:qwen3:8b`.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Context in tokens for runtimes that take it per request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
}

/// An endpoint by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenEndpoint")]
pub struct ConfiguredEndpoint {
    /// Its id in the catalog and its prefix in model names.
    pub name: String,
    /// The account at a hosted provider: what the entry leaves out is as the provider's row says.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Arc<Account>>,
    /// Scheme, host, port and perhaps a path; without the `/v1`.
    pub base_url: Url,
    /// What it speaks, best first; empty = ask it what it is.
    pub protocol: Vec<Protocol>,
    /// Where its key is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<CredentialRef>,
    /// Where further keys are kept, used in turn where one is over its limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spare_keys: Vec<CredentialRef>,
    /// Model names, where it has no list of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Whether the address may be in a private network.
    pub allow_private: bool,
    /// What its models cost, where that is not what the table says.
    #[serde(skip_serializing_if = "Prices::is_empty")]
    pub prices: Prices,
}

/// The same as it is written.
#[derive(Deserialize)]
struct WrittenEndpoint {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    base_url: Option<Url>,
    #[serde(default, deserialize_with = "one_or_many")]
    protocol: Vec<Protocol>,
    #[serde(default)]
    key: Option<CredentialRef>,
    #[serde(default)]
    spare_keys: Vec<CredentialRef>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default)]
    prices: Prices,
}

impl TryFrom<WrittenEndpoint> for ConfiguredEndpoint {
    type Error = String;

    fn try_from(written: WrittenEndpoint) -> Result<ConfiguredEndpoint, String> {
        let provider = match &written.provider {
            Some(id) => Some(Arc::new(account(id, written.settings)?)),
            None if !written.settings.is_empty() => {
                return Err("`settings` are a provider's: name the `provider`".into());
            }
            None => None,
        };
        let base_url = match (written.base_url, provider.as_deref()) {
            (Some(url), _) => url,
            (None, Some(account)) => usual_address(account)?,
            (None, None) => return Err("`base_url` is missing, or a `provider`".to_owned()),
        };
        let name = written.name.or(written.provider).ok_or("an endpoint needs a `name`, or a `provider`")?;
        let WrittenEndpoint { protocol, mut key, mut spare_keys, models, allow_private, prices, .. } = written;
        if key.is_none() && !spare_keys.is_empty() {
            key = Some(spare_keys.remove(0));
        }
        Ok(ConfiguredEndpoint { name, provider, base_url, protocol, key, spare_keys, models, allow_private, prices })
    }
}

impl ConfiguredEndpoint {
    /// Where its keys are kept, the first one first.
    pub(crate) fn keys(&self) -> Vec<CredentialRef> {
        self.key.iter().chain(&self.spare_keys).cloned().collect()
    }

    /// An endpoint at a provider, still without its key.
    pub(crate) fn at(
        provider: Account,
        name: String,
        base_url: Option<&str>,
        allow_private: bool,
    ) -> Result<ConfiguredEndpoint, String> {
        let base_url = match base_url {
            Some(url) => url.parse().map_err(|error| format!("`{}` is no address: {error}", url.escape_debug()))?,
            None => usual_address(&provider)?,
        };
        let (protocol, models) = (Vec::new(), Vec::new());
        let provider = Some(Arc::new(provider));
        Ok(ConfiguredEndpoint {
            name,
            provider,
            base_url,
            protocol,
            key: None,
            spare_keys: Vec::new(),
            models,
            allow_private,
            prices: Prices::default(),
        })
    }
}

/// An account at the provider of an id.
pub(crate) fn account(id: &str, settings: BTreeMap<String, String>) -> Result<Account, String> {
    let row = ProviderSpec::find(id).ok_or_else(|| {
        format!("`{}` is no provider that Pointsman knows; `pointsman providers` lists them", id.escape_debug())
    })?;
    Account::new(row, settings).map_err(|bad| bad.to_string())
}

fn usual_address(account: &Account) -> Result<Url, String> {
    account.usual_address().ok_or_else(|| {
        let like = account.base_url_like.as_deref().unwrap_or_default();
        format!("`base_url` is missing: each customer of {} has an own one, like {like}", account.name)
    })
}

/// A tool's key: what `pointsman keys add` made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// The tool's name, shown in usage rows.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub hash: String,
    /// The day it was made, `2026-11-22`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

impl ClientKey {
    /// The SHA-256 that the hash stands for; `None` where it is written otherwise.
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        let digits = self.hash.strip_prefix("sha256:")?.as_bytes();
        let (pairs, []) = digits.as_chunks::<2>() else {
            return None;
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect();
        bytes?.try_into().ok()
    }
}

fn nibble(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|value| value.try_into().ok())
}

/// An untagged enum would read the same, but says only that no variant fits.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Protocol>, D::Error> {
    struct OneOrMany;

    impl<'de> serde::de::Visitor<'de> for OneOrMany {
        type Value = Vec<Protocol>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a protocol or a list of protocols: ")?;
            f.write_str(&Protocol::ALL.iter().map(|protocol| protocol.id()).collect::<Vec<_>>().join(", "))
        }

        fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<Vec<Protocol>, E> {
            Ok(vec![Protocol::deserialize(id.into_deserializer())?])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<Vec<Protocol>, A::Error> {
            Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(OneOrMany)
}
