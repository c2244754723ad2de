//! What every test stands on: the real binary in a world of its own, scripted upstreams, real runtimes, and clients.
//!
//! Nothing here sleeps and no port is fixed: a test waits for the event it is about, and ten run side by side. Every
//! wait has an end, and says what it waited for when it fails.

pub(crate) mod agent_session;
pub(crate) mod aws;
mod bodies;
mod client;
mod control;
pub(crate) mod fake;
mod gateway;
mod options;
mod raw;
pub(crate) mod readme;
pub(crate) mod runtime;
mod world;

use std::future::Future;
use std::time::Duration;

pub(crate) use bodies::{Surface, TOOLS, chat, chat_stream, tool_chat};
pub(crate) use client::{Answer, Ask};
pub(crate) use control::Control;
pub(crate) use fake::{Fake, SAID, Script, TOKENS};
pub(crate) use gateway::{
    EVERY_PROTOCOL, Gateway, files_with, new_root, pointsman, serve, settings_file, signal, write_settings,
};
pub(crate) use options::Options;
pub(crate) use raw::{Raw, raw};
pub(crate) use world::{Clogged, Port, elsewhere, elsewhere_by_name};

/// The longest that a whole test may take.
const TEST: Duration = Duration::from_secs(240);

/// The longest that one step may take, on a busy machine.
pub(crate) const STEP: Duration = Duration::from_secs(60);

/// Runs a test on a runtime of its own, and fails it when it does not end.
#[track_caller]
pub(crate) fn bounded<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ended = runtime.block_on(async { tokio::time::timeout(TEST, Box::pin(test)).await });
    // What a test leaves behind may hold a blocking thread, which nobody waits for.
    runtime.shutdown_background();
    assert!(ended.is_ok(), "the test did not end within {} s", TEST.as_secs());
}

/// Waits for one step of a test.
#[track_caller]
pub(crate) fn within<F: Future>(what: &str, step: F) -> impl Future<Output = F::Output> {
    within_time(STEP, what, step)
}

/// The same for a step with a time of its own.
#[track_caller]
pub(crate) fn within_time<F: Future>(time: Duration, what: &str, step: F) -> impl Future<Output = F::Output> {
    let at = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(time, step).await {
            Ok(output) => output,
            Err(_) => panic!("{at}: waited {} s in vain for {what}", time.as_secs()),
        }
    }
}
