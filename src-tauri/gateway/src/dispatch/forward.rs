//! An answer on its way to the client: the upstream's bytes, one piece at a time, as they come.
//!
//! Nothing is collected and nothing is parsed, unless it is to be kept; the tap looks at the bytes in passing. A stream whose upstream dies or
//! falls silent, or that the user gives up, ends with the surface's own error event. A whole answer that breaks off breaks the client's connection
//! off too, so that nobody takes a part for the whole. Dropping it closes the upstream's connection at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::idle::Idle;
use super::keeper::Keeping;
use crate::builtin::Lease;
use crate::catalog::EndpointId;
use crate::error::Error;
use crate::protocol::{Protocol, refusal};
use crate::secrets::redact::{Redactor, Streaming};
use crate::upstream::{BrokeOff, UpstreamBody};
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;

/// What a forwarded answer is made of.
pub(super) struct Source {
    pub(super) body: UpstreamBody,
    pub(super) first: Option<Bytes>,
    pub(super) protocol: Protocol,
    pub(super) endpoint: EndpointId,
    pub(super) streamed: bool,
    pub(super) idle: Duration,
    pub(super) recorder: Recorder,
    pub(super) redactor: Option<Redactor>,
    pub(super) keeping: Option<Box<Keeping>>,
    pub(super) lease: Option<Lease>,
}

/// The body of a forwarded answer.
pub struct Forwarded {
    body: UpstreamBody,
    /// Bytes that dispatch waited for before it chose this answer.
    first: Option<Bytes>,
    protocol: Protocol,
    endpoint: EndpointId,
    streamed: bool,
    recorder: Recorder,
    redactor: Option<Streaming>,
    /// Keeps a stream in passing.
    keeping: Option<Box<Keeping>>,
    /// Held while the built-in runtime answers, so that it is not stopped.
    _lease: Option<Lease>,
    idle: Idle,
    ended: bool,
}

impl Forwarded {
    pub(super) fn new(source: Source) -> Forwarded {
        let mut recorder = source.recorder;
        let ended = source.first.is_none() && source.body.is_end_stream();
        if ended {
            recorder.ended(Outcome::Complete, None, None);
        }
        Forwarded {
            body: source.body,
            first: source.first,
            protocol: source.protocol,
            endpoint: source.endpoint,
            streamed: source.streamed,
            recorder,
            redactor: source.redactor.map(Redactor::streaming),
            keeping: source.keeping,
            _lease: source.lease,
            idle: Idle::new(source.idle),
            ended,
        }
    }

    /// The end of an answer: its last bytes, if something is still to be said.
    fn end(&mut self, broke: Option<Error>) -> Result<Option<Bytes>, BrokeOff> {
        self.ended = true;
        let mut held = self.redactor.as_mut().map(Streaming::finish).filter(|held| !held.is_empty());
        if let Some(keeping) = &mut self.keeping {
            let rest = held.and_then(|held| keeping.push(held)).unwrap_or_default();
            held = Some([rest, keeping.finish()].concat().into()).filter(|held: &Bytes| !held.is_empty());
        }
        let error = match broke {
            None if self.recorder.complete() => {
                self.recorder.ended(Outcome::Complete, None, None);
                return Ok(held);
            }
            None => Error::BrokeOff { endpoint: Arc::clone(&self.endpoint) },
            Some(error) => error,
        };
        if matches!(error, Error::Cancelled) {
            self.recorder.ended(Outcome::Cancelled, None, None);
        } else {
            tracing::warn!(endpoint = %self.endpoint, %error, "an answer broke off");
            self.recorder.ended(Outcome::UpstreamDied, None, Some(error.to_string()));
        }
        if !self.streamed {
            return Err(BrokeOff);
        }
        let told = refusal::event(self.protocol, &error);
        Ok(Some(match held {
            Some(held) => [held, told].concat().into(),
            None => told,
        }))
    }
}

impl Body for Forwarded {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let this = self.get_mut();
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            let frame = match this.first.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Pin::new(&mut this.body).poll_frame(cx),
            };
            let broke = match frame {
                _ if this.recorder.is_cancelled() => Some(Error::Cancelled),
                Poll::Pending if this.recorder.poll_cancelled(cx).is_ready() => Some(Error::Cancelled),
                Poll::Pending if this.idle.poll(cx).is_ready() => {
                    Some(Error::TimedOut { endpoint: Arc::clone(&this.endpoint), waited: this.idle.most() })
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    this.idle.heard();
                    // Trailers belong to the upstream's connection.
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.recorder.see(&bytes);
                    // Whoever writes a body of known length never asks for what comes behind it.
                    if !this.streamed && this.redactor.is_none() && this.body.is_end_stream() {
                        this.ended = true;
                        this.recorder.ended(Outcome::Complete, None, None);
                    }
                    let bytes = match &mut this.redactor {
                        Some(redactor) => redactor.push(bytes),
                        None => bytes,
                    };
                    let bytes = match &mut this.keeping {
                        Some(keeping) => keeping.push(bytes),
                        None => Some(bytes),
                    };
                    match bytes {
                        Some(bytes) if bytes.is_empty() => continue,
                        Some(bytes) => {
                            this.recorder.said(&bytes);
                            return Poll::Ready(Some(Ok(Frame::data(bytes))));
                        }
                        None => Some(Error::BrokeOff { endpoint: Arc::clone(&this.endpoint) }),
                    }
                }
                Poll::Ready(Some(Err(BrokeOff))) => Some(Error::BrokeOff { endpoint: Arc::clone(&this.endpoint) }),
                Poll::Ready(None) => None,
            };
            return match this.end(broke) {
                Ok(Some(bytes)) => {
                    this.recorder.said(&bytes);
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Ok(None) => Poll::Ready(None),
                Err(error) => Poll::Ready(Some(Err(error))),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.first.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // A whole answer has the upstream's length; a stream may get an error event added, a redacted one shrinks.
        if self.streamed || self.redactor.is_some() {
            return SizeHint::default();
        }
        let (first, rest) = (self.first.as_ref().map_or(0, |first| first.len() as u64), self.body.size_hint());
        let mut size = SizeHint::new();
        size.set_lower(first + rest.lower());
        if let Some(upper) = rest.upper() {
            size.set_upper(first + upper);
        }
        size
    }
}
