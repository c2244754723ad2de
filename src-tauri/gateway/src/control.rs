//! The gateway as its shells see it: one [`Handle`], and the same over a socket for the command line and the window.
//!
//! Settings, keys and routes change here and nowhere else: never over the HTTP port. What a shell shows is a
//! [`Snapshot`], what it asks is a [`Command`].

pub mod client;
mod handle;
mod lines;
mod place;
pub mod socket;
mod view;

use serde::{Deserialize, Serialize};

pub use handle::{Handle, Parts, count_changes};

use crate::catalog::{EndpointState, Installed, Model, Refusal};
use crate::server::ollama_port;

/// What a shell can ask. One JSON object a line on the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Everything there is to show, once.
    Snapshot,
    /// Everything there is to show, now and again after each change, until the asker hangs up.
    Watch,
    /// Makes a route or replaces its targets.
    SetRoute {
        /// Its name.
        name: String,
        /// Model names, tried in order.
        targets: Vec<String>,
        /// Context in tokens, where given.
        #[serde(default)]
        context: Option<u32>,
    },
    /// Removes a route; `default` then means what it meant at first.
    RemoveRoute {
        /// Its name.
        name: String,
    },
    /// Turns local-only mode on or off.
    SetLocalOnly {
        /// Whether nothing may leave the machine.
        on: bool,
    },
    /// Makes a client key for a tool. Answered once with the key itself, which is then kept only as a hash.
    AddClientKey {
        /// The tool's name.
        name: String,
    },
    /// Revokes a tool's client key.
    RemoveClientKey {
        /// The tool's name.
        name: String,
    },
    /// Stores the credential of an endpoint from the settings and writes there where it is kept.
    StoreCredential {
        /// The endpoint's name.
        endpoint: String,
        /// The credential.
        secret: SecretText,
    },
    /// Adds an endpoint at a hosted provider with its key, or gives the one of that name another key.
    AddProvider {
        /// The provider's row.
        provider: String,
        /// The endpoint's name; the provider's id where it is none.
        #[serde(default)]
        name: Option<String>,
        /// Its address, where it is not the provider's usual one.
        #[serde(default)]
        base_url: Option<String>,
        /// Whether the address may be in a private network.
        #[serde(default)]
        allow_private: bool,
        /// The key.
        secret: SecretText,
    },
    /// Tries the key of an endpoint at a hosted provider.
    CheckKey {
        /// The endpoint's name.
        endpoint: String,
    },
    /// Forgets the credential of an endpoint.
    RemoveCredential {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The latest requests, newest first.
    Requests {
        /// How many at most.
        limit: u32,
    },
    /// Looks for runtimes at once rather than at the next turn.
    Rescan,
    /// Stops the gateway after its open streams ended or their time ran out.
    Stop,
}

/// A credential on its way through the control socket. Never printed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// What a shell gets back. One JSON object a line on the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Everything there is to show.
    Snapshot(Box<Snapshot>),
    /// Done.
    Done,
    /// A new client key, shown this once.
    ClientKey {
        /// The key.
        key: SecretText,
    },
    /// A credential was stored.
    Stored {
        /// Where, as the settings write it: `keychain:NAME` or `file:NAME`.
        place: String,
        /// What a person should know about that place; empty if nothing.
        note: String,
    },
    /// A key was tried.
    Checked {
        /// Whether it is good; none where that was not found out.
        good: Option<bool>,
        /// What was found, in a sentence.
        says: String,
    },
    /// The latest requests.
    Requests {
        /// Rows as `usage` keeps them.
        rows: Vec<serde_json::Value>,
    },
    /// It could not be done.
    Failed {
        /// Why, and the way out.
        message: String,
    },
}

/// Everything there is to show, at one moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Pointsman's version.
    pub version: String,
    /// This run's id, the same as in the `x-pointsman-instance` header.
    pub instance: String,
    /// The gateway's process.
    pub process: u32,
    /// Addresses that are listened on: `127.0.0.1:4747`.
    pub addresses: Vec<String>,
    /// The second port, for tools that know only Ollama's.
    #[serde(default)]
    pub ollama_port: ollama_port::State,
    /// Grows with each change.
    pub revision: u64,
    /// Whether discovery has looked everywhere once since the start: only then does an empty list mean that nothing runs.
    #[serde(default)]
    pub settled: bool,
    /// Answers that are being given now.
    #[serde(default)]
    pub open_streams: u32,
    /// Whether nothing may leave the machine.
    pub local_only: bool,
    /// Whether every request needs a client key.
    pub key_always: bool,
    /// What is wrong with the settings file, if anything; the last good ones are in force.
    pub settings_problem: Option<String>,
    /// What is odd about the settings file: keys that mean nothing.
    #[serde(default)]
    pub settings_warnings: Vec<String>,
    /// The settings file.
    pub settings_file: String,
    /// Why keys cannot be kept in the system's keychain, if so.
    #[serde(default)]
    pub keychain_problem: Option<String>,
    /// Live places.
    pub endpoints: Vec<EndpointView>,
    /// What they offer.
    pub models: Vec<Model>,
    /// Routes, `default` first.
    pub routes: Vec<RouteView>,
    /// Client keys, without the keys.
    pub client_keys: Vec<ClientKeyView>,
    /// Runtimes that are installed but off.
    pub installed: Vec<Installed>,
    /// What was seen and is not used, and why.
    pub refused: Vec<Refusal>,
    /// Usage rows that could not be kept.
    pub usage_dropped: u64,
}

/// An endpoint as a shell shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointView {
    /// Its id and prefix.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// The runtime's row, where known.
    pub runtime: Option<String>,
    /// The provider's row, where it is a hosted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `discovered`, `settings` or `builtin`.
    pub origin: String,
    /// Its address, without any credential.
    pub base_url: String,
    /// Protocols it speaks, best first.
    pub speaks: Vec<String>,
    /// Whether requests to it stay on this machine.
    pub local: bool,
    /// Whether it answers.
    pub state: EndpointState,
    /// Seconds that it still cools down after failures.
    pub cooling_seconds: Option<u64>,
    /// Its version.
    pub version: Option<String>,
    /// The process that listens.
    pub process: Option<u32>,
    /// Where its key is kept, if it has one.
    pub credential: Option<String>,
    /// How many models it offers.
    pub models: usize,
    /// Warnings.
    pub notes: Vec<String>,
}

/// A route as a shell shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteView {
    /// Its name.
    pub name: String,
    /// What the settings say, in order.
    pub targets: Vec<String>,
    /// Context in tokens, where set.
    pub context: Option<u32>,
    /// Who would answer now, `endpoint/model`, in order.
    pub answers: Vec<String>,
    /// Why nobody would, if so.
    pub problem: Option<String>,
}

/// A client key as a shell shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientKeyView {
    /// The tool's name.
    pub name: String,
    /// The day it was made.
    pub created: Option<String>,
}
