//! The desktop shell: a tray that holds the gateway, and a window in a process of its own.
//!
//! Three ways to start, one a module: [`app`] is the tray process, which the user starts and which serves; [`window`] is
//! its child with the page; [`headless`] serves where there is no display. All that a shell can do it asks the gateway
//! for: nothing here decides what the command line would decide otherwise.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
mod arguments;
mod clipboard;
mod headless;
mod keeper;
mod logging;
mod memory;
mod notices;
mod signals;
mod system;
mod tray;
mod update;
mod wake;
mod window;
mod world;

use std::process::ExitCode;

use arguments::Arguments;
use world::World;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => return told(&problem),
    };
    let Some(world) = World::of_process() else {
        return told("this user has no home folder; set HOME to a folder that Pointsman may write to");
    };
    if matches!(arguments, Arguments::App { .. }) {
        system::without_gl(&world.environment);
    }
    // Held until the end: what it still has to write is written when it goes.
    let _log = logging::start(&world, &arguments);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return told(&format!("the system gives no threads: {error}")),
    };
    tauri::async_runtime::set(runtime.handle().clone());
    let ended = match arguments {
        Arguments::Help => {
            say(arguments::HELP);
            Ok(0)
        }
        Arguments::Version => {
            say(concat!("pointsman-desktop ", env!("CARGO_PKG_VERSION")));
            Ok(0)
        }
        Arguments::Window { view, led } => window::run(world, view, led),
        Arguments::App { .. } if !system::has_display(&world.environment) => runtime.block_on(headless::run(world)),
        Arguments::App { hidden } => app::run(world, hidden),
    };
    // A read may still wait in a thread of its own.
    runtime.shutdown_background();
    match ended {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => told(&format!("{error:#}")),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to --help and --version")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or nobody reads it")]
fn told(problem: &str) -> ExitCode {
    eprintln!("pointsman-desktop: {problem}");
    ExitCode::FAILURE
}
