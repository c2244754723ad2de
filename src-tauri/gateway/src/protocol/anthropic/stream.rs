//! Streams: written as a surface, read as an upstream.

pub(super) mod decode;
pub(super) mod encode;
