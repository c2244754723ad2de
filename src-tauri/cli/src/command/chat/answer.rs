//! An answer as it comes: shown piece by piece, measured, and kept whole.

use std::pin::pin;
use std::time::{Duration, Instant};

use pointsman_gateway::control::chat::{self, Connection, Head, Piece};
use serde_json::{Value, json};

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
    head: Head,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    first: Option<Duration>,
    total: Duration,
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
    let mut coming = tokio::select! {
        () = &mut interrupt => return Ok(Answer { stopped: true, total: started.elapsed(), ..Answer::default() }),
        coming = connection.ask(request) => coming?,
    };
    let mut answer = Answer { head: coming.head().clone(), ..Answer::default() };
    let mut screen = Screen { terminal: shown, thinking: false, begun: false };
    loop {
        let piece = tokio::select! {
            () = &mut interrupt => {
                answer.stopped = true;
                break;
            }
            piece = coming.next() => piece,
        };
        if answer.take(piece, &mut screen)? {
            break;
        }
    }
    answer.first = coming.pace().first();
    answer.total = started.elapsed();
    screen.end()?;
    Ok(answer)
}

impl Answer {
    /// Takes a piece up; true when it is the last.
    fn take(&mut self, piece: Piece, screen: &mut Screen) -> Result<bool, Failure> {
        match piece {
            Piece::Text(text) => {
                screen.text(&text)?;
                self.text.push_str(&text);
            }
            Piece::Reasoning(text) => {
                screen.reasoning(&text)?;
                self.reasoning.push_str(&text);
            }
            Piece::Usage { input, output, cached: _ } => {
                self.input_tokens = input.or(self.input_tokens);
                self.output_tokens = output.or(self.output_tokens);
            }
            Piece::Finish(_) => {}
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
        parts.push(self.head.target.clone().unwrap_or_else(|| "answered".to_owned()));
        parts.extend(self.head.local.map(|local| whereabouts(local).to_owned()));
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
            "target": self.head.target,
            "local": self.head.local,
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

    fn tokens_per_second(&self) -> Option<f64> {
        chat::speed(self.output_tokens?, self.first?, self.total)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_who_where_and_how_fast() {
        let answer = Answer {
            head: Head { target: Some("ollama@11434/qwen3:8b".to_owned()), local: Some(true), ..Head::default() },
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
