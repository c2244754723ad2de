//! What happened before a request was answered: the targets that were tried in vain, and what one could not be told.
//!
//! Names and reasons only. Most requests are answered by the first target, told everything, and have no story.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clip;

/// The most characters kept of a reason.
const REASON: usize = 300;
/// The most fields that are named.
const MOST_FIELDS: usize = 100;

/// A target that was tried in vain.
#[derive(Debug, Clone)]
pub struct Miss {
    /// The endpoint.
    pub endpoint: Arc<str>,
    /// The model at it.
    pub model: Arc<str>,
    /// Whether it is on this machine.
    pub local: bool,
    /// How long it was waited for.
    pub took: Duration,
    /// What came of it, in a few words, already redacted.
    pub reason: Arc<str>,
}

/// A target that was tried in vain, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attempt {
    /// The endpoint.
    pub endpoint: String,
    /// The model at it.
    pub model: String,
    /// Whether it is on this machine.
    pub local: bool,
    /// How long it was waited for, in milliseconds.
    pub ms: f64,
    /// What came of it.
    pub reason: String,
}

/// Everything that is told beside a request's row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Story {
    /// The targets that were tried in vain, in their order. Whoever answered stands in the row itself.
    pub missed: Vec<Attempt>,
    /// What the target could not be told, by the client's own field names.
    pub dropped: Vec<String>,
}

impl Story {
    /// Of a request; none where there is nothing to tell.
    pub(super) fn of(missed: &[Miss], dropped: &[String]) -> Option<Story> {
        if missed.is_empty() && dropped.is_empty() {
            return None;
        }
        let attempt = |miss: &Miss| Attempt {
            endpoint: miss.endpoint.to_string(),
            model: miss.model.to_string(),
            local: miss.local,
            ms: miss.took.as_secs_f64() * 1e3,
            reason: clip(&miss.reason, REASON).to_owned(),
        };
        Some(Story {
            missed: missed.iter().map(attempt).collect(),
            dropped: dropped.iter().take(MOST_FIELDS).map(|field| clip(field, REASON).to_owned()).collect(),
        })
    }
}
