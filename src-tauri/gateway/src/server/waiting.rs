//! A stream that begins before its answer does: comments while the built-in runtime loads a model.
//!
//! Editors give up on a connection that is silent for some seconds. SSE has comments for that: every client skips them.
//! Once the head is sent the status is fixed, so that a load that fails is told as the surface's error event.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::dispatch::{AnswerBody, Unanswered};
use crate::error::Error;
use crate::protocol::{Protocol, refusal};
use crate::upstream::BrokeOff;

/// Time between two comments.
const BEAT: Duration = Duration::from_secs(2);

type Answer = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Unanswered>> + Send>>;

/// The body of such a stream.
pub(crate) struct Waiting {
    protocol: Protocol,
    comment: Bytes,
    beat: Interval,
    state: State,
}

enum State {
    Loading(Answer),
    Answering(AnswerBody),
    Ended,
}

impl Waiting {
    /// Comments that `model` loads until `answer` is there.
    pub(crate) fn new(protocol: Protocol, model: &str, answer: Answer) -> Waiting {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Waiting {
            protocol,
            comment: Bytes::from(format!(": loading {model}\n\n")),
            beat,
            state: State::Loading(answer),
        }
    }

    /// The next bytes.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Answering(answer) => return Pin::new(answer).poll_frame(cx),
                State::Loading(answer) => match answer.as_mut().poll(cx) {
                    Poll::Pending => {
                        return self.beat.poll_tick(cx).map(|_| Some(Ok(Frame::data(self.comment.clone()))));
                    }
                    Poll::Ready(Ok(response)) if response.status().is_success() => {
                        self.state = State::Answering(response.into_body());
                    }
                    Poll::Ready(Ok(response)) => {
                        let endpoint = "builtin".into();
                        let reason = "the model refused the request".to_owned();
                        let error = Error::BadAnswer { endpoint, status: response.status().as_u16(), reason };
                        return self.tell(&error);
                    }
                    Poll::Ready(Err(unanswered)) => return self.tell(&unanswered.error),
                },
            }
        }
    }

    fn tell(&mut self, error: &Error) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        self.state = State::Ended;
        Poll::Ready(Some(Ok(Frame::data(refusal::event(self.protocol, error)))))
    }
}
