//! Pointsman gateway.
