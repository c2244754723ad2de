//! Pointsman's gateway: finds the language-model runtimes on this machine, and answers tools on one localhost port.
//!
//! Modules stand in the order in which data flows. The control path leads from the world to the [`catalog`]; the request
//! path leads from [`server`] through [`routing`] and [`dispatch`] to [`upstream`]; [`usage`] is a sink. The crate knows
//! no window, no tray and no terminal: those are thin shells over [`control::Handle`].

pub mod gateway;

// What is known: data.
pub mod address;
pub mod completion;
pub mod embedding;
pub mod environment;
pub mod error;
pub mod picture;
mod private;
pub mod protocol;
pub mod provider;
mod replace;
pub mod rerank;
pub mod secrets;
pub mod settings;
pub mod speech;
mod timestamp;
pub mod tools;

// Control path: world -> catalog.
pub mod builtin;
pub mod catalog;
pub mod discovery;
pub mod disk;

// Request path: client -> endpoint -> client.
pub mod authority;
pub mod dispatch;
pub mod ingress;
pub mod recall;
pub mod routing;
pub mod server;
pub mod upstream;

// Sink.
pub mod usage;

// Shells.
pub mod control;
pub mod conversations;
pub mod machine;
pub mod upkeep;
