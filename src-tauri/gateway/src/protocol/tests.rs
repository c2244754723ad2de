//! What holds for every protocol, and for every pair of them.
//!
//! A protocol's own shapes and habits are tested beside its codec.

mod laws;
mod pairs;
mod signatures;
mod switches;

use super::codec::{Surface, Upstream, surface, testing, upstream};
use super::{Operation, Protocol};

/// Protocols that clients are answered in, with both their codecs.
fn codecs() -> impl Iterator<Item = (Protocol, &'static dyn Surface, &'static dyn Upstream)> {
    Protocol::ALL.iter().filter_map(|protocol| Some((*protocol, surface(*protocol)?, upstream(*protocol))))
}

/// Every protocol, with its codec towards endpoints.
fn upstreams() -> impl Iterator<Item = (Protocol, &'static dyn Upstream)> {
    Protocol::ALL.iter().map(|protocol| (*protocol, upstream(*protocol)))
}

#[test]
fn surfaces_are_those_that_have_a_codec() {
    assert!(codecs().map(|(protocol, ..)| protocol).eq(Protocol::SURFACES.iter().copied()));
}
