//! The world as arguments: environment variables and folders.
//!
//! Read once at start by whoever starts the gateway and passed down, so that a test runs ten gateways side by side, each
//! in a world of its own. Nothing else in this crate asks the process for a variable or a home folder.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Environment variables, frozen at start.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Arc<BTreeMap<String, String>>,
}

impl Environment {
    /// The variables of this process. Called by the program's edge only.
    pub fn of_process() -> Environment {
        // Variables that are not Unicode name nothing that Pointsman reads.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable's value; an empty one counts as absent, as for the runtimes themselves.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every variable's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Environment {
        Environment { variables: Arc::new(variables.into_iter().collect()) }
    }
}

/// Names only: the values of some are credentials.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The user's home, where runtimes keep theirs.
    pub home: PathBuf,
    /// `settings.toml` and, where no keychain runs, `credentials.toml`.
    pub config: PathBuf,
    /// `usage.db`, `responses.db` and `conversations.db`.
    pub data: PathBuf,
    /// The control socket.
    pub run: PathBuf,
}

impl Folders {
    /// The system's usual folders. `None` where there is no home folder.
    pub fn of_system(environment: &Environment) -> Option<Folders> {
        let base = directories::BaseDirs::new()?;
        let project = directories::ProjectDirs::from("", "", "pointsman")?;
        let run = environment.get("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("pointsman"));
        Some(Folders {
            home: base.home_dir().to_path_buf(),
            config: project.config_dir().to_path_buf(),
            data: project.data_dir().to_path_buf(),
            run: run.unwrap_or_else(|| project.data_dir().join("run")),
        })
    }

    /// Everything below one folder, for a test or a portable installation.
    pub fn below(root: &Path) -> Folders {
        Folders { home: root.join("home"), config: root.join("config"), data: root.join("data"), run: root.join("run") }
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }

    /// The usage database.
    pub fn usage(&self) -> PathBuf {
        self.data.join("usage.db")
    }

    /// The answers that are kept for the Responses API.
    pub fn responses(&self) -> PathBuf {
        self.data.join("responses.db")
    }

    /// The conversations of the window's chat.
    pub fn conversations(&self) -> PathBuf {
        self.data.join("conversations.db")
    }

    /// What runtimes say that Pointsman started.
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// Credentials for machines where no keychain runs.
    pub fn credentials(&self) -> PathBuf {
        self.config.join("credentials.toml")
    }

    /// The control socket (on Windows the named pipe's name comes from it).
    pub fn control(&self) -> PathBuf {
        self.run.join("control.sock")
    }
}
