//! Everything there is to show.
//!
//! Shapes only, made by `view` and by the handle. Its types are the one promise of the gateway's insides to the outside:
//! the window's are made from them.

use serde::{Deserialize, Serialize};

use crate::catalog::{EndpointState, Installed, Model, Refusal};
use crate::dispatch::allowance::Allowance;
use crate::server::ollama_port;

/// Everything there is to show, at one moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
    /// Whether inference is refused until the user goes on.
    #[serde(default)]
    pub paused: bool,
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
    /// The machine's memory.
    #[serde(default)]
    pub machine: Machine,
    /// Models that are being fetched, or could not be.
    #[serde(default)]
    pub pulls: Vec<Pull>,
    /// The model that can be fetched for the built-in runtime, where it is not here.
    #[serde(default)]
    pub first_model: Option<FirstModelView>,
    /// Until when the text of requests and answers is kept, milliseconds since 1970 UTC; none while it is not.
    #[serde(default)]
    pub bodies_until_ms: Option<i64>,
    /// Usage rows that could not be kept.
    pub usage_dropped: u64,
}

/// A model that can be fetched for the built-in runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FirstModelView {
    /// Its name, and that of its pull.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// Under which licence it may be used.
    pub licence: String,
    /// A page that tells of it.
    pub about: String,
}

/// An endpoint as a shell shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EndpointView {
    /// Its id and prefix.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// The runtime's row, where known.
    pub runtime: Option<String>,
    /// The provider's row, where it is a hosted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
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
    /// How many keys stand by for when that one is over its limit.
    #[serde(default)]
    pub spare_keys: usize,
    /// What its provider says is left of its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub allowance: Option<Allowance>,
    /// How many models it offers.
    pub models: usize,
    /// What it can be told to do with them.
    #[serde(default)]
    pub actions: ModelActions,
    /// Warnings.
    pub notes: Vec<String>,
}

/// A route as a shell shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ClientKeyView {
    /// The tool's name.
    pub name: String,
    /// The day it was made.
    pub created: Option<String>,
    /// When it was last used, milliseconds since 1970 UTC, where known.
    #[serde(default)]
    pub last_used_ms: Option<i64>,
}

/// What an endpoint can be told to do with its models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ModelActions {
    /// Load one into memory.
    pub load: bool,
    /// Take one out of memory.
    pub unload: bool,
    /// Fetch one by name.
    pub pull: bool,
}

/// The machine's memory in bytes. Zero and none where the system does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Machine {
    /// All of it.
    pub memory_total: u64,
    /// What programs can still have.
    pub memory_available: u64,
    /// Each GPU with memory of its own.
    pub gpus: Vec<Gpu>,
}

/// A GPU's memory in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// All of it.
    pub memory_total: u64,
    /// What is free.
    pub memory_free: u64,
}

/// A model that is being fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Pull {
    /// The endpoint's id.
    pub endpoint: String,
    /// The name that was asked for.
    pub name: String,
    /// How far it is.
    pub state: PullState,
}

/// How far a pull is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PullState {
    /// It is under way.
    Running {
        /// What the runtime says it does.
        says: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, once known.
        total: Option<u64>,
    },
    /// It could not be done.
    Failed {
        /// Why.
        message: String,
    },
}
