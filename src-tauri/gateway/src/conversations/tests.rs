//! Conversations over a real file: branches, searches, limits, and that what is deleted is gone.

use std::process::Command;

use serde_json::json;

use super::*;

struct World {
    folder: tempfile::TempDir,
    kept: Conversations,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let kept = Conversations::at(folder.path().join("data/conversations.db"));
        World { folder, kept }
    }

    /// Keeps a message, and says the ids of its conversation and of itself.
    async fn say(&self, conversation: Option<i64>, parent: Option<i64>, role: &str, text: &str) -> (i64, i64) {
        self.kept.save(conversation, new(parent, role, text)).await.unwrap()
    }

    /// A search's titles and excerpts.
    async fn found(&self, search: &str) -> Vec<(String, Option<String>)> {
        let rows = self.kept.list(Some(search.to_owned())).await.unwrap();
        rows.into_iter().map(|row| (row.title, row.excerpt)).collect()
    }

    /// Whether a text stands in any file of the folder.
    fn holds(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.folder.path().join("data")).unwrap();
        let mut contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        contents.any(|content| memchr::memmem::find(&content, text.as_bytes()).is_some())
    }
}

fn new(parent: Option<i64>, role: &str, text: &str) -> NewMessage {
    NewMessage {
        parent,
        role: role.to_owned(),
        text: text.to_owned(),
        reasoning: None,
        images: Vec::new(),
        facts: json!(null),
    }
}

#[tokio::test]
async fn messages_are_a_tree() {
    let world = World::new();
    assert_eq!(world.kept.list(None).await.unwrap(), [], "nothing yet");
    assert!(!world.folder.path().join("data").exists(), "and nothing is made to find that out");
    let (id, question) = world.say(None, None, "user", "Why is the sky\nblue?").await;
    let answer = NewMessage {
        reasoning: Some("light".into()),
        images: vec!["data:image/png;base64,AAAA".into(), "data:image/png;base64,BBBB".into()],
        facts: json!({"target": "ollama@1/m", "tokens_per_second": 41.5}),
        ..new(Some(question), "assistant", "Rayleigh.")
    };
    let (_, first) = world.kept.save(Some(id), answer.clone()).await.unwrap();
    let (_, second) = world.say(Some(id), Some(question), "assistant", "Scattering.").await;
    let (_, edited) = world.say(Some(id), None, "user", "Why is the sea blue?").await;
    let found = world.kept.one(id).await.unwrap();
    assert_eq!(found.title, "Why is the sky blue?");
    let tree: Vec<_> = found.messages.iter().map(|message| (message.id, message.parent)).collect();
    assert_eq!(tree, [(question, None), (first, Some(question)), (second, Some(question)), (edited, None)]);
    let kept = &found.messages[1];
    assert_eq!((&kept.reasoning, &kept.images, &kept.facts), (&answer.reasoning, &answer.images, &answer.facts));
    let rows = world.kept.list(None).await.unwrap();
    assert_eq!((rows.len(), rows[0].messages, rows[0].updated_ms), (1, 4, found.messages[3].created_ms));
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let world = World::new();
    let check = async |conversation, message: NewMessage, expected: &str| {
        let said = world.kept.save(conversation, message).await.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    };
    check(None, new(None, "tool", ""), "`tool` is no role").await;
    check(Some(7), new(None, "user", ""), "no conversation 7").await;
    let (one, first) = world.say(None, None, "user", "one").await;
    let (two, _) = world.say(None, None, "user", "two").await;
    check(Some(two), new(Some(first), "user", ""), "no message 1 in conversation 2").await;
    let pictured = |url: &str| NewMessage { images: vec![url.to_owned()], ..new(None, "user", "") };
    check(Some(one), pictured("https://elsewhere.example/x.png"), "`data:`").await;
    check(Some(one), new(None, "user", &"x".repeat(LARGEST_MESSAGE + 1)), "33 MB").await;
    assert_eq!(world.kept.one(two).await.unwrap().messages.len(), 1, "and leaves nothing behind");
    let file = rusqlite::Connection::open(world.folder.path().join("data/conversations.db")).unwrap();
    file.execute("UPDATE conversation SET bytes = ?1", [LARGEST_CONVERSATION - 10]).unwrap();
    check(Some(two), new(None, "user", &"x".repeat(64)), "go on in a new one").await;
}

#[tokio::test]
async fn words_are_found_in_every_script() {
    let world = World::new();
    for text in [
        "Größe eines Modells: Brücken & naïve Ansätze",
        "東京の天気は今日も晴れです",
        "Почему небо голубое?",
        "لماذا السماء زرقاء",
        "आसमान नीला क्यों है",
        "ทำไมท้องฟ้าเป็นสีฟ้า",
        "한국어 모델을 불러오기",
        "let x = foo_bar(\"qwen3:8b\"); -- 100% O'Reilly",
    ] {
        world.say(None, None, "user", text).await;
    }
    let check = async |search: &str, expected: &[&str]| {
        let found = world.found(search).await;
        let titles: Vec<_> = found.iter().map(|(title, _)| title.chars().take(6).collect::<String>()).collect();
        assert_eq!(titles, expected, "{search}");
        assert!(found.iter().all(|(_, excerpt)| excerpt.is_some()), "{search}");
    };
    check("brück", &["Größe "]).await;
    check("GROSSE", &[]).await;
    check("grosse", &[]).await;
    check("groß naive", &[]).await;
    check("größe naive", &["Größe "]).await;
    check("modell", &["Größe "]).await;
    check("modell ", &[]).await;
    check("天気", &["東京の天気は"]).await;
    check("晴れ 東京", &["東京の天気は"]).await;
    check("京東", &[]).await;
    check("НЕБО", &["Почему"]).await;
    check("السما", &["لماذا "]).await;
    check("नीला", &["आसमान "]).await;
    check("ท้องฟ้า", &["ทำไมท้"]).await;
    check("모델", &["한국어 모델"]).await;
    check("qwen3:8b", &["let x "]).await;
    check("o'reilly 100%", &["let x "]).await;
    check("\" OR ) * NEAR( --", &[]).await;
    check("?!", &[]).await;
}

#[tokio::test]
async fn all_words_must_stand_somewhere_in_it() {
    let world = World::new();
    let (id, first) = world.say(None, None, "user", "Tell me of trains").await;
    let long = format!("{} The pointsman sets the switches. {}", "Before. ".repeat(50), "After. ".repeat(50));
    world.say(Some(id), Some(first), "assistant", &long).await;
    world.say(None, None, "user", "Tell me of planes").await;
    let check = async |search: &str, expected: usize| {
        assert_eq!(world.found(search).await.len(), expected, "{search}");
    };
    check("tell", 2).await;
    check("trains switches", 1).await;
    check("planes switches", 0).await;
    let excerpt = world.found("pointsman").await.remove(0).1.unwrap();
    assert!(excerpt.contains("The pointsman sets") && excerpt.len() < 200, "the words around it: {excerpt}");
    world.kept.rename(id, " Of signal boxes\n".into()).await.unwrap();
    let found = world.found("signal").await;
    assert_eq!(found, [("Of signal boxes".to_owned(), None)], "a title is searched too");
    world.say(Some(id), Some(first), "user", "More").await;
    assert_eq!(world.kept.one(id).await.unwrap().title, "Of signal boxes", "and stays as the user gave it");
    assert!(world.kept.rename(99, String::new()).await.is_err());
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_the_disk() {
    let world = World::new();
    let (id, first) = world.say(None, None, "user", "xylophone").await;
    let picture =
        NewMessage { images: vec!["data:image/png;base64,WWWWW".into()], ..new(Some(first), "assistant", "zeppelin") };
    world.kept.save(Some(id), picture).await.unwrap();
    world.say(None, None, "user", "stays").await;
    assert!(["xylophone", "zeppelin", "WWWWW"].iter().all(|text| world.holds(text)));
    world.kept.delete(id).await.unwrap();
    for text in ["xylophone", "zeppelin", "WWWWW"] {
        assert!(!world.holds(text), "{text}: not in the file, not in its log, not in the index");
        assert_eq!(world.found(text).await, []);
    }
    assert!(matches!(world.kept.one(id).await, Err(Error::Unknown(_))));
    assert!(matches!(world.kept.delete(id).await, Err(Error::Unknown(_))));
    assert_ne!(world.say(None, None, "user", "new").await.0, id, "a number is given once");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.say(None, None, "user", "mine").await;
    for file in std::fs::read_dir(world.folder.path().join("data")).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_broken_file_is_put_aside_and_told() {
    let world = World::new();
    let file = world.folder.path().join("data/conversations.db");
    std::fs::create_dir(world.folder.path().join("data")).unwrap();
    std::fs::write(&file, "no database at all, but a text that is longer than a header of SQLite").unwrap();
    let Err(Error::PutAside(aside)) = world.kept.list(None).await else { panic!("it is told") };
    assert!(std::fs::read_to_string(aside).unwrap().starts_with("no database"), "nothing is lost");
    world.say(None, None, "user", "new").await;
    assert_eq!(world.kept.list(None).await.unwrap().len(), 1, "and a new one is begun");
    let other = Conversations::at(file.clone());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let said = other.list(None).await.unwrap_err().to_string();
    assert!(said.contains("newer Pointsman") && file.exists(), "{said}");
}

/// Two gateways of one user, as two processes.
#[tokio::test]
async fn two_processes_keep_in_one_file() {
    let world = World::new();
    let file = world.folder.path().join("data/conversations.db");
    let (id, _) = world.say(None, None, "user", "shared").await;
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "conversations::tests::the_other_process"])
        .env("CONVERSATIONS", &file)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    for number in 0..50 {
        world.say(Some(id), None, "user", &format!("here {number}")).await;
    }
    assert!(other.wait().unwrap().success());
    assert_eq!(world.kept.one(id).await.unwrap().messages.len(), 101, "nothing was lost");
}

#[tokio::test]
#[ignore = "run by `two_processes_keep_in_one_file`"]
async fn the_other_process() {
    let environment = crate::environment::Environment::of_process();
    let Some(file) = environment.get("CONVERSATIONS") else { return };
    let kept = Conversations::at(file.into());
    let id = kept.list(None).await.unwrap()[0].id;
    for number in 0..50 {
        kept.save(Some(id), new(None, "assistant", &format!("there {number}"))).await.unwrap();
    }
}
