//! What a request of the Responses API goes on from, and how it is told to a target.
//!
//! A target is told the whole conversation, since most keep none; only OpenAI's own servers are told an id, where it is
//! one of theirs. The keeping of answers is `keeper`'s, where they lie is `recall`'s.

use std::sync::Arc;

use bytes::Bytes;

use super::Inbound;
use super::keeper::{Keeper, OWN};
use crate::catalog::Endpoint;
use crate::error::Error;
use crate::ingress::turn::Turn;
use crate::protocol::openai_responses::kept::{self, Again};
use crate::recall::{Lost, Owner, Past, Shelf};
use crate::routing::Target;
use crate::settings::Settings;

/// What is remembered for a request.
pub struct Memory {
    turn: Turn,
    owner: Owner,
    shelf: Shelf,
    /// Whether its answer is to be kept.
    keeps: bool,
    /// What it goes on from, where it says so.
    past: Option<Result<Past, Lost>>,
    /// The largest request.
    most: usize,
}

/// How a request is told to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// As it came: it goes on from nothing.
    Alone,
    /// As it came: the target knows what it goes on from, and we do too.
    ById,
    /// As it came: the target may know what it goes on from, and we do not.
    Unknown,
    /// With all turns before it.
    Joined,
}

impl Memory {
    /// Remembers what a request needs; `None` for one that needs nothing and is not to be kept.
    pub async fn recall(shelf: &Shelf, turn: Turn, owner: Owner, settings: &Settings) -> Option<Box<Memory>> {
        let keeps = turn.store && settings.responses.store;
        if !keeps && turn.previous.is_none() && !turn.conversation {
            return None;
        }
        let most = settings.limits.body_bytes;
        let past = match &turn.previous {
            Some(id) => Some(shelf.past(&owner, id, most).await),
            None => None,
        };
        Some(Box::new(Memory { turn, owner, shelf: shelf.clone(), keeps, past, most }))
    }

    fn telling(&self, endpoint: &Endpoint, forwarded: bool) -> Result<Telling, Error> {
        if self.turn.conversation {
            if forwarded && keeps_state(endpoint) {
                return Ok(Telling::Unknown);
            }
            let reason =
                "`conversation` names what OpenAI's own servers keep; use `previous_response_id`, or send the turns";
            return Err(Error::Unsayable { reason: reason.to_owned() });
        }
        let (Some(id), Some(past)) = (&self.turn.previous, &self.past) else { return Ok(Telling::Alone) };
        let lost = match past {
            Ok(past) => {
                let made_there = past.links.last().is_some_and(|link| link.endpoint == *endpoint.id);
                let by_id = forwarded && made_there && keeps_state(endpoint);
                return Ok(if by_id { Telling::ById } else { Telling::Joined });
            }
            Err(lost) => *lost,
        };
        let why = match lost {
            Lost::Unknown if forwarded && may_know(endpoint) && !id.starts_with(OWN) => return Ok(Telling::Unknown),
            Lost::Unknown => "",
            Lost::Broken => ": an answer before it was deleted",
            Lost::Unreadable => ": kept responses cannot be read now; the log says why",
            Lost::TooLong => return Err(Error::BodyTooLarge { limit: self.most }),
        };
        Err(Error::PreviousNotFound { id: id.clone(), why })
    }

    /// The body for a target of the same protocol; `None` for the one that came.
    pub(super) fn forwarded(&self, body: &[u8], target: &Target) -> Result<Option<Bytes>, Error> {
        match self.telling(&target.endpoint, true)? {
            Telling::Alone | Telling::ById | Telling::Unknown => Ok(None),
            Telling::Joined => {
                let again = |endpoint: &str| {
                    if *endpoint == *target.endpoint.id { Again::AsItWas } else { Again::ToAnother }
                };
                self.joined(body, again, false).map(Some)
            }
        }
    }

    /// Whether a target of another protocol can be told it.
    pub(super) fn tellable(&self, target: &Target) -> Result<(), Error> {
        self.telling(&target.endpoint, false).map(|_| ())
    }

    /// The body to be read into the hub.
    pub(super) fn for_hub(&self, body: &Bytes) -> Result<Bytes, Error> {
        match self.past {
            // The id stays: the answer repeats it.
            Some(Ok(_)) => self.joined(body, |_| Again::AsItWas, true),
            Some(Err(_)) | None => Ok(body.clone()),
        }
    }

    fn joined(&self, body: &[u8], again: impl Fn(&str) -> Again, with_id: bool) -> Result<Bytes, Error> {
        let Some(Ok(past)) = &self.past else { return Err(Error::Internal) };
        let turns = past.links.iter().map(|link| kept::Turn {
            input: &link.input,
            response: &link.response,
            again: again(&link.endpoint),
        });
        let own = self.turn.input.clone().map(|place| &body[place]);
        let input = kept::joined(turns, own)
            .ok_or_else(|| Error::BadRequest { reason: "`input` must be a text or a list of items".to_owned() })?;
        Ok(self.turn.rewritten(body, &input, with_id).into())
    }

    /// Who keeps the answer of a target; `None` if nobody does and nothing is to be put into it.
    pub(super) fn keeper(&self, inbound: &Inbound, target: &Target, forwarded: bool) -> Option<Box<Keeper>> {
        let telling = self.telling(&target.endpoint, forwarded).ok()?;
        // What went before is not ours to tell, so nobody could go on from it here.
        let shelf = (self.keeps && telling != Telling::Unknown).then(|| self.shelf.clone());
        let named = self.turn.previous.clone().filter(|_| forwarded && telling == Telling::Joined);
        if shelf.is_none() && named.is_none() {
            return None;
        }
        let input = self.turn.input.clone().map(|place| inbound.body.slice(place));
        Some(Box::new(Keeper {
            shelf,
            owner: Arc::clone(&self.owner),
            previous: self.past.as_ref().and_then(|past| past.as_ref().ok()).map(|past| past.number),
            endpoint: Arc::clone(&target.endpoint.id),
            input: input.unwrap_or(Bytes::from_static(b"[]")),
            named,
        }))
    }
}

/// Whether an endpoint is one of OpenAI's own servers, or Azure's: they keep what they answer, and know it by its id.
fn keeps_state(endpoint: &Endpoint) -> bool {
    let host = endpoint.base_url.host_str().unwrap_or_default();
    [".openai.com", ".openai.azure.com"].iter().any(|domain| host.ends_with(domain)) || host == "openai.com"
}

/// Whether an endpoint may know an id that we do not. The runtimes that keep no state say nothing of it, or say it in words
/// that help nobody.
fn may_know(endpoint: &Endpoint) -> bool {
    matches!(endpoint.origin.runtime(), None | Some("lmstudio" | "vllm"))
}

#[cfg(test)]
mod tests;
