//! What a shell can ask.
//!
//! Shapes only; what a command does is the handle's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::usage::table::request::Filter;

/// What a shell can ask. One JSON object a line on the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
        #[cfg_attr(test, ts(optional = nullable))]
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
        /// Whether it is a further one, used where the others are over their limit.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        spare: bool,
        /// The credential.
        secret: SecretText,
    },
    /// Adds an endpoint at a hosted provider with its key, or gives the one of that name another key. The key is given, or
    /// the variable in which it stands: exactly one of the two.
    AddProvider {
        /// The provider's row.
        provider: String,
        /// The endpoint's name; the provider's id where it is none.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        name: Option<String>,
        /// Its address, where it is not the provider's usual one.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        base_url: Option<String>,
        /// Whether the address may be in a private network.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        allow_private: bool,
        /// What the account says of itself: a region, a project.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<BTreeMap<String, String>>"))]
        settings: BTreeMap<String, String>,
        /// The key; none where the provider needs none that is kept here.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        secret: Option<SecretText>,
        /// One of the provider's environment variables: the key is read from there whenever it is needed, and kept nowhere.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        variable: Option<String>,
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
    /// Adds an endpoint by hand, with its key where it needs one.
    AddEndpoint {
        /// Its name and prefix.
        name: String,
        /// Its address.
        base_url: String,
        /// What it speaks, best first, as the settings write it: `openai`, `anthropic`, ...
        protocol: Vec<String>,
        /// Models that it does not list itself.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
        models: Vec<String>,
        /// Whether the address may be in a private network.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        allow_private: bool,
        /// The key.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        secret: Option<SecretText>,
    },
    /// Removes an endpoint from the settings, and its key from where it is kept.
    RemoveEndpoint {
        /// Its name.
        name: String,
    },
    /// The latest requests, newest first.
    Requests {
        /// How many at most.
        limit: u32,
        /// The last id of the page before.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        before: Option<i64>,
        /// Which.
        #[serde(default)]
        #[cfg_attr(test, ts(optional, as = "Option<Filter>"))]
        filter: Filter,
    },
    /// What each of the last days came to.
    Usage {
        /// How many days, today included.
        days: u32,
    },
    /// The requests that are being answered, now and again while that changes, until the asker hangs up.
    WatchLive,
    /// Gives up a request that is being answered.
    CancelRequest {
        /// As [`LiveRequest`](super::LiveRequest) tells it.
        id: u64,
    },
    /// Keeps what is asked and said in each request for so long, and then no more; no minutes end it at once. Never on by
    /// itself, and never for longer than a day.
    KeepBodies {
        /// From now on.
        minutes: u32,
    },
    /// What was asked and said in a request, where it was kept.
    Bodies {
        /// The id of its row.
        request: i64,
    },
    /// Deletes everything that was so kept.
    DeleteBodies,
    /// Asks a route a short question, as a tool would.
    TestRoute {
        /// Its name, or any name that a tool may ask for.
        name: String,
    },
    /// A client key that is good while this gateway runs, for the shell's own chat. Kept nowhere.
    OwnKey,
    /// Stops answering inference, or goes on; everything else works meanwhile.
    SetPaused {
        /// Whether requests are refused.
        on: bool,
    },
    /// The settings that a window shows, each with its meaning.
    Settings,
    /// Changes one of them.
    SetSetting {
        /// As [`Setting`](super::Setting) tells it: `discovery.enabled`.
        key: String,
        /// Its new value; null for the default.
        #[cfg_attr(test, ts(type = "Json"))]
        value: serde_json::Value,
    },
    /// The hosted providers that can be added.
    Providers,
    /// How each known tool is pointed here.
    Tools {
        /// The route or model that the tool is to ask for.
        route: String,
        /// The key to write into the texts; a placeholder stands there where it is none.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        key: Option<SecretText>,
    },
    /// Loads a model into memory, where its runtime can be told to.
    LoadModel {
        /// The endpoint's id.
        endpoint: String,
        /// The model's id there.
        model: String,
    },
    /// Takes a model out of memory.
    UnloadModel {
        /// The endpoint's id.
        endpoint: String,
        /// The model's id there.
        model: String,
    },
    /// Has a runtime fetch a model. Answered when it began; the snapshot shows how far it is.
    PullModel {
        /// The endpoint's id.
        endpoint: String,
        /// The name as the runtime knows it.
        name: String,
    },
    /// Has a small model fetched for the built-in runtime. Answered when it began; the snapshot shows how far it is, as of a
    /// pull of the endpoint `builtin`.
    FetchFirstModel,
    /// Gives up a pull, or forgets one that failed.
    CancelPull {
        /// The endpoint's id.
        endpoint: String,
        /// The name that was asked for.
        name: String,
    },
    /// Starts the server of a runtime that is installed but off.
    StartRuntime {
        /// Its row in `runtimes.toml`.
        runtime: String,
    },
    /// The kept conversations, newest first.
    Conversations {
        /// Only those in which all these words stand.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        search: Option<String>,
    },
    /// One conversation with all its messages.
    Conversation {
        /// Its id.
        id: i64,
    },
    /// Keeps a message, in a new conversation where none is named.
    SaveMessage {
        /// The conversation's id.
        #[serde(default)]
        #[cfg_attr(test, ts(optional = nullable))]
        conversation: Option<i64>,
        /// The message.
        message: NewMessage,
    },
    /// Gives a conversation another title.
    RenameConversation {
        /// Its id.
        id: i64,
        /// The title.
        title: String,
    },
    /// Deletes a conversation and its messages.
    DeleteConversation {
        /// Its id.
        id: i64,
    },
    /// Looks for runtimes at once rather than at the next turn.
    Rescan,
    /// Stops the gateway after its open streams ended or their time ran out.
    Stop,
}

/// A credential on its way through the control socket. Never printed.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// A message of a conversation that is to be kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The message that it follows; none for a conversation's first. Two that follow the same one are branches.
    #[serde(default)]
    #[cfg_attr(test, ts(optional = nullable))]
    pub parent: Option<i64>,
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// Its text.
    pub text: String,
    /// What the model thought before it.
    #[serde(default)]
    #[cfg_attr(test, ts(optional = nullable))]
    pub reasoning: Option<String>,
    /// Images as `data:` URLs.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub images: Vec<String>,
    /// Who answered and how fast, as the window shows it: kept as it is.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, type = "Json"))]
    pub facts: serde_json::Value,
}
