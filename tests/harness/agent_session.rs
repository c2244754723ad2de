//! A coding agent's session whose every request differs a little from the last one, and the count of what came from a cache.
//!
//! JSON in and out: who sends it is the test's business, and the bench's. Written after what Claude Code sends, with texts
//! of our own.

use serde_json::{Value, json};

/// How many turns it has.
pub(crate) const TURNS: usize = 10;

/// The session so far.
pub(crate) struct AgentSession {
    model: String,
    history: Vec<Value>,
    turn: usize,
    /// Tokens of the last prompt.
    last: u64,
    /// Tokens that a turn had in common with the one before.
    pub(crate) reusable: u64,
    /// Those of them that came from the cache.
    pub(crate) cached: u64,
}

impl AgentSession {
    /// A new one with a model.
    pub(crate) fn new(model: &str) -> AgentSession {
        AgentSession { model: model.to_owned(), history: Vec::new(), turn: 0, last: 0, reusable: 0, cached: 0 }
    }

    /// The next turn, as Claude Code sends it towards its maker: the billing line's values are other ones at every
    /// request, the last answer is named, a countdown stands among the messages, and only the newest turn is marked.
    pub(crate) fn ask(&mut self) -> Value {
        self.turn += 1;
        let nth = self.turn;
        let line = format!(
            "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli; cch={:05x}; cc_prompt_id=p{nth}; cc_turn_index={nth};",
            nth * 7919
        );
        let rules = "Read a file before you change it. Say what you did in one line. ".repeat(60);
        self.history.push(json!({"role": "user", "content": [
            {"type": "text", "text": format!("Step {nth}: what is next?"), "cache_control": {"type": "ephemeral"}}]}));
        self.history.push(json!({"role": "system",
            "content": format!("<total_tokens>{} tokens left</total_tokens>", 9000 - nth * 100)}));
        json!({
            "model": self.model, "max_tokens": 8, "temperature": 0,
            "diagnostics": {"previous_message_id": format!("msg_{nth}")},
            "system": [{"type": "text", "text": line}, {"type": "text", "text": rules}],
            "messages": self.history,
        })
    }

    /// Reads the answer, a whole message in Anthropic's form.
    pub(crate) fn hear(&mut self, answer: &Value) {
        let count = |name: &str| answer["usage"][name].as_u64().unwrap_or(0);
        let read = count("cache_read_input_tokens");
        if self.turn > 1 {
            self.reusable += self.last;
            self.cached += read.min(self.last);
        }
        self.last = read + count("input_tokens");
        // The turn loses its mark and becomes a plain string, as it does at Claude Code.
        let at = self.history.len() - 2;
        let text = self.history[at]["content"][0]["text"].take();
        self.history[at]["content"] = text;
        let said = answer["content"][0]["text"].as_str().unwrap_or("-");
        self.history.push(json!({"role": "assistant", "content": said}));
    }

    /// The part that came from the cache.
    pub(crate) fn share(&self) -> f64 {
        self.cached as f64 / (self.reusable as f64).max(1.0)
    }
}
