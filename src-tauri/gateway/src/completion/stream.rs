//! An answer in pieces, as it comes.
//!
//! A decoder numbers the parts of each choice from 0 in the order in which they begin; pieces of several parts may
//! alternate (parallel tool calls), and an encoder opens and closes its own blocks by the number. Token counts may come
//! more than once: the last ones hold.

use super::{Finish, OpaqueState, ToolKind, Usage};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// The answer begins. Comes first and once.
    Start {
        /// The upstream's id.
        id: String,
        /// The model that answers.
        model: String,
        /// Seconds since 1970, where told.
        created: Option<u64>,
    },
    /// More text.
    Text {
        /// Which answer, from 0.
        choice: u32,
        /// Which part of it.
        part: u32,
        /// The piece.
        text: String,
    },
    /// More of a thought.
    Thought {
        /// Which answer.
        choice: u32,
        /// Which part.
        part: u32,
        /// The piece; may be empty to open a part whose text is kept back.
        text: String,
    },
    /// A thought's state, whole.
    ThoughtState {
        /// Which answer.
        choice: u32,
        /// Which part; a thought, or a tool call for Gemini.
        part: u32,
        /// The state.
        state: OpaqueState,
    },
    /// A tool call begins.
    ToolCall {
        /// Which answer.
        choice: u32,
        /// Which part.
        part: u32,
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// Function or custom.
        kind: ToolKind,
    },
    /// More of a call's arguments.
    Arguments {
        /// Which answer.
        choice: u32,
        /// Which part.
        part: u32,
        /// The piece of JSON text.
        json: String,
    },
    /// More of a refusal.
    Refusal {
        /// Which answer.
        choice: u32,
        /// Which part.
        part: u32,
        /// The piece.
        text: String,
    },
    /// Log probabilities in OpenAI chat's shape, for the tokens just sent.
    Logprobs {
        /// Which answer.
        choice: u32,
        /// The `content` and `refusal` arrays of one chunk.
        value: serde_json::Value,
    },
    /// An answer ends.
    Finish {
        /// Which answer.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// Token counts so far.
    Usage(Usage),
    /// The stream told its own failure; nothing follows.
    Failed {
        /// What it said, for the client. Redacted by whoever sends it on.
        message: String,
        /// Its own code, where told.
        code: Option<String>,
    },
}
