//! The shelf over a real file: whose, in which order, how much, and that what is deleted is gone.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::settings::{Responses, Settings};

/// A shelf in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    settings: watch::Sender<Arc<Settings>>,
    shelf: Shelf,
    store: Store,
}

impl World {
    fn new(set: impl FnOnce(&mut Responses)) -> World {
        let mut settings = Settings::default();
        set(&mut settings.responses);
        World::open(tempfile::tempdir().unwrap(), settings)
    }

    fn open(folder: tempfile::TempDir, settings: Settings) -> World {
        let (sender, receiver) = watch::channel(Arc::new(settings));
        let (shelf, store) = Store::start(folder.path().join("data/responses.db"), receiver).unwrap();
        World { folder, settings: sender, shelf, store }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("data/responses.db")
    }

    /// Closed and opened again, as a gateway does that starts anew.
    fn again(self) -> World {
        let settings = Settings::clone(&self.settings.borrow());
        self.store.close();
        World::open(self.folder, settings)
    }

    /// Keeps an answer whose question and words are its id, and gives its number.
    async fn keep(&self, owner: &str, id: &str, previous: Option<i64>) -> i64 {
        self.keep_at(owner, id, previous, SystemTime::now()).await
    }

    async fn keep_at(&self, owner: &str, id: &str, previous: Option<i64>, at: SystemTime) -> i64 {
        self.shelf.keep(Kept {
            owner: owner.into(),
            id: id.into(),
            previous,
            endpoint: "up".into(),
            input: format!("\"{id}?\"").into(),
            response: format!("\"{id}!\"").into(),
            at,
        });
        self.shelf.past(&owner.into(), id, 1 << 20).await.map_or(-1, |past| past.number)
    }

    /// A conversation's questions, or why there is none.
    async fn past(&self, owner: &str, id: &str) -> Result<String, Lost> {
        let past = self.shelf.past(&owner.into(), id, 1 << 20).await?;
        let asked = past.links.iter().map(|link| String::from_utf8(link.input.to_vec()).unwrap());
        Ok(asked.collect::<Vec<_>>().concat())
    }

    /// Whether a text stands in any file of the folder.
    fn holds(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path().join("data")).unwrap();
        let mut contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        contents.any(|content| memchr::memmem::find(&content, text.as_bytes()).is_some())
    }
}

fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}

#[tokio::test]
async fn a_conversation_is_read_in_order_and_by_its_owner_only() {
    let world = World::new(|_| {});
    assert_eq!(world.past("", "a").await, Err(Lost::Unknown));
    assert!(!world.file().exists(), "nothing is made only to find nothing in it");
    let a = world.keep("", "a", None).await;
    let b = world.keep("", "b", Some(a)).await;
    world.keep("", "c", Some(b)).await;
    world.keep("", "d", Some(a)).await;
    world.keep("editor", "e", None).await;
    let world = world.again();
    for (owner, id, expected) in [
        ("", "a", Ok("\"a?\"")),
        ("", "c", Ok("\"a?\"\"b?\"\"c?\"")),
        ("", "d", Ok("\"a?\"\"d?\"")),
        ("", "e", Err(Lost::Unknown)),
        ("editor", "e", Ok("\"e?\"")),
        ("editor", "a", Err(Lost::Unknown)),
        ("other", "a", Err(Lost::Unknown)),
    ] {
        assert_eq!(world.past(owner, id).await, expected.map(str::to_owned), "{owner} {id}");
        let one = world.shelf.one(&owner.into(), id).await.map(|link| link.response);
        assert_eq!(one, expected.map(|_| format!("\"{id}!\"").into()), "{owner} {id}");
    }
    assert_eq!(world.shelf.past(&"".into(), "c", 20).await, Err(Lost::TooLong));
}

#[tokio::test]
async fn an_id_that_is_given_twice_names_the_newer_one_and_breaks_no_conversation() {
    let world = World::new(|_| {});
    let first = world.keep("", "resp_1", None).await;
    let second = world.keep("", "resp_1", Some(first)).await;
    assert_eq!(world.past("", "resp_1").await, Ok("\"resp_1?\"\"resp_1?\"".to_owned()), "it went on from its namesake");
    world.keep("", "b", Some(second)).await;
    world.keep("", "resp_1", None).await;
    assert_eq!(world.past("", "resp_1").await, Ok("\"resp_1?\"".to_owned()));
    assert_eq!(world.past("", "b").await, Ok("\"resp_1?\"\"resp_1?\"\"b?\"".to_owned()));
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_the_disk() {
    let world = World::new(|_| {});
    let a = world.keep("", "secret-a", None).await;
    world.keep("", "b", Some(a)).await;
    assert!(world.holds("secret-a?"));
    assert_eq!(world.shelf.forget(&"other".into(), "secret-a").await, Err(Lost::Unknown), "only its owner may");
    assert_eq!(world.shelf.forget(&"".into(), "secret-a").await, Ok(()));
    assert!(!world.holds("secret-a?") && !world.holds("secret-a!"), "not in the file, not in its log");
    assert_eq!(world.shelf.forget(&"".into(), "secret-a").await, Err(Lost::Unknown));
    assert_eq!(world.past("", "b").await, Err(Lost::Broken), "no conversation goes on with its beginning left out");
    let c = world.keep("", "c", None).await;
    assert_ne!(c, a, "a number is given once");
}

#[tokio::test]
async fn no_more_is_kept_than_allowed() {
    let world = World::new(|responses| responses.count = 3);
    let now = SystemTime::now();
    let a = world.keep_at("", "a", None, now).await;
    world.keep_at("", "x", None, now + Duration::from_secs(1)).await;
    world.keep_at("", "b", Some(a), now + Duration::from_secs(2)).await;
    world.keep_at("", "y", None, now + Duration::from_secs(3)).await;
    assert_eq!(world.past("", "x").await, Err(Lost::Unknown), "the conversation that rested longest goes first");
    assert_eq!(world.past("", "b").await, Ok("\"a?\"\"b?\"".to_owned()), "one that goes on is kept whole");

    let world = World::new(|responses| responses.days = 10);
    let old = world.keep_at("", "old", None, now - days(9)).await;
    world.keep_at("", "older", None, now - days(11)).await;
    assert_eq!(world.past("", "older").await, Err(Lost::Unknown));
    world.keep("", "new", Some(old)).await;
    let world = world.again();
    assert_eq!(world.past("", "new").await, Ok("\"old?\"\"new?\"".to_owned()));

    let world = World::new(|responses| responses.megabytes = 1);
    let large = |id: &str| Kept {
        owner: "".into(),
        id: id.into(),
        previous: None,
        endpoint: "up".into(),
        input: vec![b'1'; 400 << 10].into(),
        response: "{}".into(),
        at: SystemTime::now(),
    };
    for id in ["a", "b", "c"] {
        world.shelf.keep(large(id));
    }
    assert_eq!(world.shelf.one(&"".into(), "a").await.err(), Some(Lost::Unknown));
    assert!(world.shelf.one(&"".into(), "c").await.is_ok());
    world.shelf.keep(Kept { input: vec![b'1'; 2 << 20].into(), ..large("huge") });
    assert_eq!(
        world.shelf.one(&"".into(), "huge").await.err(),
        Some(Lost::Unknown),
        "one alone is more than all may be"
    );
    assert!(world.shelf.one(&"".into(), "c").await.is_ok(), "and costs no other");
}

#[tokio::test]
async fn off_means_gone() {
    let world = World::new(|_| {});
    world.keep("", "a", None).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(world.shelf.clone().follow(world.settings.subscribe(), stop.clone()));
    // The follower must have seen the settings as they are before they change.
    tokio::task::yield_now().await;
    world.settings.send_modify(|settings| Arc::make_mut(settings).responses.store = false);
    while world.file().exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.keep("", "b", None).await, -1, "nothing is kept");
    assert!(!world.file().exists());
    stop.cancel();
    following.await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(|_| {});
    world.keep("", "a", None).await;
    let mut count = 0;
    for file in std::fs::read_dir(world.folder.path().join("data")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        count += 1;
    }
    assert!(count >= 2, "the file and its log");
}

#[tokio::test]
async fn a_damaged_file_is_removed_and_a_newer_one_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/responses.db");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(&file, "no database at all, but a text that is longer than a header of SQLite").unwrap();
    let world = World::open(folder, Settings::default());
    assert!(world.keep("", "a", None).await > 0);
    world.store.close();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(&file).unwrap();
    let world = World::open(world.folder, Settings::default());
    assert_eq!(world.past("", "a").await, Err(Lost::Unreadable));
    world.store.close();
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn items_are_found_by_their_ids_as_long_as_their_answer_is_there() {
    let world = World::new(|_| {});
    let keep = |owner: &str, id: &str, item: &str, text: &str| {
        world.shelf.keep(Kept {
            owner: owner.into(),
            id: id.into(),
            previous: None,
            endpoint: "up".into(),
            input: Bytes::from_static(b"\"?\""),
            response: format!(r#"{{"output":[{{"type":"message","id":"{item}","content":"{text}"}}]}}"#).into(),
            at: SystemTime::now(),
        });
    };
    keep("", "a", "msg_1", "first");
    keep("", "b", "msg_1", "second");
    keep("", "c", "msg_2", "third");
    keep("editor", "d", "msg_3", "other");
    let check = async |ids: &[&str], expected: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let found = world.shelf.items(&"".into(), ids.clone(), 1 << 20).await.unwrap();
        let found: Vec<&str> = ids.iter().map(|id| found.get(id).map_or("-", |item| &item.json)).collect();
        let all = found.iter().zip(expected).all(|(json, text)| json.contains(text));
        assert!(all && found.len() == expected.len(), "{ids:?}: {found:?}");
    };
    check(&["msg_1", "msg_2", "msg_3", "msg_4"], &["second", "third", "-", "-"]).await;
    assert_eq!(world.shelf.forget(&"".into(), "b").await, Ok(()));
    check(&["msg_1"], &["first"]).await;
    assert_eq!(world.shelf.forget(&"".into(), "a").await, Ok(()));
    check(&["msg_1", "msg_2"], &["-", "third"]).await;
    assert_eq!(world.shelf.items(&"".into(), vec!["msg_2".into()], 10).await, Err(Lost::TooLong));
}
