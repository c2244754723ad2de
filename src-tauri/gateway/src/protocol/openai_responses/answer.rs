//! Answers, whole; their items are those of streams too.

pub(super) mod decode;
pub(super) mod encode;
