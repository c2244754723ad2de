//! Requests as tools send them, small.

use serde_json::{Value, json};

/// A protocol as a client sees it: where it asks, with what, and how it is told of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Ollama's native chat.
    Native,
}

impl Surface {
    /// All of them.
    pub(crate) const ALL: [Surface; 4] = [Surface::Chat, Surface::Responses, Surface::Messages, Surface::Native];

    /// Where it asks.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Surface::Chat => "/v1/chat/completions",
            Surface::Responses => "/v1/responses",
            Surface::Messages => "/v1/messages",
            Surface::Native => "/api/chat",
        }
    }

    /// A request for a whole answer.
    pub(crate) fn body(self, model: &str) -> Value {
        match self {
            Surface::Chat => chat(model),
            Surface::Responses => json!({"model": model, "input": "hi", "stream": false}),
            Surface::Messages => {
                json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]})
            }
            Surface::Native => {
                json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": false})
            }
        }
    }

    /// A request for a stream.
    pub(crate) fn stream(self, model: &str) -> Value {
        let mut body = self.body(model);
        body["stream"] = true.into();
        body
    }

    /// The message of an error body, once the body's shape was found to be this protocol's own.
    #[track_caller]
    pub(crate) fn error(self, body: &Value) -> String {
        let message = match self {
            Surface::Chat | Surface::Responses => {
                let error = &body["error"];
                assert!(error["type"].is_string() && error.get("param").is_some(), "not OpenAI's shape: {body}");
                assert!(error["code"].is_string(), "an error has a code: {body}");
                &error["message"]
            }
            Surface::Messages => {
                assert_eq!(body["type"], "error", "not Anthropic's shape: {body}");
                assert!(body["error"]["type"].is_string(), "not Anthropic's shape: {body}");
                &body["error"]["message"]
            }
            Surface::Native => &body["error"],
        };
        message.as_str().unwrap_or_else(|| panic!("an error without a message: {body}")).to_owned()
    }
}

/// A chat completion's request for a whole answer.
pub(crate) fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

/// A chat completion's request for a stream.
pub(crate) fn chat_stream(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": true})
}

/// The tool that [`tool_chat`] makes the small test model call.
pub(crate) const TOOLS: &str = "get_weather";

/// A conversation after which the small test model calls a tool for Paris, the same at every run: two earlier calls are
/// what it needs to see.
pub(crate) fn tool_chat(model: &str, stream: bool) -> Value {
    let mut messages = Vec::new();
    for (number, (city, weather)) in [("London", "rainy, 12C"), ("Rome", "sunny, 25C")].into_iter().enumerate() {
        let id = format!("call_{number}");
        let call = json!({"name": TOOLS, "arguments": json!({"city": city}).to_string()});
        messages.push(json!({"role": "user", "content": format!("What is the weather in {city}?")}));
        messages.push(json!({"role": "assistant", "content": "",
            "tool_calls": [{"id": id, "type": "function", "function": call}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": weather}));
        messages.push(json!({"role": "assistant", "content": format!("It is {weather} in {city}.")}));
    }
    messages.push(json!({"role": "user", "content": "What is the weather in Paris?"}));
    let tool = json!({"type": "function", "function": {"name": TOOLS,
        "description": "Get the current weather for a city", "parameters": {"type": "object",
            "properties": {"city": {"type": "string"}}, "required": ["city"]}}});
    json!({"model": model, "messages": messages, "max_tokens": 200, "temperature": 0, "tools": [tool],
        "tool_choice": "auto", "stream": stream})
}
