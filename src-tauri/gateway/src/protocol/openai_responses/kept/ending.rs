//! The response that a stream ends with, found as its bytes pass; and a stream that names what it goes on from.
//!
//! Nothing is held but the event that is being read. A stream that says no last response has none: it broke off, or
//! failed, and nobody can go on from what was half said.

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::naming;
use crate::protocol::codec::frames::{Frame, Framer, Framing, TooLong};

/// A response as its client saw it, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The id.
    pub id: String,
    /// The whole response.
    pub response: Bytes,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    id: String,
    #[serde(default)]
    status: String,
}

/// A whole answer, if it is a response that one can go on from: a complete one, or one that met its limit.
pub fn whole(response: Bytes) -> Option<Ended> {
    let head: Head = serde_json::from_slice(&response).ok()?;
    let ended = matches!(&*head.status, "completed" | "incomplete") && !head.id.is_empty();
    ended.then_some(Ended { id: head.id, response })
}

/// Reads one stream.
#[derive(Debug)]
pub struct Ending {
    framer: Framer,
    /// What the stream is to name.
    previous: Option<String>,
    ended: Option<Ended>,
    lost: bool,
}

impl Ending {
    /// A reader; with `previous`, its responses are changed to name it.
    pub fn new(previous: Option<String>) -> Ending {
        Ending { framer: Framer::new(Framing::Sse), previous, ended: None, lost: false }
    }

    /// Takes bytes and gives those that go on to the client: the same ones, unless the stream must be changed. An event
    /// without bound ends a stream that must be changed; any other goes on and is not kept.
    pub fn push(&mut self, bytes: Bytes) -> Result<Bytes, TooLong> {
        if self.lost {
            return Ok(bytes);
        }
        let Ending { framer, previous, ended, .. } = self;
        let mut out = Vec::new();
        let pushed = framer.push(&bytes, |frame| read(frame, previous.as_deref(), ended, &mut out));
        match (pushed, &self.previous) {
            (Ok(()), Some(_)) => Ok(out.into()),
            (Ok(()), None) => Ok(bytes),
            (Err(error), Some(_)) => Err(error),
            (Err(_), None) => {
                self.lost = true;
                Ok(bytes)
            }
        }
    }

    /// The bytes are over: what is left for the client.
    pub fn finish(&mut self) -> Bytes {
        let Ending { framer, previous, ended, lost } = self;
        let mut out = Vec::new();
        if !*lost {
            framer.finish(|frame| read(frame, previous.as_deref(), ended, &mut out));
        }
        out.into()
    }

    /// The response that the stream ended with, once.
    pub fn ended(&mut self) -> Option<Ended> {
        self.ended.take()
    }
}

fn read(frame: &Frame, previous: Option<&str>, ended: &mut Option<Ended>, out: &mut Vec<u8>) {
    let data = match previous {
        Some(previous) => renamed(&frame.data, previous),
        None => None,
    };
    let data = data.as_deref().unwrap_or(&frame.data);
    if previous.is_some() {
        write(&frame.event, data, out);
    }
    let last = |kind: &[u8]| memmem::find(data, kind).is_some();
    if (last(b"\"response.completed\"") || last(b"\"response.incomplete\""))
        && let Ok(Event { kind, response: Some(response) }) = serde_json::from_slice(data)
        && matches!(&*kind, "response.completed" | "response.incomplete")
        && let Some(found) = whole(Bytes::copy_from_slice(response.get().as_bytes()))
    {
        *ended = Some(found);
    }
}

/// An event whose response names what it goes on from; `None` for one without a response.
fn renamed(data: &[u8], previous: &str) -> Option<Vec<u8>> {
    memmem::find(data, b"\"response\"")?;
    let event: Event<'_> = serde_json::from_slice(data).ok()?;
    let response = event.response.filter(|response| response.get().starts_with('{'))?;
    let new = naming(response.get().as_bytes(), previous)?;
    // It is a slice of the data, so its place is known.
    let start = response.get().as_ptr() as usize - data.as_ptr() as usize;
    Some([&data[..start], &new, &data[start + response.get().len()..]].concat())
}

fn write(event: &str, data: &[u8], out: &mut Vec<u8>) {
    if !event.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    for line in data.split(|byte| *byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}
