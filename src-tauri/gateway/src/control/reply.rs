//! What a shell gets back.
//!
//! Shapes only: numbers in the unit that their doc says, texts ready to be shown.

use serde::{Deserialize, Serialize};

use super::{SecretText, Snapshot};
use crate::usage::table::body::Texts;

/// What a shell gets back. One JSON object a line on the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
        #[cfg_attr(test, ts(as = "Vec<super::bindings::RequestRow>"))]
        rows: Vec<serde_json::Value>,
    },
    /// What was asked and said in a request.
    Bodies(Texts),
    /// What each day came to.
    Usage {
        /// Newest day first.
        rows: Vec<UsageDay>,
    },
    /// The requests that are being answered.
    Live {
        /// Oldest first.
        requests: Vec<LiveRequest>,
    },
    /// A route was tried.
    Tested(Tested),
    /// The settings that a window shows.
    Settings {
        /// In the order of the commented defaults.
        settings: Vec<Setting>,
    },
    /// The hosted providers that can be added.
    Providers {
        /// In the table's order.
        rows: Vec<ProviderView>,
    },
    /// How each known tool is pointed here.
    Tools {
        /// In the table's order.
        rows: Vec<ToolView>,
    },
    /// The kept conversations.
    Conversations {
        /// Newest first.
        rows: Vec<ConversationRow>,
    },
    /// One conversation.
    Conversation(Conversation),
    /// A message was kept.
    Saved {
        /// Its conversation's id.
        conversation: i64,
        /// Its id.
        message: i64,
    },
    /// It could not be done.
    Failed {
        /// Why, and the way out.
        message: String,
    },
}

/// What one day came to for one model at one endpoint and one client.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UsageDay {
    /// The day in the user's own time zone, `2026-07-31`.
    pub day: String,
    /// The model that answered; none if nothing did.
    pub model: Option<String>,
    /// The endpoint that answered, or that failed last.
    pub endpoint: Option<String>,
    /// The client key's name.
    pub client: Option<String>,
    /// Whether the endpoint is on this machine.
    pub local: bool,
    /// How many requests.
    pub requests: i64,
    /// How many of them went wrong.
    pub errors: i64,
    /// Tokens of the prompts.
    pub input_tokens: i64,
    /// Tokens of the answers.
    pub output_tokens: i64,
    /// Prompt tokens read from a cache.
    pub cached_tokens: i64,
    /// Mean time to the first byte in milliseconds, where there was one.
    pub first_byte_ms: Option<f64>,
    /// Mean time to the end in milliseconds.
    pub total_ms: f64,
    /// What it cost in US dollars, where the price is known.
    pub cost_usd: Option<f64>,
}

/// A request that is being answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LiveRequest {
    /// Good for [`Command::CancelRequest`](super::Command::CancelRequest).
    pub id: u64,
    /// Arrival, milliseconds since 1970 UTC.
    pub started_ms: i64,
    /// The client key's name.
    pub client: Option<String>,
    /// What the tool calls itself.
    pub tool: Option<String>,
    /// The protocol that the client speaks.
    pub surface: String,
    /// What was asked for.
    pub operation: String,
    /// The model name that was asked for.
    pub asked: String,
    /// The endpoint that is being asked.
    pub endpoint: Option<String>,
    /// The model at that endpoint.
    pub model: Option<String>,
    /// Whether that endpoint is on this machine.
    pub local: bool,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// How many targets were tried.
    pub attempts: u8,
    /// Frames of the answer so far: about one token each in a stream.
    pub chunks: u32,
    /// From arrival to the first byte in milliseconds, once it came.
    pub first_byte_ms: Option<f64>,
}

/// How a route answered a short question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Tested {
    /// Who answered, `endpoint/model`.
    pub target: Option<String>,
    /// Whether it stayed on this machine.
    pub local: bool,
    /// From asking to the first token in milliseconds.
    pub first_token_ms: Option<f64>,
    /// Tokens a second after the first.
    pub tokens_per_second: Option<f64>,
    /// How many targets were tried.
    pub attempts: u8,
    /// The beginning of what it said.
    pub text: String,
    /// Why nobody answered, and the way out.
    pub problem: Option<String>,
}

/// A setting that a window shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Setting {
    /// Its place in the settings file: `discovery.enabled`.
    pub key: String,
    /// What it does, from the comment in the defaults.
    pub help: String,
    /// What it takes.
    pub kind: SettingKind,
    /// What is in force.
    #[cfg_attr(test, ts(type = "Json"))]
    pub value: serde_json::Value,
    /// What is in force where nothing is said.
    #[cfg_attr(test, ts(type = "Json"))]
    pub default: serde_json::Value,
    /// Whether it takes effect only after a restart.
    pub restart: bool,
}

/// What a setting takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettingKind {
    /// True or false.
    Switch,
    /// A whole number.
    Number {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// One of these words.
    Choice {
        /// The words.
        options: Vec<String>,
    },
    /// A line of text.
    Text,
    /// Lines of text.
    List,
}

/// A hosted provider that can be added.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ProviderView {
    /// Its row.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// Its address; none where each customer has one of their own.
    pub base_url: Option<String>,
    /// What a customer's own address looks like.
    pub base_url_like: Option<String>,
    /// What it speaks: `OpenAI chat completions`, ...
    pub speaks: Vec<String>,
    /// Environment variables in which users keep its key.
    pub variables: Vec<String>,
    /// The vendor's page on which a person makes one.
    pub key_page: Option<String>,
    /// Which of them is set now, if one is. Its value is not told and not used.
    pub found: Option<String>,
    /// Whether a key of its own must be given.
    pub needs_key: bool,
    /// What each account says of itself.
    pub settings: Vec<ProviderSettingView>,
    /// The endpoints in the settings that are at it.
    pub endpoints: Vec<String>,
}

/// What an account at a provider says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ProviderSettingView {
    /// Its name: `region`.
    pub name: String,
    /// What it is.
    pub help: String,
    /// What it is where nothing is said.
    pub default: Option<String>,
    /// Whether it must be said.
    pub required: bool,
    /// What the environment says it is, for a person to agree to. It is no secret.
    pub found: Option<String>,
}

/// How one tool is pointed here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ToolView {
    /// Its row in `tools.toml`.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// What it speaks to us.
    pub speaks: String,
    /// What to do, in order; empty where it cannot be done.
    pub steps: Vec<ToolStep>,
    /// What a person should know: limits, or why it cannot be done.
    pub note: String,
    /// When a request of it was last seen, milliseconds since 1970 UTC.
    pub seen_ms: Option<i64>,
}

/// One thing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ToolStep {
    /// Where the text goes: a file, a shell, a page of the tool's settings.
    pub place: String,
    /// What to paste, with port, key and route filled in.
    pub text: String,
}

/// A conversation in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ConversationRow {
    /// Its id.
    pub id: i64,
    /// Its title: the first words, unless the user gave another.
    pub title: String,
    /// The last message, milliseconds since 1970 UTC.
    pub updated_ms: i64,
    /// How many messages.
    pub messages: u32,
    /// Where a search met, the words around it.
    pub excerpt: Option<String>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Conversation {
    /// Its id.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Every message of every branch, oldest first.
    pub messages: Vec<Message>,
}

/// A kept message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Message {
    /// Its id.
    pub id: i64,
    /// The message that it follows.
    pub parent: Option<i64>,
    /// When it was kept, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// Its text.
    pub text: String,
    /// What the model thought before it.
    pub reasoning: Option<String>,
    /// Images as `data:` URLs.
    pub images: Vec<String>,
    /// Who answered and how fast, as it was given.
    #[cfg_attr(test, ts(type = "Json"))]
    pub facts: serde_json::Value,
}
