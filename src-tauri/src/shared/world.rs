//! What every part is given: the environment and the folders.

use std::path::PathBuf;

use pointsman_gateway::environment::{Environment, Folders};

/// Where the program runs.
#[derive(Debug, Clone)]
pub struct World {
    /// Environment variables.
    pub environment: Environment,
    /// Where things are kept.
    pub folders: Folders,
}

impl World {
    /// The process's own. None where the user has no home folder.
    pub fn of_process() -> Option<World> {
        let environment = Environment::of_process();
        let folders = Folders::of_system(&environment)?;
        Some(World { environment, folders })
    }

    /// Where the log is kept.
    pub fn log(&self) -> PathBuf {
        self.folders.data.join("log")
    }
}
