//! Bodies on their way up and down: pieces of a request that are never joined, and an answer from either client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connections::Lent;
use crate::protocol::codec::frames::TooLong;
use crate::protocol::shape::unwrapped::Unwrapped;

/// Below this size one copy is cheaper than three writes.
const WORTH_COPYING: usize = 16 * 1024;

/// A request body in up to three pieces: what stands before the model's name, the name, and the rest.
#[derive(Debug, Clone)]
pub struct Pieces {
    pieces: [Bytes; 3],
    next: usize,
}

impl Pieces {
    /// A body of these pieces, in order.
    pub fn new(pieces: [Bytes; 3]) -> Pieces {
        let size: usize = pieces.iter().map(Bytes::len).sum();
        if size < WORTH_COPYING && !(pieces[1].is_empty() && pieces[2].is_empty()) {
            let mut joined = BytesMut::with_capacity(size);
            for piece in &pieces {
                joined.extend_from_slice(piece);
            }
            return Pieces { pieces: [joined.freeze(), Bytes::new(), Bytes::new()], next: 0 };
        }
        Pieces { pieces, next: 0 }
    }

    fn left(&self) -> usize {
        self.pieces[self.next.min(3)..].iter().map(Bytes::len).sum()
    }

    /// All of it in one buffer.
    pub fn joined(mut self) -> Bytes {
        if self.pieces[1].is_empty() && self.pieces[2].is_empty() {
            return std::mem::take(&mut self.pieces[0]);
        }
        self.pieces.concat().into()
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        while let Some(piece) = this.pieces.get_mut(this.next) {
            this.next += 1;
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(piece)))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left() as u64)
    }
}

/// An answer's body.
#[derive(Debug)]
pub struct UpstreamBody(Inner);

#[derive(Debug)]
enum Inner {
    /// With the connection that is given back once all of it was read.
    Local(Incoming, Option<Lent>),
    Remote(Box<reqwest::Body>),
    /// Without what a cloud wraps a stream into; nothing once all of it was read.
    Unwrapped(Box<UpstreamBody>, Option<Unwrapped>),
}

/// The connection broke in mid-answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection broke in mid-answer")]
pub struct BrokeOff;

impl UpstreamBody {
    pub(super) fn local(body: Incoming, lent: Lent) -> UpstreamBody {
        if body.is_end_stream() {
            lent.give_back();
            return UpstreamBody(Inner::Local(body, None));
        }
        UpstreamBody(Inner::Local(body, Some(lent)))
    }

    pub(super) fn remote(body: reqwest::Body) -> UpstreamBody {
        UpstreamBody(Inner::Remote(Box::new(body)))
    }

    /// The stream within.
    pub(crate) fn unwrapped(self, unwrapped: Unwrapped) -> UpstreamBody {
        UpstreamBody(Inner::Unwrapped(Box::new(self), Some(unwrapped)))
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let frame = match &mut self.get_mut().0 {
            Inner::Local(body, lent) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(cx)).map(|frame| frame.map_err(|_| BrokeOff));
                // Whoever knows the length never asks for what comes behind the last piece.
                let over = match &frame {
                    Some(Ok(_)) => body.is_end_stream(),
                    None => true,
                    Some(Err(BrokeOff)) => false,
                };
                if over && let Some(lent) = lent.take() {
                    lent.give_back();
                }
                frame
            }
            Inner::Remote(body) => {
                ready!(Pin::new(&mut **body).poll_frame(cx)).map(|frame| frame.map_err(|_| BrokeOff))
            }
            Inner::Unwrapped(body, unwrapped) => loop {
                let Some(within) = unwrapped else { break None };
                let bytes = match ready!(Pin::new(&mut **body).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => within.push(&bytes),
                        Err(_) => continue,
                    },
                    Some(Err(BrokeOff)) => break Some(Err(BrokeOff)),
                    None => {
                        let rest = within.finish();
                        *unwrapped = None;
                        Ok(rest)
                    }
                };
                match bytes {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => break Some(Ok(Frame::data(bytes))),
                    Err(TooLong) => break Some(Err(BrokeOff)),
                }
            },
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Local(body, _) => body.is_end_stream(),
            Inner::Remote(body) => body.is_end_stream(),
            Inner::Unwrapped(_, unwrapped) => unwrapped.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Local(body, _) => body.size_hint(),
            Inner::Remote(body) => body.size_hint(),
            Inner::Unwrapped(..) => SizeHint::default(),
        }
    }
}
