//! An answer as it comes: shown piece by piece, measured, and kept whole.

use std::pin::pin;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::HeaderMap;
use serde_json::{Value, json};

use super::connection::Connection;
use super::events::Events;
use crate::command::models::whereabouts;
use crate::failure::Failure;
use crate::figures;
use crate::terminal::Terminal;

/// What came, and who gave it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The answer.
    pub(super) text: String,
    reasoning: String,
    /// Why it is not whole, if so.
    pub(super) fault: Option<String>,
    stopped: bool,
    target: Option<String>,
    local: Option<bool>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    first: Option<Duration>,
    total: Duration,
}

/// What one event says.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Reasoning(String),
    Usage { input: Option<u64>, output: Option<u64> },
    Fault(String),
    End,
}

/// Asks and receives; shows on `shown` as it comes. `interrupt` ends the answer, not the program.
pub(super) async fn receive(
    connection: &Connection,
    request: &Value,
    shown: Option<Terminal>,
    interrupt: impl Future<Output = ()>,
) -> Result<Answer, Failure> {
    let started = Instant::now();
    let mut interrupt = pin!(interrupt);
    let response = tokio::select! {
        () = &mut interrupt => return Ok(Answer { stopped: true, total: started.elapsed(), ..Answer::default() }),
        response = connection.ask(request) => response?,
    };
    let mut answer = Answer::from_headers(response.headers());
    let mut screen = Screen { terminal: shown, thinking: false, begun: false };
    let mut events = Events::default();
    let mut body = response.into_body();
    let mut ended = false;
    while !ended {
        let frame = tokio::select! {
            () = &mut interrupt => {
                answer.stopped = true;
                break;
            }
            frame = body.frame() => frame,
        };
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                answer.fault = Some(format!("the answer broke off: {error}"));
                break;
            }
            None => {
                answer.fault.get_or_insert_with(|| "the answer ended without saying that it is whole".to_owned());
                break;
            }
        };
        for piece in events.push(&data).iter().flat_map(|event| pieces(event)) {
            ended |= answer.take(piece, started, &mut screen)?;
        }
    }
    answer.total = started.elapsed();
    screen.end()?;
    Ok(answer)
}

impl Answer {
    fn from_headers(headers: &HeaderMap) -> Answer {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Answer {
            target: text("x-pointsman-target").map(str::to_owned),
            local: text("x-pointsman-local").and_then(|local| local.parse().ok()),
            ..Answer::default()
        }
    }

    /// Takes a piece up; true when it is the last.
    fn take(&mut self, piece: Piece, started: Instant, screen: &mut Screen) -> Result<bool, Failure> {
        match piece {
            Piece::Text(text) => {
                self.first.get_or_insert_with(|| started.elapsed());
                screen.text(&text)?;
                self.text.push_str(&text);
            }
            Piece::Reasoning(text) => {
                self.first.get_or_insert_with(|| started.elapsed());
                screen.reasoning(&text)?;
                self.reasoning.push_str(&text);
            }
            Piece::Usage { input, output } => {
                self.input_tokens = input.or(self.input_tokens);
                self.output_tokens = output.or(self.output_tokens);
            }
            Piece::Fault(message) => {
                self.fault = Some(message);
                return Ok(true);
            }
            Piece::End => return Ok(true),
        }
        Ok(false)
    }

    /// One line: who answered, where, and how fast.
    pub(super) fn summary(&self) -> String {
        let mut parts = Vec::new();
        parts.push(self.target.clone().unwrap_or_else(|| "answered".to_owned()));
        parts.extend(self.local.map(|local| whereabouts(local).to_owned()));
        parts.extend(self.output_tokens.map(|tokens| figures::count(usize::try_from(tokens).unwrap_or(0), "token")));
        parts.extend(self.tokens_per_second().map(|speed| format!("{speed:.1} tokens/s")));
        parts.extend(self.first.map(|first| format!("first after {}", figures::duration(first))));
        if self.stopped {
            parts.push("stopped".to_owned());
        }
        parts.join(", ")
    }

    /// The whole answer as one object.
    pub(super) fn for_scripts(&self, asked: &str) -> Value {
        json!({
            "asked": asked,
            "target": self.target,
            "local": self.local,
            "answer": self.text,
            "reasoning": self.reasoning,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "tokens_per_second": self.tokens_per_second(),
            "first_seconds": self.first.map(|first| first.as_secs_f64()),
            "total_seconds": self.total.as_secs_f64(),
            "fault": self.fault,
        })
    }

    /// How fast it came once it came: the wait for the first token is told apart.
    fn tokens_per_second(&self) -> Option<f64> {
        let tokens = self.output_tokens?;
        let time = self.total.checked_sub(self.first?)?.as_secs_f64();
        // One token has no speed, and neither has an answer that came in one piece.
        (tokens > 1 && time > 0.001).then(|| (u32::try_from(tokens - 1).map_or(f64::from(u32::MAX), f64::from)) / time)
    }
}

/// What a person sees of it.
struct Screen {
    terminal: Option<Terminal>,
    thinking: bool,
    /// Whether something stands on the present line.
    begun: bool,
}

impl Screen {
    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let Some(terminal) = self.terminal else { return Ok(()) };
        if std::mem::take(&mut self.thinking) {
            terminal.piece("\n\n")?;
        }
        self.begun = !text.ends_with('\n');
        terminal.piece(text)
    }

    fn reasoning(&mut self, text: &str) -> Result<(), Failure> {
        let Some(terminal) = self.terminal.filter(|terminal| terminal.shows) else { return Ok(()) };
        if !std::mem::replace(&mut self.thinking, true) {
            // In words, since not every terminal dims.
            terminal.dim_piece(if self.begun { "\n(thinking) " } else { "(thinking) " })?;
        }
        self.begun = !text.ends_with('\n');
        terminal.dim_piece(text)
    }

    fn end(&self) -> Result<(), Failure> {
        match self.terminal {
            Some(terminal) if self.begun => terminal.piece("\n"),
            Some(_) | None => Ok(()),
        }
    }
}

fn pieces(event: &str) -> Vec<Piece> {
    if event == "[DONE]" {
        return vec![Piece::End];
    }
    let Ok(event) = serde_json::from_str::<Value>(event) else {
        return vec![Piece::Fault("the answer cannot be read".to_owned())];
    };
    if let Some(message) = event["error"]["message"].as_str().or_else(|| event["error"].as_str()) {
        return vec![Piece::Fault(message.to_owned())];
    }
    let delta = &event["choices"][0]["delta"];
    let text = |name: &str| delta[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let mut pieces = Vec::new();
    // Two names for one thing: DeepSeek's, which llama.cpp and LM Studio took over, and OpenRouter's, which Ollama did.
    pieces.extend(text("reasoning_content").or_else(|| text("reasoning")).map(Piece::Reasoning));
    pieces.extend(text("content").map(Piece::Text));
    if event["usage"].is_object() {
        let count = |name: &str| event["usage"][name].as_u64();
        pieces.push(Piece::Usage { input: count("prompt_tokens"), output: count("completion_tokens") });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(event: &str, expected: &[Piece]) {
        assert_eq!(pieces(event), expected, "of {event}");
    }

    #[test]
    fn events_are_understood() {
        check("[DONE]", &[Piece::End]);
        check(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, &[]);
        check(r#"{"choices":[{"delta":{"content":"hi"}}]}"#, &[Piece::Text("hi".to_owned())]);
        check(r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#, &[Piece::Reasoning("hm".to_owned())]);
        check(
            r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
            &[Piece::Reasoning("hm".to_owned())],
        );
        check(
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#,
            &[Piece::Usage { input: Some(3), output: Some(9) }],
        );
        check(r#"{"error":{"message":"broke off"}}"#, &[Piece::Fault("broke off".to_owned())]);
        check("{", &[Piece::Fault("the answer cannot be read".to_owned())]);
    }

    #[test]
    fn the_last_line_says_who_where_and_how_fast() {
        let answer = Answer {
            target: Some("ollama@11434/qwen3:8b".to_owned()),
            local: Some(true),
            output_tokens: Some(101),
            first: Some(Duration::from_millis(400)),
            total: Duration::from_millis(2_400),
            ..Answer::default()
        };
        assert_eq!(
            answer.summary(),
            "ollama@11434/qwen3:8b, on this machine, 101 tokens, 50.0 tokens/s, first after 400 ms"
        );
    }
}
