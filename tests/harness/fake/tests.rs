//! The scripted upstream does what its scripts say, faults included: tests of the tests.

use std::net::Ipv4Addr;

use serde_json::json;

use super::{Fake, SAID, Script, chat};
use crate::harness::{Ask, Port, Raw, bounded};

const PATH: &str = "/v1/chat/completions";

async fn scripted(script: Script) -> Fake {
    let fake = Fake::new().await;
    fake.on("POST", PATH, script);
    fake
}

#[test]
fn records_requests_and_answers_as_told() {
    bounded(async {
        let fake = scripted(Script::json(&json!({"ok": true})).header("X-Extra", "1")).await;
        let answer = Ask::post(PATH, &json!({"a": 1})).header("x-mine", "yes").send(fake.port()).await;
        assert_eq!((answer.status(), answer.header("x-extra")), (200, "1"));
        assert_eq!(answer.json().await, json!({"ok": true}));
        let request = fake.request(PATH).await;
        assert_eq!((request.header("x-mine"), request.json()), ("yes", json!({"a": 1})));
        assert_eq!(Ask::get("/else").send(fake.port()).await.status(), 404, "what has no rule is not found");
    });
}

#[test]
fn keeps_a_connection_for_the_next_request() {
    bounded(async {
        let fake = scripted(Script::json(&json!(1))).await;
        let mut connection = Raw::connect(fake.port()).await;
        for _ in 0..2 {
            connection.send(format!("POST {PATH}?q=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}")).await;
            assert_eq!(connection.answer().await.text(), "1");
        }
        connection
            .send(format!("POST {PATH} HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n"))
            .await;
        assert_eq!(connection.answer().await.text(), "1", "a body in chunks is read to its end");
        assert_eq!((fake.connections(), fake.requests_for(PATH).len()), (1, 3));
    });
}

#[test]
fn a_gate_holds_until_the_test_says_go() {
    bounded(async {
        let fake = scripted(Script::events().send("data: 1\n\n").gate().send("data: 2\n\n")).await;
        let mut answer = Ask::post(PATH, &json!({})).send(fake.port()).await;
        assert_eq!(answer.event_line().await.as_deref(), Some("data: 1"));
        fake.go();
        assert_eq!(answer.event_line().await.as_deref(), Some("data: 2"));
        assert_eq!(answer.event_line().await, None);
    });
}

#[test]
fn dies_in_mid_stream_with_and_without_a_terminator() {
    bounded(async {
        for (script, complete) in [
            (Script::events().send("data: 1\n\n").cut(), false),
            (Script::events().send("data: 1\n\n"), true),
            (Script::claiming(100, "application/json").send("{").cut(), false),
            (Script::claiming(100, "application/json").send("{").reset(), false),
        ] {
            let fake = scripted(script).await;
            let answer = Ask::post(PATH, &json!({})).send(fake.port()).await;
            assert_eq!(answer.whole().await.is_ok(), complete);
        }
    });
}

#[test]
fn refuses_until_it_listens_and_after_it_stopped() {
    bounded(async {
        let port = Port::reserve();
        let number = port.number();
        let connect = || tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, number));
        assert!(connect().await.is_err(), "a reserved port refuses");
        let fake = Fake::on_port(port);
        assert!(connect().await.is_ok());
        assert_eq!(fake.stop().await, number);
        assert!(connect().await.is_err(), "a stopped upstream refuses");
        let _again = Fake::on_port(Port::take(number));
        assert!(connect().await.is_ok());
    });
}

#[test]
fn sees_its_peer_leave() {
    bounded(async {
        for script in [Script::hangs(), Script::events().send("data: 1\n\n").gate(), Script::events().hang()] {
            let fake = scripted(script).await;
            let mut peer = Raw::connect(fake.port()).await;
            peer.send(format!("POST {PATH} HTTP/1.1\r\ncontent-length: 2\r\n\r\n{{}}")).await;
            fake.request(PATH).await;
            drop(peer);
            fake.left().await;
        }
    });
}

#[test]
fn an_endless_answer_stalls_when_nobody_reads() {
    bounded(async {
        let fake = scripted(Script::events().forever(vec![b'x'; 65_536], 1 << 30)).await;
        let mut peer = Raw::connect(fake.port()).await;
        peer.send(format!("POST {PATH} HTTP/1.1\r\ncontent-length: 2\r\n\r\n{{}}")).await;
        assert!(fake.stalled().await < 64 << 20, "the socket's buffers alone take it");
        drop(peer);
        fake.left().await;
    });
}

#[test]
fn answers_in_every_protocol() {
    bounded(async {
        let fake = super::speaks().await;
        for (path, body, mark) in [
            ("/v1/chat/completions", json!({"model": "m"}), "chat.completion"),
            ("/v1/chat/completions", json!({"model": "m", "stream": true}), "[DONE]"),
            ("/v1/messages", json!({"model": "m"}), "end_turn"),
            ("/v1/messages", json!({"model": "m", "stream": true}), "message_stop"),
            ("/v1/responses", json!({"model": "m"}), "output_text"),
            ("/v1/responses", json!({"model": "m", "stream": true}), "response.completed"),
            ("/api/chat", json!({"model": "m"}), "\"done\":true"),
            ("/api/generate", json!({"model": "m", "stream": false}), "\"response\""),
        ] {
            let text = Ask::post(path, &body).send(fake.port()).await.text().await;
            assert!(text.contains(mark), "{path}: {text}");
        }
        assert!(!SAID.is_empty());
        fake.on_with("POST", PATH, chat);
    });
}

#[test]
fn a_gzip_bomb_unpacks_to_zeros() {
    bounded(async {
        let fake = scripted(Script::gzip_bomb(2)).await;
        let packed = Ask::post(PATH, &json!({})).send(fake.port()).await.bytes().await;
        assert!(packed.len() < 20_000, "2 MiB are {} bytes packed", packed.len());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bomb.gz");
        std::fs::write(&file, &packed).expect("a file");
        let unpacked = tokio::process::Command::new("gzip").arg("-dc").arg(&file).output().await.expect("gzip");
        assert!(unpacked.stdout.len() > 2_000_000 && unpacked.stdout.iter().all(|byte| *byte == 0));
    });
}
