//! A server on this machine that gives a file, part of it, too much of it, or something else.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

const FILE: &[u8] = b"These are the weights of a very small model.";

fn row() -> FirstModel {
    FirstModel {
        name: "Small".into(),
        file: "small.gguf".into(),
        url: format!("{HUGGING_FACE}/someone/small/resolve/abc/small.gguf"),
        about: String::new(),
        bytes: FILE.len() as u64,
        sha256: Sha256::digest(FILE).iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")),
        licence: "Apache-2.0".into(),
    }
}

/// Gives each connection the next of these answers, and keeps what was asked.
struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn gives(answers: Vec<Vec<u8>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mirror = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
                stream.write_all(&answer).await.unwrap();
            }
        });
        Server { url: address(&row(), Some(&mirror)).unwrap(), asked, task }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_file_is_there_once_it_is_whole_and_right() {
    let (folder, told) = (tempfile::tempdir().unwrap(), Mutex::new(Vec::new()));
    let server = Server::gives(vec![answer("200 OK", "", FILE)]).await;
    let folder = folder.path().join("models");
    fetch(&row(), &server.url, &folder, |says, done| told.lock().unwrap().push((says.to_owned(), done))).await.unwrap();
    assert_eq!(std::fs::read(folder.join("small.gguf")).unwrap(), FILE);
    assert_eq!(names(&folder), ["small.gguf"], "nothing is left beside it");
    assert!(server.asked()[0].starts_with("get /someone/small/resolve/abc/small.gguf http/1.1\r\n"));
    assert!(!server.asked()[0].contains("authorization") && !server.asked()[0].contains("range"));
    assert_eq!(told.into_inner().unwrap().last(), Some(&("checking it".to_owned(), FILE.len() as u64)));
}

#[tokio::test]
async fn what_broke_off_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (first, rest) = FILE.split_at(10);
    let mut cut = answer("200 OK", "", FILE);
    cut.truncate(cut.len() - rest.len());
    let range = format!("content-range: bytes 10-{}/{}\r\n", FILE.len() - 1, FILE.len());
    let server = Server::gives(vec![cut, answer("206 Partial Content", &range, rest)]).await;
    let reason = fetch(&row(), &server.url, folder.path(), |_, _| {}).await.unwrap_err();
    assert!(reason.contains("goes on from there"), "{reason}");
    assert_eq!(std::fs::read(part(folder.path(), &row())).unwrap(), first, "what came is kept");
    fetch(&row(), &server.url, folder.path(), |_, _| {}).await.unwrap();
    assert!(server.asked()[1].contains("range: bytes=10-\r\n"), "{:?}", server.asked());
    assert_eq!(std::fs::read(folder.path().join("small.gguf")).unwrap(), FILE);
}

#[tokio::test]
async fn a_server_that_knows_no_parts_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(part(folder.path(), &row()), b"something that was there").unwrap();
    let server = Server::gives(vec![answer("200 OK", "", FILE)]).await;
    fetch(&row(), &server.url, folder.path(), |_, _| {}).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("small.gguf")).unwrap(), FILE);
}

#[tokio::test]
async fn a_redirect_is_followed_and_a_loop_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let away = answer("302 Found", "location: /elsewhere?sig=1\r\n", b"");
    let server = Server::gives(vec![away.clone(), answer("200 OK", "", FILE)]).await;
    fetch(&row(), &server.url, folder.path(), |_, _| {}).await.unwrap();
    assert!(server.asked()[1].starts_with("get /elsewhere?sig=1 "));
    let server = Server::gives(vec![away; MOST_HOPS + 1]).await;
    let reason = fetch(&row(), &server.url, &folder.path().join("again"), |_, _| {}).await.unwrap_err();
    assert!(reason.contains("on and on"), "{reason}");
}

#[tokio::test]
async fn what_is_not_the_file_is_not_kept() {
    #[track_caller]
    fn check(found: &Result<(), String>, folder: &Path, wanted: &str) {
        let reason = found.as_ref().unwrap_err();
        assert!(reason.contains(wanted), "{reason}");
        assert!(!folder.join("small.gguf").exists(), "{reason}");
        assert_eq!(names(folder), [""; 0], "{reason}");
    }
    let mut other = FILE.to_vec();
    other[3] ^= 1;
    let longer = [FILE, b"!"].concat();
    for (given, wanted) in [
        (answer("200 OK", "", &other), "SHA-256"),
        (answer("200 OK", "", &longer), "larger"),
        (answer("404 Not Found", "", b"no"), "404 Not Found"),
        (answer("302 Found", "location: ftp://example.com/x\r\n", b""), "without TLS"),
        (answer("302 Found", "", b""), "names no place"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::gives(vec![given]).await;
        let found = fetch(&row(), &server.url, folder.path(), |_, _| {}).await;
        check(&found, folder.path(), wanted);
    }
}

#[tokio::test]
async fn a_disk_without_room_is_told_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::gives(vec![]).await;
    let row = FirstModel { bytes: u64::MAX / 2, ..row() };
    let reason = fetch(&row, &server.url, folder.path(), |_, _| {}).await.unwrap_err();
    assert!(reason.starts_with("needs ") && reason.contains(" MB are free"), "{reason}");
    assert!(server.asked().is_empty());
}

#[test]
fn a_mirror_takes_the_place_of_hugging_face() {
    #[track_caller]
    fn check(mirror: Option<&str>, expected: Result<&str, &str>) {
        let found = address(&row(), mirror);
        assert_eq!(found.as_ref().map(Url::as_str).map_err(String::as_str), expected, "{mirror:?}");
    }
    let path = "someone/small/resolve/abc/small.gguf";
    check(None, Ok(&format!("https://huggingface.co/{path}")));
    check(Some(" "), Ok(&format!("https://huggingface.co/{path}")));
    check(Some("https://hf-mirror.com/"), Ok(&format!("https://hf-mirror.com/{path}")));
    check(Some("not an address"), Err("HF_ENDPOINT is no address"));
}
