//! Runtimes that are installed but do not run: what a "start" button needs.
//!
//! It looks for files and runs nothing: asking a program for its version may start its server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::paths;
use crate::catalog::Installed;
use crate::environment::{Environment, Folders};
use crate::provider::{Installation, RuntimeId, RuntimeSpec};

/// Each installed runtime of the table that is not among those that run.
pub(super) fn installed(
    table: &[RuntimeSpec],
    running: &BTreeSet<RuntimeId>,
    environment: &Environment,
    folders: &Folders,
) -> Vec<Installed> {
    let one = |spec: &RuntimeSpec| {
        let (path, installation) = spec
            .installed
            .iter()
            .filter(|it| it.os.as_deref().is_none_or(|os| os == std::env::consts::OS))
            .find_map(|it| Some((place(it, environment, folders)?, it)))?;
        let path = path.to_string_lossy().into_owned();
        let start = installation.start.iter().map(|word| word.replace("{path}", &path)).collect();
        Some(Installed { runtime: RuntimeId::clone(&spec.id), name: spec.name.clone(), path, start })
    };
    table.iter().filter(|spec| !running.contains(&spec.id)).filter_map(one).collect()
}

/// Where one runtime is installed, whether it runs or not.
pub fn installed_at(
    table: &[RuntimeSpec],
    runtime: &str,
    environment: &Environment,
    folders: &Folders,
) -> Option<String> {
    let all = installed(table, &BTreeSet::new(), environment, folders);
    all.into_iter().find(|installed| &*installed.runtime == runtime).map(|installed| installed.path)
}

fn place(installation: &Installation, environment: &Environment, folders: &Folders) -> Option<PathBuf> {
    if let Some(binary) = &installation.binary {
        let file = format!("{binary}{}", std::env::consts::EXE_SUFFIX);
        let path = environment.get("PATH")?;
        return std::env::split_paths(path).map(|folder| folder.join(&file)).find(|path| is_program(path));
    }
    paths::expand(installation.path.as_deref()?, environment, folders).filter(|path| path.exists())
}

fn is_program(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        metadata.is_file()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_on_the_path_and_does_not_run() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::below(root.path());
        let bin = root.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for (name, mode) in [("ollama", 0o755), ("llama-server", 0o755), ("vllm", 0o644)] {
            std::fs::write(bin.join(name), "").unwrap();
            std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let table = RuntimeSpec::table().unwrap();
        let environment: Environment =
            [("PATH".to_owned(), format!("/nowhere:{}", bin.display()))].into_iter().collect();
        let check = |running: &[&str], expected: &[&str]| {
            let running = running.iter().map(|&id| id.into()).collect();
            let seen = installed(&table, &running, &environment, &folders);
            let seen: Vec<String> = seen
                .iter()
                .filter(|it| it.path.starts_with(&*bin.to_string_lossy()))
                .map(|it| format!("{} {}", it.runtime, it.start.join(" ").replace(&*bin.to_string_lossy(), "")))
                .collect();
            assert_eq!(seen, expected, "while {running:?} run");
        };
        check(&[], &["ollama /ollama serve", "llamacpp /llama-server"]);
        check(&["ollama"], &["llamacpp /llama-server"]);
    }
}
