//! Keeps one answer of the Responses API on its way to the client.
//!
//! It is on the shelf before the client has its last byte, so that whoever goes on from it at once finds it. A stream that
//! breaks off or fails is not kept: OpenAI keeps those too, with a status that says so, but nobody can go on from them,
//! and what a client gave up should leave no trace.

use std::time::SystemTime;

use bytes::Bytes;

use crate::catalog::EndpointId;
use crate::protocol::openai_responses::kept::ending::{Ended, Ending, whole};
use crate::protocol::openai_responses::kept::naming;
use crate::recall::{Kept, Owner, Shelf};

/// What an id begins with that was made up here, for answers that were given in another protocol.
pub(super) const OWN: &str = "resp_pm";
/// What stands in the ids of such an answer's items.
pub(super) const OWN_ITEM: &str = "_pm";

/// What an answer is kept with.
pub(super) struct Keeper {
    /// Where it is kept; `None` if it is only to be changed.
    pub(super) shelf: Option<Shelf>,
    pub(super) owner: Owner,
    /// The answer that it goes on from.
    pub(super) previous: Option<i64>,
    pub(super) endpoint: EndpointId,
    /// What was asked.
    pub(super) input: Bytes,
    /// The id that an answer in this protocol must be made to name, since its maker was not told it.
    pub(super) named: Option<String>,
}

/// A stream that is being kept.
pub(super) struct Keeping {
    keeper: Box<Keeper>,
    ending: Ending,
}

impl Keeper {
    /// An id for an answer that has none of this protocol. What other protocols have may not even be unique.
    pub(super) fn id() -> String {
        format!("{OWN}{}", uuid::Uuid::new_v4().simple())
    }

    /// Keeps a whole answer, and gives it as it goes to the client.
    pub(super) fn whole(&self, response: Bytes) -> Bytes {
        let named = self.named.as_deref().and_then(|previous| naming(&response, previous)).map(Bytes::from);
        let response = named.unwrap_or(response);
        if let Some(ended) = whole(response.clone()) {
            self.keep(ended);
        }
        response
    }

    /// Keeps what the last events of a stream hold, as they were written here.
    pub(super) fn last(&self, events: &[u8]) {
        let mut ending = Ending::new(None);
        if ending.push(Bytes::copy_from_slice(events)).is_ok()
            && let Some(ended) = ending.ended()
        {
            self.keep(ended);
        }
    }

    fn keep(&self, ended: Ended) {
        let Some(shelf) = &self.shelf else { return };
        shelf.keep(Kept {
            owner: Owner::clone(&self.owner),
            id: ended.id,
            previous: self.previous,
            endpoint: EndpointId::clone(&self.endpoint),
            input: self.input.clone(),
            response: ended.response,
            at: SystemTime::now(),
        });
    }
}

impl Keeping {
    /// Keeps the stream to come.
    pub(super) fn new(mut keeper: Box<Keeper>) -> Keeping {
        let ending = Ending::new(keeper.named.take());
        Keeping { keeper, ending }
    }

    /// Takes bytes and gives those that go on to the client; `None` if they cannot.
    pub(super) fn push(&mut self, bytes: Bytes) -> Option<Bytes> {
        let bytes = self.ending.push(bytes).ok();
        self.settle();
        bytes
    }

    /// The bytes are over: what is left for the client.
    pub(super) fn finish(&mut self) -> Bytes {
        let bytes = self.ending.finish();
        self.settle();
        bytes
    }

    fn settle(&mut self) {
        if let Some(ended) = self.ending.ended() {
            self.keeper.keep(ended);
        }
    }
}
