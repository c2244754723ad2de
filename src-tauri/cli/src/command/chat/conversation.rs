//! What was said so far, and the request that goes on from there.

use serde::Serialize;
use serde_json::{Value, json};

/// A conversation with whoever answers a name.
#[derive(Debug)]
pub(super) struct Conversation {
    model: String,
    messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

impl Conversation {
    /// A new one with a route or a model.
    pub(super) fn with(model: String) -> Conversation {
        Conversation { model, messages: Vec::new() }
    }

    /// Whom it is with.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// Goes on with another.
    pub(super) fn switch(&mut self, model: String) {
        self.model = model;
    }

    /// Forgets what was said.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    /// The user says something.
    pub(super) fn ask(&mut self, content: String) {
        self.messages.push(Message { role: "user", content });
    }

    /// The model said something.
    pub(super) fn answered(&mut self, content: String) {
        self.messages.push(Message { role: "assistant", content });
    }

    /// The last question was not answered, so it was not asked.
    pub(super) fn take_back(&mut self) {
        self.messages.pop();
    }

    /// As OpenAI's chat completions take it.
    pub(super) fn request(&self) -> Value {
        json!({
            "model": self.model,
            "messages": self.messages,
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_conversation_is_sent() {
        let mut conversation = Conversation::with("default".to_owned());
        conversation.ask("one".to_owned());
        conversation.answered("two".to_owned());
        conversation.ask("three".to_owned());
        conversation.take_back();
        conversation.ask("four".to_owned());
        conversation.switch("qwen3:8b".to_owned());
        let request = conversation.request();
        assert_eq!(request["model"], "qwen3:8b");
        let said: Vec<_> = request["messages"].as_array().unwrap().iter().map(|message| &message["content"]).collect();
        assert_eq!(said, ["one", "two", "four"], "a question without an answer is not repeated");
    }
}
