//! What each request cost: who asked, what answered, how many tokens, how long, and how it ended.
//!
//! A sink. The request path drops a [`Record`] into a [`Sink`] and goes on; one thread of its own writes them to SQLite,
//! and a [`Reader`] on a second connection answers the window and the command line. It holds no key,
//! and a prompt and an answer only while the user wants that ([`bodies`]); it decides nothing, and nothing on the request path reads it or waits for it. Prices are not kept either: they
//! change, so money is worked out from the tokens when somebody looks.

pub mod bodies;
pub mod cost;
mod database;
pub mod live;
mod reader;
pub mod recorder;
mod sink;
mod store;
pub mod story;
pub mod table;
pub mod tap;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

pub use self::{
    database::Error,
    reader::Reader,
    sink::Sink,
    store::{Stats, Store},
};

/// One request, from its arrival to its last byte.
///
/// The strings are shared, so that a record costs the request path reference counts and no copies. The table cuts what
/// is longer than it keeps.
#[derive(Clone, Debug)]
pub struct Record {
    /// When the request arrived.
    pub started: SystemTime,
    /// The name of the client key; none for a caller without one.
    pub client: Option<Arc<str>>,
    /// What the tool calls itself, see [`tool`].
    pub tool: Option<Arc<str>>,
    /// The protocol that the client spoke.
    pub surface: &'static str,
    /// What was asked for: a chat, embeddings, ...
    pub operation: &'static str,
    /// The model name that the client asked for, before routing.
    pub asked: Arc<str>,
    /// The endpoint that answered, or that failed last.
    pub endpoint: Option<Arc<str>>,
    /// The model at that endpoint.
    pub model: Option<Arc<str>>,
    /// Whether the endpoint is on this machine.
    pub local: bool,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: Option<u32>,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: Option<u32>,
    /// The part of `input_tokens` that the endpoint read from its cache.
    pub cached_tokens: Option<u32>,
    /// The part of `output_tokens` that was reasoning.
    pub reasoning_tokens: Option<u32>,
    /// Searches, pictures or seconds of sound, where the answer tells them.
    pub units: Option<u32>,
    /// From arrival to the first byte of the answer; none if there was no answer.
    pub first_byte: Option<Duration>,
    /// From arrival to the end.
    pub total: Duration,
    /// The HTTP status that the client got.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// How many targets were tried.
    pub attempts: u8,
    /// What went wrong, in a few words, already redacted.
    pub error: Option<Arc<str>>,
    /// How many frames of the answer went to the client.
    pub chunks: u32,
    /// The targets that were tried in vain.
    pub missed: Vec<story::Miss>,
    /// What the target could not be told.
    pub dropped: Vec<String>,
    /// What was asked and said, where that is to be kept.
    pub bodies: Option<Arc<bodies::Bodies>>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client has the whole answer.
    Complete,
    /// The client hung up before the end.
    ClientGone,
    /// The endpoint broke off after the first byte.
    UpstreamDied,
    /// Pointsman said no and asked nobody: a key, a limit, an unknown model.
    Refused,
    /// Every target failed before the first byte.
    Failed,
    /// The user gave it up from a window.
    Cancelled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 6] = [
        Outcome::Complete,
        Outcome::ClientGone,
        Outcome::UpstreamDied,
        Outcome::Refused,
        Outcome::Failed,
        Outcome::Cancelled,
    ];

    /// The name in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::ClientGone => "client_gone",
            Outcome::UpstreamDied => "upstream_died",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Whether it counts as an error. A client that hangs up does not, nor does what the user gave up: who presses Escape
    /// has lost nothing.
    pub fn is_error(self) -> bool {
        match self {
            Outcome::Complete | Outcome::ClientGone | Outcome::Cancelled => false,
            Outcome::UpstreamDied | Outcome::Refused | Outcome::Failed => true,
        }
    }
}

/// The product that a `User-Agent` names first: `claude-cli/1.0.83 (external, cli)` is `claude-cli/1.0.83`.
///
/// At most 80 characters and no control character among them, since it ends in terminals and in the window.
pub fn tool(user_agent: &str) -> Option<Arc<str>> {
    let product = user_agent.split_whitespace().next()?;
    let product: String = product.chars().filter(|c| !c.is_control()).take(80).collect();
    (!product.is_empty()).then(|| product.into())
}

/// The first `most` characters of a text.
pub(crate) fn clip(text: &str, most: usize) -> &str {
    // A text of few bytes has few characters: nearly all stop here without being counted.
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_is_the_first_product_of_a_user_agent() {
        #[track_caller]
        fn check(user_agent: &str, expected: Option<&str>) {
            assert_eq!(tool(user_agent).as_deref(), expected, "{user_agent:?}");
        }
        check("claude-cli/1.0.83 (external, cli)", Some("claude-cli/1.0.83"));
        check("OpenAI/Python 1.99.1", Some("OpenAI/Python"));
        check("  curl/8.5.0", Some("curl/8.5.0"));
        check("", None);
        check(" \r\n", None);
        check("\u{1b}\u{7}", None);
        check("a\u{1b}[31mred\0", Some("a[31mred"));
        check("a\r\nforged: line", Some("a"));
        check(&"x".repeat(5000), Some(&"x".repeat(80)));
    }

    #[test]
    fn clip_counts_characters() {
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "abc");
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äöü");
        assert_eq!(clip("", 0), "");
    }

    #[test]
    fn outcome_has_one_name_in_the_table_and_in_json() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }
}
