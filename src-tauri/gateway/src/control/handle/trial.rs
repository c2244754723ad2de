//! A short question to a route, asked as every tool asks: over this gateway's own port, routed, dispatched, counted.
//!
//! It tells what was found and changes nothing.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::Handle;
use crate::control::chat::{Answer, Connection, Error, Head, Piece};
use crate::control::socket::Handler as _;
use crate::control::{Reply, Tested};

/// The longest until the first token.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest from there to the end, which an endless answer does not reach.
const REST: Duration = Duration::from_secs(30);
/// How much is asked for and listened to.
const TOKENS: u64 = 32;
/// The most that is shown of what it said, in characters.
const SHOWN: usize = 200;

const AGENT: &str = concat!("pointsman-test/", env!("CARGO_PKG_VERSION"));

impl Handle {
    pub(super) async fn test_route(&self, name: String) -> Result<Reply, String> {
        let key = self.0.own_key.expose().to_owned();
        let connection = Connection::to(&self.snapshot(), Some(key)).map_err(|error| error.to_string())?;
        let body = json!({
            "model": name,
            "messages": [{"role": "user", "content": "Say hello in one short sentence."}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": TOKENS,
        });
        let mut tested = Tested {
            target: None,
            local: false,
            first_token_ms: None,
            tokens_per_second: None,
            attempts: 0,
            text: String::new(),
            problem: None,
        };
        let patience = Instant::now() + PATIENCE;
        match timeout_at(patience, connection.called(AGENT).ask(&body)).await {
            Ok(Ok(answer)) => {
                tested.answers(answer.head());
                listen(answer, patience, &mut tested).await;
            }
            Ok(Err(Error::Refused { message, head, .. })) => {
                tested.answers(&head);
                tested.problem = Some(message);
            }
            Ok(Err(error)) => tested.problem = Some(error.to_string()),
            Err(_) => tested.problem = Some(too_slow()),
        }
        Ok(Reply::Tested(tested))
    }
}

impl Tested {
    fn answers(&mut self, head: &Head) {
        self.target.clone_from(&head.target);
        self.local = head.local == Some(true);
        self.attempts = head.attempts.unwrap_or_default();
    }
}

/// Listens to an answer for as long as it says something that is needed. It is given up when this returns.
async fn listen(mut answer: Answer, patience: Instant, tested: &mut Tested) {
    let (mut text, mut thought) = (String::new(), String::new());
    let (mut pieces, mut counted) = (0, None);
    let mut end = patience;
    while pieces < TOKENS {
        match timeout_at(end, answer.next()).await {
            Err(_) if pieces > 0 => break,
            Err(_) => {
                tested.problem = Some(too_slow());
                return;
            }
            Ok(Piece::Text(piece)) => {
                text.push_str(&piece);
                pieces += 1;
            }
            Ok(Piece::Reasoning(piece)) => {
                thought.push_str(&piece);
                pieces += 1;
            }
            Ok(Piece::Usage { output, .. }) => counted = output,
            Ok(Piece::Finish(_)) => {}
            Ok(Piece::Fault(message)) => {
                tested.problem = Some(message);
                break;
            }
            Ok(Piece::End) => break,
        }
        if pieces == 1 {
            end = Instant::now() + REST;
        }
    }
    let said = if text.trim().is_empty() { thought } else { text };
    tested.text = said.trim().chars().take(SHOWN).collect();
    let pace = answer.pace();
    let Some(first) = pace.first() else {
        tested.problem.get_or_insert_with(|| "it answered, but said nothing".to_owned());
        return;
    };
    tested.first_token_ms = Some(first.as_secs_f64() * 1e3);
    tested.tokens_per_second = pace.tokens_per_second(counted.unwrap_or(pieces));
}

fn too_slow() -> String {
    let seconds = PATIENCE.as_secs();
    format!("nothing came within {seconds} seconds; a model that has to be loaded first may need longer: try again")
}
