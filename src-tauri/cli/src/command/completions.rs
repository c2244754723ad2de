//! `pointsman completions`: a completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::world::World;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

/// Prints it.
pub(crate) fn run(world: &World, options: &Options) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "pointsman", &mut script);
    world.terminal.bytes(&script)
}
