//! Both sides against fixtures, each with its own habits. Laws that hold for every protocol are in `protocol::tests`.

mod answers;
mod requests;

use serde_json::{Value, json};

use super::*;
use crate::completion::{
    Delta, Finish, Media, MediaKind, MediaSource, Message, Part, Reasoning, Role, StateKind, ToolCall, ToolKind,
    ToolResult,
};
use crate::embedding::{EmbeddingInput, EmbeddingPart};
use crate::protocol::codec::testing;

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}
