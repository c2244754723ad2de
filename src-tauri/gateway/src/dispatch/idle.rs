//! How long an answer may be silent in its middle.
//!
//! The timer is made when the upstream first keeps us waiting; most whole answers never do.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// One answer's patience.
pub(super) struct Idle {
    most: Duration,
    last: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    /// Silence is counted from now.
    pub(super) fn new(most: Duration) -> Idle {
        Idle { most, last: Instant::now(), alarm: None }
    }

    /// Bytes came.
    pub(super) fn heard(&mut self) {
        self.last = Instant::now();
    }

    /// How long it may last.
    pub(super) fn most(&self) -> Duration {
        self.most
    }

    /// Ready once it has been silent for too long; else asks to be woken when it will have been.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.last + self.most;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end.into())));
        while alarm.as_mut().poll(cx).is_ready() {
            if self.last.elapsed() >= self.most {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(end.into());
        }
        Poll::Pending
    }
}
