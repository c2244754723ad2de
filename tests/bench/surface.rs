//! The APIs in which the load asks: the same question in each, and the sign that its answer is whole.

use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

/// An API that Pointsman answers in. The upstream speaks the first only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Gemini's generateContent.
    Gemini,
    /// Ollama's chat.
    Ollama,
}

/// What is asked of the upstream, written into the prompt, which reaches it through every translation.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// So many events.
    pub(crate) chunks: usize,
    /// From one to the next; none at all if it is zero.
    pub(crate) interval: Duration,
    /// Whether the stream then stays open until it is released.
    pub(crate) hold: bool,
}

/// What precedes a wish in a prompt.
const MARK: &[u8] = b"[[bench ";

impl Wish {
    /// The wish in a request's body, found by a search: parsing 100 kB would be the slowest step of the whole chain.
    pub(crate) fn find(body: &[u8]) -> Option<Wish> {
        let after = body.get(memmem::find(body, MARK)? + MARK.len()..)?;
        let words = std::str::from_utf8(&after[..memmem::find(after, b"]]")?]).ok()?;
        let mut words = words.split(' ');
        let chunks = words.next()?.parse().ok()?;
        let interval = Duration::from_micros(words.next()?.parse().ok()?);
        Some(Wish { chunks, interval, hold: words.next()?.parse().ok()? })
    }

    fn text(&self) -> String {
        format!(" [[bench {} {} {}]]", self.chunks, self.interval.as_micros(), self.hold)
    }
}

impl Surface {
    /// Every one, the one that is passed through first.
    pub(crate) const ALL: [Surface; 5] =
        [Surface::Chat, Surface::Messages, Surface::Responses, Surface::Gemini, Surface::Ollama];

    /// The column's head.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Surface::Chat => "chat, passed through",
            Surface::Responses => "Responses",
            Surface::Messages => "Messages",
            Surface::Gemini => "Gemini",
            Surface::Ollama => "Ollama",
        }
    }

    /// Where it is asked.
    pub(crate) fn path(self, stream: bool) -> &'static str {
        match self {
            Surface::Chat => "/v1/chat/completions",
            Surface::Responses => "/v1/responses",
            Surface::Messages => "/v1/messages",
            Surface::Gemini if stream => "/v1beta/models/bench:streamGenerateContent?alt=sse",
            Surface::Gemini => "/v1beta/models/bench:generateContent",
            Surface::Ollama => "/api/chat",
        }
    }

    /// A chat of about `bytes` bytes, which asks for a stream if there is a wish. In the order in which OpenAI's library
    /// writes it: `model` comes after the messages.
    pub(crate) fn body(self, bytes: usize, wish: Option<Wish>) -> Bytes {
        let system = format!("You are a pointsman.{}", wish.as_ref().map(Wish::text).unwrap_or_default());
        let turns = turns(bytes.saturating_sub(130)).into_iter().enumerate().map(|(nth, text)| match self {
            Surface::Gemini => {
                let role = if nth % 2 == 0 { "user" } else { "model" };
                format!(r#"{{"role":"{role}","parts":[{{"text":"{text}"}}]}}"#)
            }
            Surface::Chat | Surface::Responses | Surface::Messages | Surface::Ollama => {
                let role = if nth % 2 == 0 { "user" } else { "assistant" };
                format!(r#"{{"role":"{role}","content":"{text}"}}"#)
            }
        });
        let turns = turns.collect::<Vec<_>>().join(",");
        let stream = if wish.is_some() { r#","stream":true"# } else { "" };
        let body = match self {
            Surface::Chat => {
                format!(r#"{{"messages":[{{"role":"system","content":"{system}"}},{turns}],"model":"bench"{stream}}}"#)
            }
            // A response that is kept would measure the disk too.
            Surface::Responses => {
                format!(r#"{{"instructions":"{system}","input":[{turns}],"model":"bench","store":false{stream}}}"#)
            }
            Surface::Messages => {
                format!(r#"{{"max_tokens":1000,"system":"{system}","messages":[{turns}],"model":"bench"{stream}}}"#)
            }
            Surface::Gemini => {
                format!(r#"{{"systemInstruction":{{"parts":[{{"text":"{system}"}}]}},"contents":[{turns}]}}"#)
            }
            Surface::Ollama => {
                let stream = wish.is_some();
                format!(
                    r#"{{"messages":[{{"role":"system","content":"{system}"}},{turns}],"model":"bench","stream":{stream}}}"#
                )
            }
        };
        body.into()
    }

    /// Whether an answer came to its end, tokens included.
    pub(crate) fn is_whole(self, answer: &[u8], stream: bool) -> bool {
        let mark: &[u8] = match self {
            Surface::Chat if stream => b"data: [DONE]",
            Surface::Responses if stream => b"\"response.completed\"",
            Surface::Messages if stream => b"\"message_stop\"",
            Surface::Chat | Surface::Responses | Surface::Messages => b"\"usage\"",
            Surface::Gemini => b"\"usageMetadata\"",
            Surface::Ollama => b"\"done\":true",
        };
        memmem::rfind(answer, mark).is_some()
    }
}

/// Texts of a conversation of so many bytes, each as it stands in JSON.
fn turns(bytes: usize) -> Vec<String> {
    let text = r#"The signal at \"North Junction\" is red.\nWhich switch do I set, and in which order?\n"#;
    let (mut turns, mut left) = (Vec::new(), bytes);
    while left > 0 {
        let repeats = (left / text.len()).clamp(1, 8);
        turns.push(text.repeat(repeats));
        left = left.saturating_sub(repeats * text.len() + 34);
    }
    turns
}
