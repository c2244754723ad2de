//! Which of an endpoint's keys is used: the last one that was not over its limit.
//!
//! For who has several keys of one provider. It lives in memory: a limit that is used up begins anew by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::{Endpoint, EndpointId};
use crate::secrets::CredentialRef;

/// The key in use of each endpoint that has spare ones, counted from its first.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Arc<Mutex<HashMap<EndpointId, usize>>>);

impl KeyRing {
    /// An endpoint's keys with their numbers, the one in use first and each once.
    pub(super) fn keys<'e>(&self, endpoint: &'e Endpoint) -> Vec<(usize, &'e CredentialRef)> {
        let mut keys: Vec<_> = endpoint.credential.iter().chain(&endpoint.spares).enumerate().collect();
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&endpoint.id).copied();
        // There may be fewer now than there were.
        let used = used.unwrap_or_default().min(keys.len().saturating_sub(1));
        keys.rotate_left(used);
        keys
    }

    /// The key of this number answered.
    pub(super) fn answered(&self, endpoint: &Endpoint, key: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(&endpoint.id), key);
    }
}
