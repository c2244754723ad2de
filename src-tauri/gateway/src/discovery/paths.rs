//! Paths as the table writes them, on this machine and for this user.

use std::path::{Path, PathBuf};

use crate::environment::{Environment, Folders};

/// A path with `~`, `%NAME%` or `{lmstudio}` at its start made real; `None` where the variable is not set.
pub(super) fn expand(path: &str, environment: &Environment, folders: &Folders) -> Option<PathBuf> {
    if let Some(rest) = path.strip_prefix("~/") {
        return Some(folders.home.join(rest));
    }
    if let Some(rest) = path.strip_prefix("{lmstudio}/") {
        return Some(lmstudio_home(&folders.home).join(rest));
    }
    if let Some((name, rest)) = path.strip_prefix('%').and_then(|rest| rest.split_once('%')) {
        return Some(Path::new(environment.get(name)?).join(rest.trim_start_matches('/')));
    }
    Some(PathBuf::from(path))
}

/// LM Studio's own home: where its pointer leads, else the older place if it is there, else the newer one.
fn lmstudio_home(home: &Path) -> PathBuf {
    let pointer = std::fs::read_to_string(home.join(".lmstudio-home-pointer")).unwrap_or_default();
    let pointed = PathBuf::from(pointer.trim());
    let older = home.join(".cache").join("lm-studio");
    if pointed.is_absolute() {
        pointed
    } else if older.is_dir() {
        older
    } else {
        home.join(".lmstudio")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_table() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        std::fs::create_dir_all(&folders.home).unwrap();
        let environment: Environment = [("APPDATA".to_owned(), "/app/data".to_owned())].into_iter().collect();
        let check = |path: &str, expected: Option<PathBuf>| {
            assert_eq!(expand(path, &environment, &folders), expected, "{path}");
        };
        check("/usr/bin/ollama", Some("/usr/bin/ollama".into()));
        check("~/.local/bin/x", Some(folders.home.join(".local/bin/x")));
        check("%APPDATA%/llama.cpp/config.ini", Some("/app/data/llama.cpp/config.ini".into()));
        check("%NOT_SET%/x", None);
        check("{lmstudio}/bin/lms", Some(folders.home.join(".lmstudio/bin/lms")));
        std::fs::create_dir_all(folders.home.join(".cache/lm-studio")).unwrap();
        check("{lmstudio}/bin/lms", Some(folders.home.join(".cache/lm-studio/bin/lms")));
        std::fs::write(folders.home.join(".lmstudio-home-pointer"), "/big/disk/lm\n").unwrap();
        check("{lmstudio}/bin/lms", Some("/big/disk/lm/bin/lms".into()));
    }
}
