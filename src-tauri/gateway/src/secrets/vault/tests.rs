use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const KEY: &str = "sk-canary-0123456789";

struct World {
    folder: TempDir,
    vault: Vault,
}

fn world(variables: &[(&str, &str)]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let vault = Vault::new(Folders::below(folder.path()), environment, KeychainMode::None);
    World { folder, vault }
}

impl World {
    fn file(&self) -> PathBuf {
        Folders::below(self.folder.path()).credentials()
    }

    async fn lookup(&self, reference: &str) -> Result<Option<String>, SecretError> {
        let secret = self.vault.lookup(&reference.parse().unwrap()).await?;
        Ok(secret.map(|secret| secret.expose().to_owned()))
    }

    async fn store(&self, name: &str, value: &str) -> Result<Stored, SecretError> {
        self.vault.store(name, Secret::new(value.to_owned())).await
    }
}

#[tokio::test]
async fn a_variable_is_read() {
    let world = world(&[("LAB", " sk-lab-key\n"), ("EMPTY", ""), ("TWO", "a\nb")]);
    assert!(!format!("{:?}", world.vault).contains("sk-lab"), "the variables are not shown either");
    assert_eq!(world.lookup("env:LAB").await.unwrap().as_deref(), Some("sk-lab-key"), "without the line break");
    assert_eq!(world.lookup("env:EMPTY").await.unwrap(), None);
    assert_eq!(world.lookup("env:ABSENT").await.unwrap(), None);
    assert!(matches!(world.lookup("env:TWO").await, Err(SecretError::Unfit)));
    let removed = world.vault.remove(&"env:LAB".parse().unwrap()).await;
    assert!(removed.unwrap_err().to_string().contains("LAB is an environment variable"));
}

#[tokio::test]
async fn without_a_keychain_the_file_keeps_it_and_says_so() {
    let world = world(&[]);
    let stored = world.store("lab", KEY).await.unwrap();
    assert_eq!(stored.reference, CredentialRef::File("lab".into()));
    assert!(stored.note.contains("credentials.toml") && stored.note.contains("no keychain"), "{}", stored.note);
    assert_eq!(world.lookup("file:lab").await.unwrap().as_deref(), Some(KEY));

    world.store("other.key", "sk-other-key").await.unwrap();
    world.store("lab", "sk-new-key").await.unwrap();
    assert_eq!(world.lookup("file:lab").await.unwrap().as_deref(), Some("sk-new-key"), "not the remembered one");
    assert_eq!(world.lookup("file:other.key").await.unwrap().as_deref(), Some("sk-other-key"));

    world.vault.remove(&stored.reference).await.unwrap();
    assert_eq!(world.lookup("file:lab").await.unwrap(), None);
    world.vault.remove(&stored.reference).await.unwrap();
    let text = fs::read_to_string(world.file()).unwrap();
    assert!(text.starts_with("# Credentials") && text.contains("\"other.key\" = ") && !text.contains("lab"), "{text}");
}

#[tokio::test]
async fn a_keychain_that_is_not_there_is_told() {
    let world = world(&[]);
    assert!(matches!(world.lookup("keychain:lab").await, Err(SecretError::KeychainAbsent)));
    let removed = world.vault.remove(&"keychain:lab".parse().unwrap()).await;
    assert!(matches!(removed, Err(SecretError::KeychainAbsent)));
}

#[tokio::test]
async fn what_no_header_carries_is_not_kept() {
    let world = world(&[]);
    for value in ["", "  \n", "a\nb", "sk-ä", "sk-\u{0}"] {
        assert!(matches!(world.store("lab", value).await, Err(SecretError::Unfit)), "{value:?}");
    }
    for name in ["", "a b", "a/b", "../a"] {
        assert!(matches!(world.store(name, KEY).await, Err(SecretError::BadName(_))), "{name:?}");
    }
    assert!(!world.file().exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let world = world(&[]);
    world.store("lab", KEY).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.file()), 0o600);
    assert_eq!(mode(world.file().parent().unwrap()), 0o700, "the folder that was made for it");
    world.vault.forget();
    for open in [0o640, 0o604, 0o666, 0o610] {
        fs::set_permissions(world.file(), fs::Permissions::from_mode(open)).unwrap();
        let refused = world.lookup("file:lab").await.unwrap_err();
        assert!(refused.to_string().contains("chmod 600") && !refused.to_string().contains(KEY), "{refused}");
        assert!(matches!(world.store("lab", KEY).await, Err(SecretError::Exposed(_))));
    }
    fs::set_permissions(world.file(), fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(world.lookup("file:lab").await.unwrap().as_deref(), Some(KEY));
    assert!(world.store("lab", KEY).await.is_ok(), "nothing to change");
    assert!(world.store("lab", "sk-other").await.unwrap_err().to_string().contains("read-only"));
}

#[tokio::test]
async fn a_mistake_in_the_file_is_told_without_its_text() {
    let world = world(&[]);
    world.store("lab", KEY).await.unwrap();
    let mut text = fs::read_to_string(world.file()).unwrap();
    text.push_str("broken = sk-canary-broken\n");
    fs::write(world.file(), text).unwrap();
    world.vault.forget();
    let refused = world.lookup("file:lab").await.unwrap_err();
    assert!(refused.to_string().contains("line 4"), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("canary"), "{refused:?}");
}

#[tokio::test]
async fn what_was_looked_up_is_remembered_until_told_otherwise() {
    let world = world(&[]);
    world.store("lab", KEY).await.unwrap();
    assert!(world.lookup("file:lab").await.unwrap().is_some());
    fs::remove_file(world.file()).unwrap();
    assert!(world.lookup("file:lab").await.unwrap().is_some(), "no disk on the request path");
    world.vault.forget();
    assert!(world.lookup("file:lab").await.unwrap().is_none());
    assert!(!format!("{:?}", world.vault).contains(KEY));
}

/// What the Makefile has made of the keychain for this run: `1` = it works, `broken` = it is locked or absent.
fn keychain_is(state: &str) -> bool {
    Environment::of_process().get("POINTSMAN_TEST_KEYCHAIN") == Some(state)
}

/// Needs `dbus-run-session` with an unlocked keyring.
#[tokio::test]
async fn a_real_keychain_keeps_it() {
    if !keychain_is("1") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::below(folder.path());
    let vault = Vault::new(folders.clone(), Environment::default(), KeychainMode::System);
    let start = std::time::Instant::now();
    let stored = vault.store("test-lab", Secret::new(KEY.to_owned())).await.unwrap();
    println!("store, with the canary: {:?}", start.elapsed());
    assert_eq!(stored.reference, CredentialRef::Keychain("test-lab".into()), "{}", stored.note);
    assert!(!folders.credentials().exists());

    for _ in 0..3 {
        let start = std::time::Instant::now();
        assert_eq!(vault.lookup(&stored.reference).await.unwrap().unwrap().expose(), KEY);
        println!("lookup: {:?}", start.elapsed());
    }

    vault.remove(&stored.reference).await.unwrap();
    assert_eq!(vault.lookup(&stored.reference).await.unwrap(), None);
    vault.remove(&stored.reference).await.unwrap();
}

/// Needs `dbus-run-session` with a locked keyring, or none.
#[tokio::test]
async fn a_keychain_that_does_not_answer_is_done_without() {
    if !keychain_is("broken") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(Folders::below(folder.path()), Environment::default(), KeychainMode::System);
    let start = std::time::Instant::now();
    let stored = vault.store("test-lab", Secret::new(KEY.to_owned())).await.unwrap();
    println!("{} after {:?}", stored.note, start.elapsed());
    assert_eq!(stored.reference, CredentialRef::File("test-lab".into()));
    let start = std::time::Instant::now();
    let missed = vault.lookup(&"keychain:test-lab".parse().unwrap()).await;
    println!("{missed:?} after {:?}", start.elapsed());
    assert!(!matches!(missed, Ok(Some(_))), "a locked keychain may say that nothing is there, or that it is locked");
}
