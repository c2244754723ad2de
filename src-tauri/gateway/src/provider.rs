//! The table of local runtimes: how each is found, recognised, listed and spoken to.
//!
//! Data only, read once from `runtimes.toml`: a reader can check a row against the runtime's own documentation, and a
//! new OpenAI-compatible server is one row and no code. Hosted providers are a second table of the same kind, [`hosted`];
//! what is known of their models is a third, [`known`]. What runs right now is the catalog's business.

pub mod hosted;
pub mod known;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

pub use version::at_least;

use crate::protocol::shape::{Beside, Shape};
use crate::protocol::{Holding, Operation, Protocol, Speaks};

/// A row's key in `runtimes.toml`: `ollama`, `lmstudio`, `llamacpp`, `llamafile`, `vllm`, ...
pub type RuntimeId = Arc<str>;

/// The table as it is compiled in.
const TABLE: &str = include_str!("../runtimes.toml");

/// A row of `runtimes.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSpec {
    /// The row's key; settings and endpoint ids use it.
    pub id: RuntimeId,
    /// What a person reads.
    pub name: String,
    /// Ports that it takes by default; asked although no process is seen (containers, other users).
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Ports on which only its own app listens: something there and nothing elsewhere means that its server is off.
    #[serde(default)]
    pub control_ports: Vec<u16>,
    /// Its processes, each as the executable's name and perhaps a subcommand, both with wildcards.
    #[serde(default)]
    pub processes: Vec<Vec<String>>,
    /// Further names of processes below which model engines are private.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Whether a process of its own below another one is private too: a router's children.
    #[serde(default)]
    pub private_below_itself: bool,
    /// Whether every port of its process is asked, not only those that its arguments or this row name.
    #[serde(default)]
    pub any_port: bool,
    /// Whether its port refuses until the model is loaded, so that a process without a port is one that starts.
    #[serde(default)]
    pub listens_when_ready: bool,
    /// Arguments that name its port.
    #[serde(default = "port_flags")]
    pub port_flags: Vec<String>,
    /// Arguments that move every path below a prefix.
    #[serde(default)]
    pub prefix_flags: Vec<String>,
    /// Environment variables that hold a host, a port or both.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Files that may name its port.
    #[serde(default)]
    pub files: Vec<PortFile>,
    /// What tells it from all others: alternatives, tried in order.
    pub fingerprints: Vec<Fingerprint>,
    /// Where it tells its version.
    #[serde(default)]
    pub version: Option<Place>,
    /// How it lists its models.
    pub listing: Listing,
    /// Whether all models that it lists are in memory.
    #[serde(default)]
    pub lists_loaded: bool,
    /// How it is told to load, unload and fetch models, where it can be.
    #[serde(default)]
    pub upkeep: Option<UpkeepSpec>,
    /// What it speaks, best first.
    pub speaks: Vec<Spoken>,
    /// Habits that a client must know.
    #[serde(default)]
    pub quirks: Quirks,
    /// Where it is found when it is installed, and how it is started.
    #[serde(default)]
    pub installed: Vec<Installation>,
}

/// An environment variable that names an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// How its value is read.
    pub form: VariableForm,
}

/// How an environment variable names an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableForm {
    /// As Ollama reads `OLLAMA_HOST`.
    Ollama,
    /// A bare port.
    Port,
    /// `host:port` or `:port`.
    Address,
}

/// A file that may name a port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortFile {
    /// Its path; `~` is the home folder, `%NAME%` an environment variable, `{lmstudio}` LM Studio's own home.
    pub path: String,
    /// How it is read.
    pub form: PortFileForm,
}

/// How a file names a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortFileForm {
    /// A JSON object with a number `port`.
    Json,
    /// Lines `port = 8080`.
    Ini,
    /// A systemd unit with `Environment=OLLAMA_HOST=...`.
    OllamaUnit,
}

/// Facts that together say what a server is. Only then is the next one asked for, so that no server sees paths of others.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// What a match means.
    #[serde(default)]
    pub meaning: Meaning,
    /// Holds only where the process is seen to be this runtime's: for answers that several runtimes give alike.
    #[serde(default)]
    pub needs_process: bool,
    /// Tried only where the process, the port or a file suggests this runtime: for first paths that others do not know.
    #[serde(default)]
    pub needs_hint: bool,
    /// A version that a match proves at least, where the runtime tells none.
    #[serde(default)]
    pub implies: Option<String>,
    /// All of these hold.
    pub checks: Vec<Check>,
}

/// What a matching fingerprint means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// It answers.
    #[default]
    Ready,
    /// It loads its model.
    Starting,
    /// It wants a key.
    NeedsKey,
    /// Its app runs, its server is off.
    ServerOff,
}

/// One GET and what its answer must be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The path and query.
    pub path: String,
    /// The status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers and their values, with wildcards.
    #[serde(default)]
    pub header: BTreeMap<String, String>,
    /// Headers that must be missing.
    #[serde(default)]
    pub absent: Vec<String>,
    /// The whole body as text, with wildcards.
    #[serde(default)]
    pub text: Option<String>,
    /// Values in the JSON body by JSON pointer, with wildcards; `*` = anything that is there.
    #[serde(default)]
    pub body: BTreeMap<String, String>,
    /// JSON pointers that lead nowhere.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// The body is a JSON list of models: an object with an array `data` (or null).
    #[serde(default)]
    pub list: bool,
    /// The row's version, which this answer tells, is older than this.
    #[serde(default)]
    pub below: Option<String>,
}

/// A value in a JSON answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The path to GET.
    pub path: String,
    /// The JSON pointer.
    pub at: String,
}

/// How models are listed. Closed: a new shape is a new parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Listing {
    /// `/api/tags`, `/api/ps`, `/api/show`.
    Ollama,
    /// `/api/v1/models`, else `/api/v0/models`, else `/v1/models`.
    LmStudio,
    /// `/v1/models` with `meta`, `/props`; also the router's form.
    LlamaCpp,
    /// `/v1/models` of OpenAI's shape, with the usual extras.
    OpenAi,
    /// `/v1/models` of Anthropic's shape.
    Anthropic,
    /// `/v1beta/models` of Gemini's shape.
    Gemini,
}

/// How a runtime is told what to do with its models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpkeepSpec {
    /// In which form.
    pub form: UpkeepForm,
    /// The first version that can be told.
    #[serde(default)]
    pub since: Option<String>,
}

/// In which form a runtime is told what to do with its models. Closed: a new one is a new file in `upkeep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpkeepForm {
    /// `/api/generate`, `/api/pull`.
    Ollama,
    /// `/api/v1/models/load`, `unload`, `download`.
    LmStudio,
    /// `/models/load`, `/models/unload` of the router.
    LlamaCpp,
}

impl UpkeepSpec {
    /// The form in a version; an unknown version has it.
    pub fn at(&self, version: Option<&str>) -> Option<UpkeepForm> {
        match (&self.since, version) {
            (Some(since), Some(version)) if !at_least(version, since).unwrap_or(true) => None,
            (_, _) => Some(self.form),
        }
    }
}

/// A protocol as a runtime speaks it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// The wire format.
    pub protocol: Protocol,
    /// The path before the protocol's own paths.
    pub prefix: String,
    /// What it can be asked.
    pub operations: Vec<Operation>,
    /// What it holds for an account, at the protocol's own paths.
    #[serde(default)]
    pub holds: Vec<Holding>,
    /// How a cloud changes it; none where it is its maker's own.
    #[serde(default)]
    pub shape: Option<Shape>,
    /// What each request has in its query beside; a hosted provider's accounts fill it, and the fields.
    #[serde(default)]
    pub query: Option<String>,
    /// What each request has in its body beside, by field.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// A setting of the account with which alone it is spoken so.
    #[serde(default)]
    pub with: Option<String>,
    /// A setting of the account with which it is not.
    #[serde(default)]
    pub without: Option<String>,
    /// The first version that speaks it.
    #[serde(default)]
    pub since: Option<String>,
}

/// Habits that a client must know, as data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// A single 500 is the request's fault, not a sign of bad health.
    pub server_error_is_clients: bool,
    /// An unknown path is answered 200 with an `error`, and written into the user's console.
    pub unknown_path_is_200: bool,
    /// A failure may come as `error` under 200, or as a stream without any chunk.
    pub error_in_200: bool,
}

/// A place where a runtime may be installed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// `linux`, `macos` or `windows`; absent = all.
    #[serde(default)]
    pub os: Option<String>,
    /// An executable on the PATH, without `.exe`; or
    #[serde(default)]
    pub binary: Option<String>,
    /// a path, where `~` is the home folder, `%NAME%` an environment variable and `{lmstudio}` LM Studio's own home.
    #[serde(default)]
    pub path: Option<String>,
    /// The command that starts its server; `{path}` is the place found.
    pub start: Vec<String>,
}

impl From<&Spoken> for Speaks {
    fn from(spoken: &Spoken) -> Speaks {
        let Spoken { protocol, prefix, operations, holds, shape, query, fields, with: _, without: _, since: _ } =
            spoken.clone();
        Speaks { protocol, prefix, operations, holds, shape, beside: Beside { query, fields } }
    }
}

impl RuntimeSpec {
    /// Every row, in the order in which their fingerprints are tried.
    pub fn table() -> Result<Arc<[RuntimeSpec]>, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            runtime: Vec<RuntimeSpec>,
        }
        toml::from_str::<Table>(TABLE).map(|table| table.runtime.into())
    }

    /// What this runtime speaks in a version; an unknown version speaks all.
    pub fn speaks(&self, version: Option<&str>) -> Vec<Speaks> {
        self.speaks
            .iter()
            .filter(|spoken| match (&spoken.since, version) {
                (Some(since), Some(version)) => at_least(version, since).unwrap_or(true),
                (None, _) | (_, None) => true,
            })
            .map(Speaks::from)
            .collect()
    }
}

fn port_flags() -> Vec<String> {
    vec!["--port".to_owned()]
}

fn ok() -> u16 {
    200
}

#[cfg(test)]
mod tests;
