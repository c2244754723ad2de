//! Requests: read as a surface, written as an upstream.

pub(super) mod decode;
pub(super) mod encode;
pub(in crate::protocol) mod thinking;
mod turns;
