//! `pointsman`: the command line.
//!
//! Thin over the gateway: `serve` starts one in this process, every other command asks the one that runs, over the
//! control socket, and says in words what came back. It decides nothing that the window would decide otherwise.

mod arguments;
mod command;
mod failure;
mod figures;
mod logging;
mod table;
mod terminal;
mod world;

use std::process::ExitCode;

use clap::Parser;
use pointsman_gateway::environment::{Environment, Folders};

use arguments::Arguments;
use failure::Failure;
use terminal::Terminal;
use world::World;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    let terminal = Terminal::of_process(&environment);
    let Err(failure) = run(arguments, environment, terminal) else { return ExitCode::SUCCESS };
    if let Some(message) = failure.message() {
        terminal.error(&message);
    }
    failure.code()
}

fn run(arguments: Arguments, environment: Environment, terminal: Terminal) -> Result<(), Failure> {
    let folders = Folders::of_system(&environment).ok_or_else(|| {
        anyhow::anyhow!("this user has no home folder; set HOME to a folder that Pointsman may write to")
    })?;
    let world = World { environment, folders, terminal };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(command::run(&world, arguments.command));
    // A read from the terminal may still wait in a thread of its own.
    runtime.shutdown_background();
    outcome
}
