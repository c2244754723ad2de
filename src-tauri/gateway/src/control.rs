//! The gateway as its shells see it: one [`Handle`], and the same over a socket for the command line and the window.
//!
//! Settings, keys and routes change here and nowhere else: never over the HTTP port. What a shell shows is a
//! [`Snapshot`], what it asks is a [`Command`], what it gets is a [`Reply`].

#[cfg(test)]
mod bindings;
pub mod chat;
pub mod client;
mod command;
mod handle;
mod lines;
mod place;
mod reply;
mod snapshot;
pub mod socket;
mod view;

pub use command::{Command, NewMessage, SecretText};
pub use handle::{Handle, Parts, Watched, count_changes, count_stirs};
pub use reply::{
    Conversation, ConversationRow, LiveRequest, Message, ProviderSettingView, ProviderView, Reply, Setting,
    SettingKind, Tested, ToolStep, ToolView, UsageDay,
};
pub use snapshot::{
    ClientKeyView, EndpointView, FirstModelView, Gpu, Machine, ModelActions, Pull, PullState, RouteView, Snapshot,
};
