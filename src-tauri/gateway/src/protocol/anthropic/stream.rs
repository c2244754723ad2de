//! Streams: written as a surface, read as an upstream, and mended where one is forwarded.

pub(super) mod decode;
pub(super) mod encode;
pub(crate) mod opening;
