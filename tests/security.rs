//! The attacks that a gateway on localhost must survive, by their numbers in the project's list, and every way in which
//! its neighbours fell.
//!
//! 8 (forms of a key) is in `keys`; 15 (a client's credentials) in `passthrough`; 22 (from here to elsewhere) in
//! `fallback`; 25 (slow readers) in `streams`.

/// 13, 14, 16, 20: secrets that must not come out.
mod credentials;
/// 1, 2, 3, 30: names and addresses under which it may be asked.
mod host;
/// 10, 24: bodies that two readers read differently.
mod json;
/// 26: lines and statements that a client writes into ours.
mod log;
/// Where the neighbours fell.
mod neighbours;
/// 4, 5, 6, 7, 11, 12: web pages.
mod origin;
/// 16, 17, 18: endpoints and names that lead elsewhere, and runtimes that are hostile.
mod rogue;
/// 23: requests that two readers cut differently, and clients that never finish.
mod smuggling;
/// 19: somebody else on our port.
mod squatting;
