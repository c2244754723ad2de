//! The body of an answer: bytes of our own, or another's on their way.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::waiting::Waiting;
use crate::dispatch::AnswerBody;
use crate::upstream::BrokeOff;

/// An answer's body.
pub(crate) enum Body {
    /// All of it.
    Whole(Bytes),
    /// A target's.
    Answer(AnswerBody),
    /// As it comes, with comments until it does.
    Waiting(Box<Waiting>),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        match self.get_mut() {
            Body::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Body::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::Answer(answer) => Pin::new(answer).poll_frame(cx),
            Body::Waiting(waiting) => waiting.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.is_empty(),
            Body::Answer(answer) => answer.is_end_stream(),
            Body::Waiting(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Answer(answer) => answer.size_hint(),
            Body::Waiting(_) => SizeHint::default(),
        }
    }
}
