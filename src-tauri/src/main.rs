//! The tray's program: the tray, and the gateway in the same process. The window is a program of its own, beside this one.
//!
//! Two ways to start, one a module: [`app`] is the tray process, which the user starts and which serves; [`headless`]
//! serves where there is no display. All that a shell can do it asks the gateway for: nothing here decides what the command
//! line would decide otherwise. Nothing here may name Tauri: what is linked with it has a web view in memory all day.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
mod arguments;
mod child;
mod clipboard;
mod desk;
mod headless;
mod instance;
mod keeper;
mod memory;
mod notices;
mod signals;
mod system;
mod tray;
mod update;
mod wake;

use std::process::ExitCode;

use pointsman_shared::logging::{self, Writer};
use pointsman_shared::world::World;

use app::Ended;
use arguments::Arguments;

fn main() -> ExitCode {
    let hidden = match Arguments::read(std::env::args().skip(1)) {
        Ok(Arguments::App { hidden }) => hidden,
        Ok(Arguments::Help) => return say(arguments::HELP),
        Ok(Arguments::Version) => return say(concat!("pointsman-desktop ", env!("CARGO_PKG_VERSION"))),
        Err(problem) => return told(&problem),
    };
    let Some(world) = World::of_process() else {
        return told("this user has no home folder; set HOME to a folder that Pointsman may write to");
    };
    system::without_gl(&world.environment);
    // Held until the end: what it still has to write is written when it goes.
    let log = logging::start(&world, Writer::Tray);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return told(&format!("the system gives no threads: {error}")),
    };
    let environment = world.environment.clone();
    let ended = if system::has_display(&environment) {
        // Tasks that the main thread starts are the runtime's.
        let _inside = runtime.enter();
        app::run(&runtime, world, hidden)
    } else {
        runtime.block_on(headless::run(world)).map(Ended::with)
    };
    // A read may still wait in a thread of its own.
    runtime.shutdown_background();
    drop(log);
    match ended {
        Ok(Ended { again: true, .. }) => match system::start_again(&environment) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => told(&format!("it could not be started again: {error}")),
        },
        Ok(Ended { code, .. }) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => told(&format!("{error:#}")),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to --help and --version")]
fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "there is no log yet, or nobody reads it")]
fn told(problem: &str) -> ExitCode {
    eprintln!("pointsman-desktop: {problem}");
    ExitCode::FAILURE
}
