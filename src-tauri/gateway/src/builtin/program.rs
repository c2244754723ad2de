//! Where a `llama-server` may be: named in the settings, brought along with Pointsman, or installed.
//!
//! It looks at names and rights only and runs nothing. Both forms are known: `llama-server`, and the later `llama` with
//! its command `serve`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::World;
use crate::disk::Os;

/// A server that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// Its file.
    pub(super) path: PathBuf,
    /// What comes before all other arguments.
    pub(super) command: &'static [&'static str],
}

/// Looks in order: the settings, our own folders, the `PATH`, and where package managers put it. An app that is not
/// started from a terminal has a short `PATH`.
pub(super) fn find(named: &Path, world: &World) -> Result<Program, String> {
    if !named.as_os_str().is_empty() {
        return as_named(named);
    }
    let own = own_folders(world);
    if let Some(program) = own.iter().find_map(|folder| in_folder(folder)) {
        return Ok(program);
    }
    let mut folders: Vec<PathBuf> = std::env::split_paths(world.environment.get("PATH").unwrap_or_default())
        // A relative folder would depend on where we were started.
        .filter(|folder| folder.has_root())
        .collect();
    folders.extend(usual_folders(&world.folders.home, Os::HERE));
    let server = folders.iter().find_map(|folder| server_in(folder));
    server.or_else(|| folders.iter().find_map(|folder| unified_in(folder))).ok_or_else(|| {
        let put = world.folders.data.join("engine");
        format!(
            "no llama-server was found; install llama.cpp, put one into {}, or name one as `server` under [builtin] in the settings",
            put.display()
        )
    })
}

/// What the settings name is used or told, never passed over for another one.
fn as_named(named: &Path) -> Result<Program, String> {
    if named.is_dir() {
        return in_folder(named).ok_or_else(|| format!("there is no llama-server in {}", named.display()));
    }
    if !is_executable(named) {
        let why = if named.exists() { "cannot be run" } else { "does not exist" };
        return Err(format!("{}, named as the server under [builtin] in the settings, {why}", named.display()));
    }
    let unified = named.file_stem().is_some_and(|stem| stem == "llama");
    Ok(Program { path: named.to_path_buf(), command: if unified { &["serve"] } else { &[] } })
}

fn own_folders(world: &World) -> Vec<PathBuf> {
    let beside = world.program.as_deref().and_then(Path::parent);
    [
        world.environment.get("POINTSMAN_ENGINE_DIR").map(PathBuf::from),
        beside.map(Path::to_path_buf),
        beside.and_then(Path::parent).map(|above| above.join("lib/pointsman")),
        Some(world.folders.data.join("engine")),
    ]
    .into_iter()
    .flatten()
    .filter(|folder| folder.has_root())
    .collect()
}

fn usual_folders(home: &Path, os: Os) -> Vec<PathBuf> {
    let mut folders = vec![home.join(".local/bin")];
    match os {
        Os::Linux => folders.push("/home/linuxbrew/.linuxbrew/bin".into()),
        Os::MacOs => folders.extend(["/opt/homebrew/bin".into(), "/usr/local/bin".into()]),
        Os::Windows => folders.push(home.join("AppData/Local/Microsoft/WinGet/Links")),
    }
    folders
}

/// A folder of ours, or what a release archive unpacks to.
fn in_folder(folder: &Path) -> Option<Program> {
    [folder.to_path_buf(), folder.join("bin")]
        .iter()
        .find_map(|folder| server_in(folder).or_else(|| unified_in(folder)))
}

fn server_in(folder: &Path) -> Option<Program> {
    let path = folder.join(with_suffix("llama-server"));
    is_executable(&path).then_some(Program { path, command: &[] })
}

fn unified_in(folder: &Path) -> Option<Program> {
    let path = folder.join(with_suffix("llama"));
    // Meta's command line tool for its models has this name too; it is a script.
    (is_executable(&path) && !is_script(&path)).then_some(Program { path, command: &["serve"] })
}

fn with_suffix(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    metadata.is_file() && may_run
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::environment::{Environment, Folders};

    /// A disk with executables that begin as said.
    fn world(files: &[(&str, &str)]) -> (tempfile::TempDir, World) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let at = |below: &str| root.path().join(below).display().to_string();
        let environment = [("PATH", format!("bin:{}", at("path"))), ("POINTSMAN_ENGINE_DIR", at("given"))];
        let environment: Environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let program = Some(root.path().join("app/bin/pointsman"));
        let world = World { environment, folders: Folders::below(root.path()), program };
        (root, world)
    }

    fn check(files: &[&str], expected: Option<&str>) {
        let files: Vec<(&str, &str)> = files.iter().map(|path| (*path, "\x7fELF")).collect();
        let (root, world) = world(&files);
        let found = find(Path::new(""), &world).ok();
        let found = found.map(|program| program.path.strip_prefix(root.path()).unwrap().display().to_string());
        assert_eq!(found.as_deref(), expected, "{files:?}");
    }

    #[test]
    fn each_place_comes_before_the_next() {
        let places = [
            "given/bin/llama-server",
            "app/bin/llama-server",
            "app/lib/pointsman/llama-server",
            "data/engine/llama-server",
            "path/llama-server",
            "home/.local/bin/llama-server",
        ];
        for (nth, place) in places.iter().enumerate() {
            check(&places[nth..], Some(place));
        }
        check(&["path/llama", "home/.local/bin/llama-server"], Some("home/.local/bin/llama-server"));
        check(&["path/llama"], Some("path/llama"));
        check(&["bin/llama-server"], None);
    }

    #[test]
    fn the_unified_program_is_told_to_serve() {
        let (_root, world) = world(&[("path/llama", "\x7fELF")]);
        assert_eq!(find(Path::new(""), &world).unwrap().command, ["serve"]);
    }

    #[test]
    fn another_llama_is_left_alone() {
        let (_root, world) = world(&[("path/llama", "#!/usr/bin/env python3")]);
        let reason = find(Path::new(""), &world).unwrap_err();
        assert!(reason.starts_with("no llama-server was found; install llama.cpp"), "{reason}");
    }

    #[test]
    fn what_the_settings_name_is_used_or_told() {
        let (root, world) = world(&[("path/llama-server", "\x7fELF"), ("mine/llama-server", "\x7fELF")]);
        let at = |below: &str| root.path().join(below);
        std::fs::write(at("text"), "hello").unwrap();
        for (named, used) in [("mine", "mine/llama-server"), ("mine/llama-server", "mine/llama-server")] {
            assert_eq!(find(&at(named), &world).unwrap().path, at(used), "{named}");
        }
        for (named, reason) in [("gone", "does not exist"), ("text", "cannot be run"), ("app", "no llama-server in")] {
            std::fs::create_dir_all(at("app")).unwrap();
            let told = find(&at(named), &world).unwrap_err();
            assert!(told.contains(reason), "{named}: {told}");
        }
    }
}
