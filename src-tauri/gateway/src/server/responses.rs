//! The Responses API's memory at the door: what a request says of it, and kept responses themselves, one of them, its
//! input items, its end.
//!
//! Those are answered from what is kept here for the caller, whoever had answered; no endpoint is asked.

use bytes::Bytes;
use http::Method;

use super::guard::Key;
use crate::error::Error;
use crate::ingress::Place;
use crate::ingress::peek::Peek;
use crate::ingress::turn::{self, Turn};
use crate::protocol::codec::json;
use crate::protocol::openai_responses::kept::page::Page;
use crate::recall::{Link, Lost, Owner, Shelf};

/// Whose responses a caller sees. All without a key of ours are one: they are programs of the same user.
pub(super) fn owner(key: &Key) -> Owner {
    match key {
        Key::Known(name) => Owner::clone(name),
        Key::None | Key::Wrong => Owner::from(""),
    }
}

/// What stands in a request's body; with what it says of memory, if that needs anything.
pub(super) fn look(kind: &str, body: &[u8]) -> Result<(Peek, Option<Box<Turn>>), Error> {
    if kind.starts_with("multipart/") {
        return Err(Error::WrongContentType { wanted: "application/json" });
    }
    let (peek, turn) = turn::read(body).map_err(|error| Error::BadRequest { reason: error.to_string() })?;
    if turn.background {
        let reason = "`background` is not offered: an answer is given while you wait; use `stream`";
        return Err(Error::Unsayable { reason: reason.to_owned() });
    }
    let needed = turn.store || turn.previous.is_some() || turn.conversation || turn.refers;
    Ok((peek, needed.then(|| Box::new(turn))))
}

/// Answers a question about a kept response.
pub(super) async fn answer(
    shelf: &Shelf,
    owner: &Owner,
    place: Place<'_>,
    method: &Method,
    query: &str,
) -> Result<Bytes, Error> {
    match place {
        Place::Response(id) if method == Method::DELETE => {
            shelf.forget(owner, id).await.map_err(|lost| missing(lost, id))?;
            Ok(json::body(&serde_json::json!({"id": id, "object": "response", "deleted": true})))
        }
        Place::Response(id) => {
            if url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "stream" && value == "true") {
                let reason = "a response that is kept is not told as a stream again; leave `stream` out";
                return Err(Error::Unsayable { reason: reason.to_owned() });
            }
            Ok(find(shelf, owner, id).await?.response)
        }
        Place::ResponseItems(id) => {
            let page = Page::of(query).map_err(|reason| Error::Unsayable { reason })?;
            let Link { input, .. } = find(shelf, owner, id).await?;
            let encoded = page.encode(id, &input).ok_or(Error::Internal)?;
            encoded.map_err(|reason| Error::Unsayable { reason })
        }
        Place::ResponseCancel(id) => {
            find(shelf, owner, id).await?;
            Err(Error::Unsayable { reason: "Cannot cancel a synchronous response.".to_owned() })
        }
        _ => Err(Error::Internal),
    }
}

async fn find(shelf: &Shelf, owner: &Owner, id: &str) -> Result<Link, Error> {
    shelf.one(owner, id).await.map_err(|lost| missing(lost, id))
}

fn missing(lost: Lost, id: &str) -> Error {
    match lost {
        Lost::Unreadable => Error::Internal,
        Lost::Unknown | Lost::Broken | Lost::TooLong => {
            Error::ResponseNotFound { id: id.chars().filter(|letter| !letter.is_control()).take(120).collect() }
        }
    }
}
