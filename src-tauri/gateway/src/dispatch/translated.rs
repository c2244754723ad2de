//! A stream on its way to the client in another protocol: delta by delta, as it comes.
//!
//! Bytes are cut into frames, read into the hub's pieces and written as the surface's events; nothing is collected, and
//! what one piece costs does not grow with the stream. A stream that fails ends in the surface's own error event.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::attempt::Answer;
use super::idle::Idle;
use super::keeper::Keeper;
use super::parted::Parted;
use super::refused;
use super::translate::{now, unnamed};
use crate::builtin::Lease;
use crate::completion::Delta;
use crate::error::Error;
use crate::protocol::codec::frames::Framer;
use crate::protocol::codec::{DeltaDecoder, DeltaEncoder};
use crate::routing::Target;
use crate::secrets::redact::{Redactor, Streaming};
use crate::upstream::{BrokeOff, UpstreamBody};
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;

/// What a translated stream is made of.
pub(super) struct Translating {
    pub(super) encoder: Box<dyn DeltaEncoder>,
    pub(super) decoder: Box<dyn DeltaDecoder>,
    pub(super) answer: Answer,
    pub(super) target: Target,
    pub(super) idle: Duration,
    pub(super) recorder: Recorder,
    pub(super) keeper: Option<Box<Keeper>>,
}

/// The body of a translated stream.
pub struct Translated {
    body: UpstreamBody,
    framer: Framer,
    decoder: Box<dyn DeltaDecoder>,
    encoder: Box<dyn DeltaEncoder>,
    /// Pieces on their way from the one to the other; empty between two polls.
    deltas: Vec<Delta>,
    out: Vec<u8>,
    recorder: Recorder,
    keeper: Option<Box<Keeper>>,
    redactor: Option<Streaming>,
    /// The same for what it is read to.
    parted: Option<Box<Parted>>,
    /// Held while the built-in runtime answers, so that it is not stopped.
    _lease: Option<Lease>,
    target: Target,
    idle: Idle,
    chunks: u32,
    /// Whether the upstream has said all.
    read: bool,
    ended: bool,
}

impl Translated {
    /// Begins a stream once its first event is there. A failure that the upstream tells before anything else is an error
    /// still: the client has heard nothing yet.
    pub(super) async fn begin(source: Translating) -> Result<Translated, Box<(Error, Recorder)>> {
        let Translating { encoder, decoder, answer, target, idle, mut recorder, keeper } = source;
        recorder.answered(200, None);
        let mut stream = Translated {
            body: answer.response.into_body(),
            framer: Framer::new(decoder.framing()),
            decoder,
            encoder,
            deltas: Vec::new(),
            out: Vec::new(),
            recorder,
            keeper,
            parted: answer.redactor.clone().map(|redactor| Box::new(Parted::new(redactor))),
            redactor: answer.redactor.map(Redactor::streaming),
            _lease: answer.lease,
            target,
            idle: Idle::new(idle),
            chunks: 0,
            read: false,
            ended: false,
        };
        stream.read(answer.first.unwrap_or_default());
        if let Err(error) = stream.first_event(idle).await {
            return Err(Box::new((error, stream.recorder)));
        }
        stream.write();
        Ok(stream)
    }

    async fn first_event(&mut self, idle: Duration) -> Result<(), Error> {
        while self.deltas.is_empty() && !self.read {
            let endpoint = || Arc::clone(&self.target.endpoint.id);
            match tokio::time::timeout(idle, self.body.frame()).await {
                Err(_) => return Err(Error::TimedOut { endpoint: endpoint(), waited: idle }),
                Ok(Some(Err(BrokeOff))) => return Err(Error::BrokeOff { endpoint: endpoint() }),
                Ok(Some(Ok(frame))) => frame.into_data().into_iter().for_each(|bytes| self.read(bytes)),
                Ok(None) => self.read_rest(),
            }
        }
        self.idle.heard();
        let said = self.deltas.iter().find(|delta| !matches!(delta, Delta::Start { .. } | Delta::Usage(_)));
        match said {
            Some(Delta::Failed { message, code }) => {
                Err(refused::in_stream(&self.target, message.clone(), code.clone()))
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, bytes: Bytes) {
        self.chunks = self.chunks.saturating_add(1);
        self.recorder.count(None, self.chunks);
        let bytes = match &mut self.redactor {
            Some(redactor) => redactor.push(bytes),
            None => bytes,
        };
        let Translated { framer, decoder, deltas, .. } = self;
        if let Err(error) = framer.push(&bytes, |frame| decoder.decode(frame, deltas)) {
            deltas.push(Delta::Failed { message: error.to_string(), code: None });
        }
    }

    /// The upstream is done: what was held back.
    fn read_rest(&mut self) {
        if std::mem::replace(&mut self.read, true) {
            return;
        }
        let held = self.redactor.as_mut().map(Streaming::finish).unwrap_or_default();
        let Translated { framer, decoder, deltas, .. } = self;
        if framer.push(&held, |frame| decoder.decode(frame, deltas)).is_ok() {
            framer.finish(|frame| decoder.decode(frame, deltas));
        }
        decoder.finish(deltas);
    }

    /// The upstream is done, and so is the client's stream.
    fn end(&mut self) {
        self.read_rest();
        self.write();
        if !self.ended {
            self.ended = true;
            let start = self.out.len();
            self.encoder.finish(&mut self.out);
            if let Some(keeper) = &self.keeper {
                keeper.last(&self.out[start..]);
            }
            self.recorder.ended(Outcome::Complete, None, None);
        }
    }

    /// The upstream will say no more, and has not said all.
    fn break_off(&mut self, error: &Error) {
        self.deltas.push(Delta::Failed { message: error.to_string(), code: Some(error.code().to_owned()) });
        self.write();
    }

    fn write(&mut self) {
        if let Some(parted) = &mut self.parted {
            for delta in std::mem::take(&mut self.deltas) {
                parted.push(delta, &mut self.deltas);
            }
            if self.read {
                parted.finish(&mut self.deltas);
            }
        }
        for mut delta in self.deltas.drain(..) {
            if self.ended {
                break;
            }
            match &mut delta {
                Delta::Start { id, model, created } => {
                    if self.keeper.is_some() {
                        *id = Keeper::id();
                    }
                    if id.is_empty() {
                        *id = unnamed();
                    }
                    created.get_or_insert_with(now);
                    if model.is_empty() {
                        model.push_str(&self.target.model.id);
                    }
                }
                Delta::Usage(usage) => self.recorder.count(Some(usage), self.chunks),
                Delta::Failed { message, .. } => {
                    tracing::warn!(endpoint = %self.target.endpoint.id, error = ?message, "a stream failed");
                    self.recorder.ended(Outcome::UpstreamDied, None, Some(message.clone()));
                    self.ended = true;
                }
                Delta::Text { .. }
                | Delta::Thought { .. }
                | Delta::ThoughtState { .. }
                | Delta::ToolCall { .. }
                | Delta::Arguments { .. }
                | Delta::Refusal { .. }
                | Delta::Logprobs { .. }
                | Delta::Finish { .. } => {}
            }
            self.encoder.encode(delta, &mut self.out);
        }
        self.deltas.clear();
    }
}

impl Body for Translated {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let this = self.get_mut();
        loop {
            if !this.out.is_empty() {
                let bytes = Bytes::from(std::mem::take(&mut this.out));
                this.recorder.said(&bytes);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            if this.read {
                this.end();
                continue;
            }
            let frame = Pin::new(&mut this.body).poll_frame(cx);
            if this.recorder.is_cancelled() || (frame.is_pending() && this.recorder.poll_cancelled(cx).is_ready()) {
                this.break_off(&Error::Cancelled);
                this.recorder.ended(Outcome::Cancelled, None, None);
                continue;
            }
            match frame {
                Poll::Pending => {
                    if this.idle.poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    let endpoint = Arc::clone(&this.target.endpoint.id);
                    this.break_off(&Error::TimedOut { endpoint, waited: this.idle.most() });
                }
                Poll::Ready(Some(Ok(frame))) => {
                    this.idle.heard();
                    // Trailers belong to the upstream's connection.
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.read(bytes);
                    this.write();
                }
                Poll::Ready(Some(Err(BrokeOff))) => {
                    let endpoint = Arc::clone(&this.target.endpoint.id);
                    this.break_off(&Error::BrokeOff { endpoint });
                }
                Poll::Ready(None) => this.end(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.out.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
