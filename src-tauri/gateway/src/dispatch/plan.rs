//! Forward or not: whether a target can be given the bytes as they came.
//!
//! Pure. Equal protocols are forwarded. Unequal ones will go through the hub, which has its place here as a second
//! variant; until then they are told as not spoken.

use crate::catalog::Endpoint;
use crate::protocol::{Operation, Protocol, Speaks};

/// How a target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan<'a> {
    /// The same protocol: bytes through, but for the model's name and the credential.
    Forward(&'a Speaks),
}

/// How `endpoint` can be asked; `None` if it cannot.
pub fn plan(protocol: Protocol, operation: Operation, endpoint: &Endpoint) -> Option<Plan<'_>> {
    endpoint.speaks(protocol, operation).map(Plan::Forward)
}
