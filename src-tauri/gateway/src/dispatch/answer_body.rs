//! The body of an answer, by the way it comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::forward::Forwarded;
use super::translated::Translated;
use crate::upstream::BrokeOff;

/// An answer's body.
pub enum AnswerBody {
    /// The upstream's own bytes.
    Forwarded(Box<Forwarded>),
    /// A stream in another protocol.
    Translated(Box<Translated>),
    /// A whole answer in another protocol.
    Whole(Bytes),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        match self.get_mut() {
            AnswerBody::Forwarded(body) => Pin::new(&mut **body).poll_frame(cx),
            AnswerBody::Translated(body) => Pin::new(&mut **body).poll_frame(cx),
            AnswerBody::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            AnswerBody::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Forwarded(body) => body.is_end_stream(),
            AnswerBody::Translated(body) => body.is_end_stream(),
            AnswerBody::Whole(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Forwarded(body) => body.size_hint(),
            AnswerBody::Translated(body) => body.size_hint(),
            AnswerBody::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}
