//! Both sides against fixtures, and the laws that hold for any answer.

mod answers;
mod laws;
mod requests;

use serde_json::{Value, json};

use super::*;
use crate::completion::{
    Delta, Finish, Message, OpaqueState, Part, Reasoning, Role, StateKind, Thought, ToolCall, ToolKind,
};
use crate::embedding::EmbeddingInput;
use crate::protocol::Protocol;
use crate::protocol::codec::{testing, upstream};

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}
