//! What a request of the Responses API goes on from, and how it is told to a target.
//!
//! A target is told the whole conversation, since most keep none; only OpenAI's own servers are told an id, where it is
//! one of theirs. The keeping of answers is `keeper`'s, where they lie is `recall`'s.

use std::sync::Arc;

use bytes::Bytes;

use super::Inbound;
use super::keeper::{Keeper, OWN, OWN_ITEM};
use crate::catalog::Endpoint;
use crate::error::Error;
use crate::ingress::turn::Turn;
use crate::protocol::openai_responses::kept::{self, Again, items};
use crate::recall::{Items, Lost, Owner, Past, Shelf};
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
    /// The items that it refers to, where it refers to some.
    referred: Option<Referred>,
    /// The largest request.
    most: usize,
}

/// Items that a request refers to.
struct Referred {
    known: Items,
    /// The first that is not there, and why.
    unknown: Option<(String, &'static str)>,
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
    pub async fn recall(
        shelf: &Shelf,
        turn: Turn,
        body: &[u8],
        owner: Owner,
        settings: &Settings,
    ) -> Option<Box<Memory>> {
        let stores = settings.responses.store;
        let keeps = turn.store && stores;
        if !keeps && turn.previous.is_none() && !turn.conversation && !turn.refers {
            return None;
        }
        let most = settings.limits.body_bytes;
        let past = match &turn.previous {
            Some(id) => Some(shelf.past(&owner, id, most).await),
            None => None,
        };
        let own = turn.input.clone().filter(|_| turn.refers).map(|place| &body[place]);
        let before = past.iter().flatten().flat_map(|past| &past.links).map(|link| &*link.input);
        let mut ids: Vec<String> =
            before.filter(|input| items::may_refer(input)).chain(own).flat_map(items::references).collect();
        ids.dedup();
        let referred = match ids.is_empty() {
            true => None,
            false => Some(Referred::find(shelf, &owner, ids, most, stores).await),
        };
        Some(Box::new(Memory { turn, owner, shelf: shelf.clone(), keeps, past, referred, most }))
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

    /// Whether items are put where it refers to them. OpenAI's own servers know by their ids those that they gave.
    fn resolves(&self, endpoint: &Endpoint, forwarded: bool) -> Result<bool, Error> {
        let Some(Referred { known, unknown }) = &self.referred else { return Ok(false) };
        let of_theirs = known.values().all(|item| item.endpoint == *endpoint.id);
        if forwarded && keeps_state(endpoint) && of_theirs {
            return Ok(false);
        }
        match unknown {
            None => Ok(true),
            Some((id, _)) if forwarded && known.is_empty() && may_know(endpoint) && !id.contains(OWN_ITEM) => Ok(false),
            Some((id, why)) => {
                let reason = format!("`item_reference`: no item `{id}` is kept here{why}; send the item itself");
                Err(Error::Unsayable { reason })
            }
        }
    }

    /// The body for a target of the same protocol; `None` for the one that came.
    pub(super) fn forwarded(&self, body: &[u8], target: &Target) -> Result<Option<Bytes>, Error> {
        let telling = self.telling(&target.endpoint, true)?;
        match (telling, self.resolves(&target.endpoint, true)?) {
            (Telling::ById | Telling::Unknown, _) | (Telling::Alone, false) => Ok(None),
            (Telling::Alone, true) | (Telling::Joined, _) => {
                let again = |endpoint: &str| {
                    if *endpoint == *target.endpoint.id { Again::AsItWas } else { Again::ToAnother }
                };
                self.joined(body, again, false).map(Some)
            }
        }
    }

    /// Whether a target of another protocol can be told it.
    pub(super) fn tellable(&self, target: &Target) -> Result<(), Error> {
        self.telling(&target.endpoint, false)?;
        self.resolves(&target.endpoint, false).map(|_| ())
    }

    /// The body to be read into the hub.
    pub(super) fn for_hub(&self, body: &Bytes) -> Result<Bytes, Error> {
        match (&self.past, &self.referred) {
            // The id stays: the answer repeats it.
            (Some(Ok(_)), _) | (None, Some(_)) => self.joined(body, |_| Again::AsItWas, true),
            (Some(Err(_)), _) | (None, None) => Ok(body.clone()),
        }
    }

    fn joined(&self, body: &[u8], again: impl Fn(&str) -> Again, with_id: bool) -> Result<Bytes, Error> {
        let links = self.past.iter().flatten().flat_map(|past| &past.links);
        let turns =
            links.map(|link| kept::Turn { input: &link.input, response: &link.response, again: again(&link.endpoint) });
        let own = self.turn.input.clone().map(|place| &body[place]);
        let mut input = kept::joined(turns, own);
        if let Some(Referred { known, .. }) = &self.referred {
            let known = |id: &str| known.get(id).map(|item| (&*item.json, again(&item.endpoint)));
            input = input.and_then(|input| items::resolved(&input, known));
        }
        let input = input
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

impl Referred {
    async fn find(shelf: &Shelf, owner: &Owner, ids: Vec<String>, most: usize, stores: bool) -> Referred {
        let (known, why) = match shelf.items(owner, ids.clone(), most).await {
            Ok(known) => (known, ""),
            Err(Lost::TooLong) => (Items::new(), " that fits into a request"),
            Err(Lost::Unreadable) => (Items::new(), ": kept responses cannot be read now; the log says why"),
            Err(Lost::Unknown | Lost::Broken) if stores => (Items::new(), ""),
            Err(Lost::Unknown | Lost::Broken) => {
                (Items::new(), " (`store` is off under `[responses]` in the settings)")
            }
        };
        let unknown = ids.into_iter().find(|id| !known.contains_key(id));
        let shown = |id: String| id.chars().filter(|letter| !letter.is_control()).take(120).collect();
        Referred { known, unknown: unknown.map(|id| (shown(id), why)) }
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
