//! Tries a key with the cheapest question that its provider has for that.
//!
//! The question is the row's own; nothing is generated and nothing is spent. What the answer proves is said in words, for
//! a list that everybody may read proves nothing of a key, and a provider that cannot be reached proves nothing at all.

use std::time::Duration;

use super::entry::{base, fault, proof, reach};
use crate::authority::{Authority, AuthorityError};
use crate::discovery::client::{Answer, Fault, Site};
use crate::provider::hosted::KeyCheck;
use crate::secrets::Secret;
use crate::settings::ConfiguredEndpoint;
use bytes::Bytes;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The provider took the key.
    Good,
    /// The provider refused it.
    Refused {
        /// What it answered.
        status: u16,
    },
    /// It was not found out.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Tries `secret` at an entry's place. In local-only mode nobody may call this.
pub async fn check(entry: &ConfiguredEndpoint, secret: Option<Secret>, authority: &Authority) -> Proof {
    let unclear = |reason: String| Proof::Unclear { reason };
    let Some(row) = &entry.provider else { return unclear("it is no provider that Pointsman knows".to_owned()) };
    if let Some(reason) = fault(entry) {
        return unclear(reason.to_owned());
    }
    let Some((headers, signer)) = proof(entry, secret, authority) else {
        return unclear("no header can carry that key".to_owned());
    };
    let reach = match reach(entry) {
        Ok(reach) => reach,
        Err(fault) => return unclear(fault.to_string()),
    };
    let (KeyCheck::Get(path) | KeyCheck::RefusesEmpty(path)) = &row.check;
    let path = row.fill(path);
    // A whole URL is the vendor's own, and only asked where the entry is at the vendor's.
    let elsewhere = path.starts_with("https://");
    if elsewhere && row.usual_address().as_ref() != Some(&entry.base_url) {
        return unclear("there is nothing to ask at an address of your own".to_owned());
    }
    let base = if elsewhere { String::new() } else { base(entry) };
    let site = Site { base, headers, signer, patience: PATIENCE, reach };
    let answer = match &row.check {
        KeyCheck::Get(_) => site.get(&path).await,
        KeyCheck::RefusesEmpty(_) => site.post(&path, Bytes::from_static(b"{}")).await,
    };
    judged(&row.check, answer)
}

fn judged(check: &KeyCheck, answer: Result<Answer, Fault>) -> Proof {
    let status = match answer {
        Ok(answer) => answer.status,
        Err(Fault::Unproved(AuthorityError::Refused { status, .. })) => return Proof::Refused { status },
        Err(fault) => return Proof::Unclear { reason: fault.to_string() },
    };
    match (check, status) {
        (_, 401 | 403) => Proof::Refused { status },
        (KeyCheck::Get(_), 200) | (KeyCheck::RefusesEmpty(_), 200 | 400 | 422) => Proof::Good,
        (_, 402) => Proof::Unclear { reason: "it answered 402: the account has no credit".to_owned() },
        (_, 429) => Proof::Unclear { reason: "it answered 429: too many requests for now".to_owned() },
        (_, status) => Proof::Unclear { reason: format!("it answered {status}") },
    }
}
