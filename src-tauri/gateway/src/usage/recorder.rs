//! One request's row while it is still being answered.
//!
//! Filled as the request goes on and sent when dropped, so that an answer that is never finished is counted too: a
//! client that hangs up drops it. It never waits and never fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use super::tap::{Tap, Tokens};
use super::{Outcome, Record, Sink};
use crate::completion;
use crate::protocol::{Operation, Protocol};
use crate::routing::Target;

/// How many requests are being answered now.
#[derive(Debug, Clone, Default)]
pub struct Open(Arc<AtomicU32>);

impl Open {
    /// The number.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A row in the making.
pub struct Recorder {
    sink: Sink,
    open: Open,
    started: Instant,
    tap: Option<Tap>,
    record: Record,
}

impl Recorder {
    /// Starts a row. Until told otherwise its outcome is that the client went away.
    pub fn new(sink: Sink, open: Open, surface: Protocol, operation: Operation, asked: Arc<str>) -> Recorder {
        open.0.fetch_add(1, Ordering::Relaxed);
        Recorder {
            sink,
            open,
            started: Instant::now(),
            tap: None,
            record: Record {
                started: SystemTime::now(),
                client: None,
                tool: None,
                surface: surface.id(),
                operation: operation.id(),
                asked,
                endpoint: None,
                model: None,
                local: true,
                stream: false,
                input_tokens: None,
                output_tokens: None,
                cached_tokens: None,
                reasoning_tokens: None,
                first_byte: None,
                total: std::time::Duration::ZERO,
                status: 0,
                outcome: Outcome::ClientGone,
                attempts: 0,
                error: None,
                chunks: 0,
            },
        }
    }

    /// When the request came.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Who asks: the client key's name and the tool's `User-Agent`.
    pub fn client(&mut self, key: Option<Arc<str>>, user_agent: Option<&str>) {
        self.record.client = key;
        self.record.tool = user_agent.and_then(super::tool);
    }

    /// Whether a stream was asked for.
    pub fn stream(&mut self, stream: bool) {
        self.record.stream = stream;
    }

    /// A target is tried.
    pub fn attempt(&mut self, target: &Target) {
        self.record.attempts = self.record.attempts.saturating_add(1);
        self.record.endpoint = Some(Arc::clone(&target.endpoint.id));
        self.record.model = Some(Arc::clone(&target.model.id));
        self.record.local = target.local();
    }

    /// The endpoint and the model that were tried last.
    pub fn target(&self) -> Option<(&str, &str)> {
        self.record.endpoint.as_deref().zip(self.record.model.as_deref())
    }

    /// How many targets were tried.
    pub fn attempts(&self) -> u8 {
        self.record.attempts
    }

    /// The head of an answer came. Its body will pass through `tap`, or its tokens will be told by [`Recorder::count`].
    pub fn answered(&mut self, status: u16, tap: Option<Tap>) {
        self.record.status = status;
        self.record.first_byte = Some(self.started.elapsed());
        self.tap = tap;
    }

    /// The tokens of an answer so far, and in how many pieces it came.
    pub fn count(&mut self, usage: Option<&completion::Usage>, chunks: u32) {
        if let Some(usage) = usage {
            self.record.input_tokens = Some(usage.input);
            self.record.output_tokens = Some(usage.output);
            self.record.cached_tokens = usage.cache_read;
            self.record.reasoning_tokens = usage.reasoning;
        }
        self.record.chunks = chunks;
    }

    /// Bytes of the answer pass.
    pub fn see(&mut self, bytes: &Bytes) {
        if let Some(tap) = &mut self.tap {
            tap.see(bytes);
        }
    }

    /// Whether the answer that passed is complete.
    pub fn complete(&self) -> bool {
        self.tap.as_ref().is_none_or(Tap::complete)
    }

    /// How it ended; the row goes out when this is dropped.
    pub fn ended(&mut self, outcome: Outcome, status: Option<u16>, error: Option<String>) {
        self.record.outcome = outcome;
        self.record.status = status.unwrap_or(self.record.status);
        self.record.error = error.map(Into::into);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(tap) = &self.tap {
            let Tokens { input, output, cached, reasoning } = tap.tokens();
            self.record.input_tokens = input;
            self.record.output_tokens = output;
            self.record.cached_tokens = cached;
            self.record.reasoning_tokens = reasoning;
            self.record.chunks = tap.chunks();
        }
        self.open.0.fetch_sub(1, Ordering::Relaxed);
        self.record.total = self.started.elapsed();
        self.sink.send(self.record.clone());
    }
}
