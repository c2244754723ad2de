//! Every row of the table is complete and says nothing that the code cannot do.

use std::collections::BTreeSet;

use super::*;

fn table() -> Arc<[RuntimeSpec]> {
    RuntimeSpec::table().expect("runtimes.toml can be read")
}

#[test]
fn every_row_holds() {
    let table = table();
    let ids: BTreeSet<&str> = table.iter().map(|row| &*row.id).collect();
    assert_eq!(ids.len(), table.len(), "ids are unique");
    for row in table.iter() {
        let id = &row.id;
        assert!(
            id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{id}: an id is a prefix that people type"
        );
        assert!(!row.fingerprints.is_empty(), "{id}: identified by a fingerprint, never by its port");
        assert!(row.fingerprints.iter().any(|it| it.meaning == Meaning::Ready), "{id}: can be ready");
        for fingerprint in &row.fingerprints {
            assert!(!fingerprint.checks.is_empty(), "{id}: a fingerprint without checks matches everything");
        }
        for check in row.fingerprints.iter().flat_map(|it| &it.checks) {
            assert!(check.path.starts_with('/'), "{id}: {}", check.path);
            assert!(check.body.keys().all(|at| at.starts_with('/')), "{id}: a JSON pointer starts with a slash");
            assert!(check.header.keys().chain(&check.absent).all(|name| name.to_lowercase() == *name), "{id}");
            assert!(check.below.is_none() || row.version.as_ref().is_some_and(|it| it.path == check.path), "{id}");
            assert!(check.path != "/health" || &**id != "sglang", "SGLang's /health generates a token");
        }
        assert!(!row.speaks.is_empty(), "{id}: speaks something");
        for spoken in &row.speaks {
            assert!(!spoken.prefix.ends_with('/'), "{id}: prefixes have no slash at their end");
            assert!(!spoken.operations.is_empty(), "{id}: {:?}", spoken.protocol);
            for operation in &spoken.operations {
                assert!(spoken.protocol.path(*operation).is_some(), "{id}: {:?} cannot {operation:?}", spoken.protocol);
            }
        }
        for installation in &row.installed {
            let one = installation.binary.is_some() != installation.path.is_some();
            assert!(one && !installation.start.is_empty(), "{id}: a binary or a path, and a command");
            assert!(installation.os.as_deref().is_none_or(|os| ["linux", "macos", "windows"].contains(&os)), "{id}");
        }
        for pattern in &row.processes {
            assert!((1..=2).contains(&pattern.len()), "{id}: a name and perhaps a subcommand");
        }
    }
}

#[test]
fn the_named_runtimes_are_there() {
    let table = table();
    for id in [
        "ollama",
        "lmstudio",
        "llamacpp",
        "llamafile",
        "vllm",
        "jan",
        "koboldcpp",
        "localai",
        "mlx-lm",
        "sglang",
        "docker-model-runner",
        "lemonade",
        "llama-swap",
        "gpt4all",
        "textgen",
    ] {
        assert!(table.iter().any(|row| &*row.id == id), "{id}");
    }
}

#[test]
fn an_old_version_speaks_less() {
    let check = |version: Option<&str>, expected: usize| {
        let table = table();
        let ollama = table.iter().find(|row| &*row.id == "ollama").expect("a row");
        assert_eq!(ollama.speaks(version).len(), expected, "{version:?}");
    };
    check(Some("0.12.0"), 2);
    check(Some("0.13.5"), 3);
    check(Some("0.33.0"), 4);
    check(None, 4);
    check(Some("built by hand"), 4);
}
