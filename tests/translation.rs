//! A client of one protocol and a target of another: every surface to every upstream.
//!
//! Scripted upstreams that speak one protocol each, then the real ones. What a codec writes in detail is the gateway's own
//! tests' business (`protocol/tests`); here it is what goes over the wire, and what happens when it fails.

/// Prompts counted without an answer.
mod counts;
/// Whatever can go wrong, told in the surface's own way.
mod failures;
/// Everything in one request, whole and as a stream.
mod pairs;
/// A real llama.cpp server and a real Ollama.
mod real;
/// The five protocols from a client's side.
mod surface;
/// The table in README.
mod table;
/// The five protocols from a server's side.
mod upstream;
