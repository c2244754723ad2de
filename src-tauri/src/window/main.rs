//! The window's program: a webview with the app's own page, as a child of the tray's process or by itself. And what else
//! only Tauri can do: look for a newer version, and install it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod arguments;
mod ask;
mod chat;
mod file;
mod login;
mod page;
mod update;
mod watch;
mod webview;

use std::process::ExitCode;

use pointsman_shared::logging::{self, Writer};
use pointsman_shared::world::World;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => return told(&problem),
    };
    let Some(world) = World::of_process() else {
        return told("this user has no home folder; set HOME to a folder that Pointsman may write to");
    };
    let _log = logging::start(&world, Writer::Window);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return told(&format!("the system gives no threads: {error}")),
    };
    tauri::async_runtime::set(runtime.handle().clone());
    // In one place: the page is part of it.
    let context = tauri::generate_context!();
    let ended = match arguments {
        Arguments::Help => {
            say(arguments::HELP);
            Ok(0)
        }
        Arguments::Version => {
            say(concat!("pointsman-window ", env!("CARGO_PKG_VERSION")));
            Ok(0)
        }
        Arguments::Window { view, led } => webview::run(context, world, view, led),
        Arguments::Update(wish) => update::run(context, wish),
    };
    // A read may still wait in a thread of its own.
    runtime.shutdown_background();
    match ended {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => told(&format!("{error:#}")),
    }
}

#[expect(clippy::print_stdout, reason = "what was asked for, on the command line or by the tray's process")]
fn say(text: &str) {
    println!("{}", text.trim_end());
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or nobody reads it")]
fn told(problem: &str) -> ExitCode {
    eprintln!("pointsman-window: {problem}");
    ExitCode::FAILURE
}
