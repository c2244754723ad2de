//! What holds for every protocol, and for every pair of them.
//!
//! A protocol's own shapes and habits are tested beside its codec.

mod laws;
mod pairs;
mod switches;

use super::codec::{Surface, Upstream, surface, testing, upstream};
use super::{Operation, Protocol};

/// Protocols that have a codec, with it.
fn codecs() -> impl Iterator<Item = (Protocol, &'static dyn Surface, &'static dyn Upstream)> {
    Protocol::ALL.iter().map(|protocol| (*protocol, surface(*protocol), upstream(*protocol)))
}
