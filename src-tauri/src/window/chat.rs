//! The page chats: over the gateway's own port, as every tool does, with a key that is good while the gateway runs.

use std::sync::Arc;

use pointsman_gateway::control::chat::{Answer, Connection, Piece};
use pointsman_gateway::control::{Command, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::State;
use tauri::ipc::Channel;

use crate::ask::call;
use crate::page::Page;

/// What the page asks.
#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    /// The page's own name for it: what is to be stopped.
    id: String,
    /// A route, or a model's name.
    model: String,
    /// The conversation, oldest first.
    messages: Vec<Said>,
    /// Whether the model is to think; its own habit where nothing is said.
    #[serde(default)]
    reasoning: Option<bool>,
}

/// One message.
#[derive(Debug, Deserialize)]
struct Said {
    role: String,
    text: String,
    #[serde(default)]
    images: Vec<String>,
}

/// What the page is told, in this order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Told {
    /// Who answers.
    Head { target: Option<String>, local: bool, attempts: u8, dropped: Vec<String> },
    /// The model thinks.
    Reasoning { text: String },
    /// The answer goes on.
    Text { text: String },
    /// It is whole, or was stopped: then `finish` is `stopped`.
    Done {
        finish: Option<String>,
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
        cached_tokens: Option<u64>,
        first_token_ms: Option<f64>,
        tokens_per_second: Option<f64>,
        total_ms: f64,
    },
    /// It is not, and why.
    Error { message: String },
}

/// Asks, and tells the answer as it comes. What goes wrong is told over the channel too.
#[tauri::command]
pub(crate) async fn chat(page: State<'_, Arc<Page>>, request: Question, channel: Channel<Told>) -> Result<(), String> {
    let stop = page.chat_begins(&request.id);
    let answering = async {
        let answered = async {
            let connection = connect(&page).await?;
            connection.ask(&body(&request)).await.map_err(|error| error.to_string())
        };
        let mut answer = tokio::select! {
            () = stop.cancelled() => return Ok(stopped(None)),
            answer = answered => answer?,
        };
        tell(&mut answer, &channel, &stop).await
    };
    let last = answering.await.unwrap_or_else(|message: String| Told::Error { message });
    if !stop.is_cancelled() {
        page.chat_ends(&request.id);
    }
    let _ = channel.send(last);
    Ok(())
}

/// Gives an answer up.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "commands are given what they take")]
pub(crate) fn stop_chat(page: State<'_, Arc<Page>>, id: String) {
    page.chat_ends(&id);
}

async fn connect(page: &Page) -> Result<Connection, String> {
    let Reply::Snapshot(snapshot) = call(&page.world, &Command::Snapshot).await? else {
        return Err("Pointsman answered something else than was asked; restart it after an update".to_owned());
    };
    let key = match page.own_key(&snapshot.instance) {
        Some(key) => Some(key),
        None => match call(&page.world, &Command::OwnKey).await {
            Ok(Reply::ClientKey { key }) => {
                page.keep_own_key(snapshot.instance.clone(), key.0.clone());
                Some(key.0)
            }
            // Local models need none.
            Ok(_) | Err(_) => None,
        },
    };
    Connection::to(&snapshot, key).map_err(|error| error.to_string())
}

/// Tells piece by piece; what is left is the last word.
async fn tell(
    answer: &mut Answer,
    channel: &Channel<Told>,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<Told, String> {
    let head = answer.head().clone();
    let send = |told| channel.send(told).map_err(|error| error.to_string());
    send(Told::Head {
        target: head.target,
        // Where nobody says that it stays here, it does not.
        local: head.local.unwrap_or(false),
        attempts: head.attempts.unwrap_or(1),
        dropped: head.dropped,
    })?;
    let mut counted = Counted::default();
    loop {
        let piece = tokio::select! {
            () = stop.cancelled() => {
                counted.finish = Some("stopped".to_owned());
                return Ok(counted.done(answer));
            }
            piece = answer.next() => piece,
        };
        match piece {
            Piece::Text(text) => send(Told::Text { text })?,
            Piece::Reasoning(text) => send(Told::Reasoning { text })?,
            Piece::Usage { input, output, cached } => {
                counted.input = input.or(counted.input);
                counted.output = output.or(counted.output);
                counted.cached = cached.or(counted.cached);
            }
            Piece::Finish(reason) => counted.finish = Some(reason),
            Piece::Fault(message) => return Err(message),
            Piece::End => return Ok(counted.done(answer)),
        }
    }
}

#[derive(Default)]
struct Counted {
    finish: Option<String>,
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
}

impl Counted {
    fn done(self, answer: &Answer) -> Told {
        let pace = answer.pace();
        Told::Done {
            finish: self.finish,
            input_tokens: self.input,
            output_tokens: self.output,
            cached_tokens: self.cached,
            first_token_ms: pace.first().map(|first| first.as_secs_f64() * 1000.0),
            tokens_per_second: self.output.and_then(|tokens| pace.tokens_per_second(tokens)),
            total_ms: pace.total().as_secs_f64() * 1000.0,
        }
    }
}

/// The last word where nothing had come yet.
fn stopped(first_token_ms: Option<f64>) -> Told {
    Told::Done {
        finish: Some("stopped".to_owned()),
        input_tokens: None,
        output_tokens: None,
        cached_tokens: None,
        first_token_ms,
        tokens_per_second: None,
        total_ms: 0.0,
    }
}

/// As OpenAI's chat completions want it.
fn body(question: &Question) -> Value {
    let messages: Vec<Value> = question.messages.iter().map(message).collect();
    let mut body = json!({
        "model": question.model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    match question.reasoning {
        Some(true) => body["reasoning_effort"] = "medium".into(),
        Some(false) => body["reasoning_effort"] = "none".into(),
        None => {}
    }
    body
}

fn message(said: &Said) -> Value {
    if said.images.is_empty() {
        return json!({ "role": said.role, "content": said.text });
    }
    let mut parts = vec![json!({ "type": "text", "text": said.text })];
    parts.extend(said.images.iter().map(|url| json!({ "type": "image_url", "image_url": { "url": url } })));
    json!({ "role": said.role, "content": parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(question: Value, expected: &Value) {
        let question: Question = serde_json::from_value(question).unwrap();
        assert_eq!(&body(&question), expected);
    }

    #[test]
    fn a_question_is_asked_as_a_tool_would() {
        let stream = json!({ "include_usage": true });
        check(
            json!({ "id": "1", "model": "default", "messages": [{ "role": "user", "text": "hi", "images": [] }] }),
            &json!({
                "model": "default", "messages": [{ "role": "user", "content": "hi" }], "stream": true,
                "stream_options": stream,
            }),
        );
        check(
            json!({ "id": "1", "model": "m", "reasoning": false,
                "messages": [{ "role": "user", "text": "what is it?", "images": ["data:image/png;base64,AAAA"] }] }),
            &json!({
                "model": "m", "stream": true, "stream_options": stream, "reasoning_effort": "none",
                "messages": [{ "role": "user", "content": [
                    { "type": "text", "text": "what is it?" },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                ] }],
            }),
        );
    }

    #[test]
    fn what_is_told_has_a_type() {
        let told = |told: Told| serde_json::to_value(told).unwrap();
        assert_eq!(told(Told::Text { text: "hi".to_owned() }), json!({ "type": "text", "text": "hi" }));
        assert_eq!(told(stopped(None))["finish"], "stopped");
        assert_eq!(
            told(Told::Head { target: None, local: true, attempts: 1, dropped: Vec::new() }),
            json!({ "type": "head", "target": null, "local": true, "attempts": 1, "dropped": [] })
        );
    }
}
