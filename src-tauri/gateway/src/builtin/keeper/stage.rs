//! What the keeper is at: nothing, a start, a child that serves, an end.
//!
//! Values and the lending of one child; when to go from one stage to the next is the keeper's decision.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Message;
use crate::builtin::child::{Report, Running};
use crate::builtin::offer::Present;
use crate::builtin::{EngineError, Lease};

/// A request that waits for a model.
pub(super) struct Waiting {
    pub(super) model: Arc<str>,
    pub(super) reply: oneshot::Sender<Result<Lease, EngineError>>,
}

/// The stages.
pub(super) enum Stage {
    Empty,
    Starting { model: Arc<str>, key: Arc<str>, end: CancellationToken },
    Serving(Serving),
    Ending,
}

/// A child that serves.
pub(super) struct Serving {
    pub(super) model: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) end: CancellationToken,
    /// Tells those who hold a lease that it has ended.
    pub(super) gone: CancellationToken,
    pub(super) running: Running,
    pub(super) users: usize,
    pub(super) since: Instant,
    /// When the last user went.
    pub(super) idle: Instant,
    pub(super) memory: Option<u64>,
}

impl Stage {
    /// How many use the child.
    pub(super) fn users(&self) -> usize {
        match self {
            Stage::Serving(serving) => serving.users,
            Stage::Empty | Stage::Starting { .. } | Stage::Ending => 0,
        }
    }

    /// The model that runs or is about to.
    pub(super) fn model(&self) -> Option<&Arc<str>> {
        match self {
            Stage::Starting { model, .. } | Stage::Serving(Serving { model, .. }) => Some(model),
            Stage::Empty | Stage::Ending => None,
        }
    }

    /// What the catalog should hear of it.
    pub(super) fn present(&self) -> Present<'_> {
        match self {
            Stage::Empty | Stage::Ending => Present::Nothing,
            Stage::Starting { model, .. } => Present::Loading(model),
            Stage::Serving(serving) => Present::Loaded(&serving.model, &serving.running, serving.memory),
        }
    }
}

impl Serving {
    /// Lends the child to one who waits for it.
    pub(super) fn lend(&mut self, waiting: Waiting, child: u64, messages: &mpsc::UnboundedSender<Message>) {
        // One who has gone in the meantime gives it back at once.
        self.users += 1;
        let lease = Lease {
            address: self.running.address,
            key: Arc::clone(&self.key),
            child,
            gone: self.gone.clone(),
            messages: messages.clone(),
        };
        let _ = waiting.reply.send(Ok(lease));
    }
}

/// Passes on a child's reports, and its end even if whoever minds it falls.
pub(super) struct Minder {
    pub(super) child: u64,
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

impl Minder {
    pub(super) fn tell(&self, report: Report) {
        let _ = self.messages.send(Message::Child(self.child, report));
    }
}

impl Drop for Minder {
    fn drop(&mut self) {
        self.tell(Report::Ended(None));
    }
}
