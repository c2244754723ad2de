//! `pointsman manual`: the manual pages, made from the same words as `--help`. Called when a package is made.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::failure::Failure;

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder
    folder: PathBuf,
}

/// Writes one page for the program and one for each command.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.folder)?;
    clap_mangen::generate_to(Arguments::command(), &options.folder)?;
    Ok(())
}
