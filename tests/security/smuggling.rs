//! Attack 23: requests that two readers cut differently, heads and bodies without end, clients that never finish.

use std::time::{Duration, Instant};

use crate::harness::{Ask, Fake, Gateway, Options, Raw, bounded, chat, fake};

const CHAT: &str = "/v1/chat/completions";
const BODY: &str = r#"{"model":"m","messages":[]}"#;

async fn start() -> (Gateway, Fake) {
    let up = fake::speaks().await;
    (Gateway::over(&up).await, up)
}

/// Sends these bytes, and fails unless the endpoint is never asked and the connection is refused or closed.
async fn refused(gateway: &Gateway, up: &Fake, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let shown: String = text.chars().take(300).collect();
    let mut connection = Raw::connect(gateway.port()).await;
    connection.send(bytes).await;
    let answer = connection.answer().await;
    assert!(answer.status == 0 || (400..=505).contains(&answer.status), "{shown:?}: {answer:?}");
    assert!(up.requests_for(CHAT).is_empty(), "{shown:?} reached the endpoint");
    // Nothing that follows on the connection is served as a second request.
    let rest = String::from_utf8_lossy(&connection.closed().await).into_owned();
    assert!(!rest.contains(" 200 "), "{shown:?}: {rest}");
}

/// The same for a text in which `HOST` stands for our own.
async fn refused_text(gateway: &Gateway, up: &Fake, text: &str) {
    let host = format!("127.0.0.1:{}", gateway.port());
    refused(gateway, up, text.replace("HOST", &host).as_bytes()).await;
}

#[test]
fn attack_23_two_lengths_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\n");
        let smuggled = "GET /v1/models HTTP/1.1\r\nhost: HOST\r\n\r\n";
        for lines in [
            "content-length: 4\r\ncontent-length: 27\r\n",
            "content-length: 27, 4\r\n",
            "content-length: +27\r\n",
            "content-length: -1\r\n",
            "content-length: 0x1b\r\n",
            "content-length: 99999999999999999999\r\n",
            "content-length: 27\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 27\r\n",
            "transfer-encoding: chunked, identity\r\n",
            "transfer-encoding: xchunked\r\n",
            "transfer-encoding: gzip\r\n",
            "transfer-encoding : chunked\r\n",
            "content-length : 27\r\n",
            "transfer-encoding:\u{b}chunked\r\ncontent-length: 27\r\n",
        ] {
            // The body is neither 27 bytes of JSON in a chunk nor any other whole request.
            refused_text(&gateway, &up, &format!("{head}{lines}\r\nzz\r\n{smuggled}")).await;
        }
    });
}

#[test]
fn attack_23_bad_chunks_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let head = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        for body in
            ["zz\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n", "0x1b\r\n", "\r\n\r\n", "1b\r\nxx", "1b{\r\n", " 1b\n"]
        {
            refused_text(&gateway, &up, &format!("{head}{body}{BODY}\r\n0\r\n\r\n")).await;
        }
    });
}

#[test]
fn attack_23_bad_heads_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
        for head in [
            format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\nx: a\r\n folded\r\n"),
            format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\nx: a\0b\r\n"),
            format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\nx\0: b\r\n"),
            format!("POST {CHAT}\0 HTTP/1.1\r\nhost: HOST\r\n"),
            format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\nno colon\r\n"),
            format!("POST {CHAT} HTTP/1.1\r\nhost: HOST\r\n: no name\r\n"),
            format!("POST {CHAT} HTTP/9.9\r\nhost: HOST\r\n"),
            format!("POST  {CHAT} HTTP/1.1\r\nhost: HOST\r\n"),
            format!("PO ST {CHAT} HTTP/1.1\r\nhost: HOST\r\n"),
            format!("POST {CHAT}\r\nhost: HOST\r\n"),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        ] {
            refused_text(&gateway, &up, &format!("{head}{rest}")).await;
        }
        refused(&gateway, &up, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client of TLS\r\n\r\n").await;
    });
}

#[test]
fn attack_23_large_heads_are_refused() {
    bounded(async {
        let (gateway, up) = start().await;
        let host = "host: HOST\r\n";
        refused(&gateway, &up, format!("POST {CHAT} HTTP/1.1\r\n{host}x: {}\r\n\r\n", "a".repeat(1 << 20)).as_bytes())
            .await;
        refused(&gateway, &up, format!("POST {CHAT} HTTP/1.1\r\n{host}{}\r\n", "x: 1\r\n".repeat(5000)).as_bytes())
            .await;
        refused(&gateway, &up, format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(1 << 20)).as_bytes()).await;
    });
}

#[test]
fn attack_23_a_large_body_is_refused_by_its_length_and_by_its_bytes() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().limit("body_bytes = 1048576")).await;
        let host = format!("127.0.0.1:{}", gateway.port());
        let head = format!("POST {CHAT} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
        // By its length, before a byte of it came.
        let mut claims = Raw::connect(gateway.port()).await;
        claims.send(format!("{head}content-length: 104857600\r\n\r\n")).await;
        assert_eq!(claims.answer().await.status, 413);
        // By its bytes, where no length is told. It may be refused while we still send.
        let mut chunks = Raw::connect(gateway.port()).await;
        chunks.send(format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(65_536));
        let mut sent = 0;
        while sent < 100 << 20 && chunks.send(&chunk).await {
            sent += chunk.len();
        }
        assert!(sent < 64 << 20, "{sent} bytes were taken");
        let answer = chunks.answer().await;
        assert!([0, 413].contains(&answer.status), "{answer:?}");
        #[cfg(target_os = "linux")]
        assert!(gateway.peak_memory() < 200 << 20, "{} MiB", gateway.peak_memory() >> 20);
        assert!(up.requests_for(CHAT).is_empty());
    });
}

#[test]
fn attack_23_five_hundred_clients_that_never_finish_stop_nobody() {
    bounded(async {
        let (gateway, _up) = start().await;
        let host = format!("127.0.0.1:{}", gateway.port());
        let mut slow = Vec::new();
        for nth in 0..500 {
            let mut connection = Raw::connect(gateway.port()).await;
            let part = match nth % 3 {
                0 => "P".to_owned(),
                1 => format!("POST {CHAT} HTTP/1.1\r\nhost: {host}\r\nx: "),
                _ => format!(
                    "POST {CHAT} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{{"
                ),
            };
            connection.send(part).await;
            slow.push(connection);
        }
        let started = Instant::now();
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        assert!(started.elapsed() < Duration::from_secs(2), "another client waited {:?}", started.elapsed());
        #[cfg(target_os = "linux")]
        assert!(gateway.peak_memory() < 200 << 20, "{} MiB", gateway.peak_memory() >> 20);
    });
}

#[test]
fn attack_23_fifty_hung_calls_stop_nobody() {
    bounded(async {
        let up = fake::speaks().await;
        up.on_with("POST", CHAT, |request| {
            if request.json()["hang"] == true { crate::harness::Script::hangs() } else { fake::chat(request) }
        });
        let gateway = Gateway::over(&up).await;
        let mut body = chat("m");
        body["hang"] = true.into();
        let hung: Vec<_> = (0..50)
            .map(|_| {
                let (port, body) = (gateway.port(), body.clone());
                tokio::spawn(async move { Ask::post(CHAT, &body).send(port).await })
            })
            .collect();
        up.nth_request(CHAT, 49).await;
        let started = Instant::now();
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        assert!(started.elapsed() < Duration::from_secs(2), "another client waited {:?}", started.elapsed());
        for call in hung {
            call.abort();
        }
    });
}

#[test]
fn a_refusal_whose_body_was_not_read_ends_the_connection_and_says_so() {
    bounded(async {
        let (gateway, _up) = start().await;
        let host = format!("127.0.0.1:{}", gateway.port());
        let ask = async |line: &str, more: &str| {
            let mut connection = Raw::connect(gateway.port()).await;
            // The head alone: its body is still on its way when the refusal is written.
            connection.send(format!("{line} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n")).await;
            let answer = connection.answer().await;
            (answer.status, answer.header("connection").to_owned())
        };
        let close = |status: u16| (status, "close".to_owned());
        assert_eq!(ask("POST /api/pull", "content-length: 12\r\n").await, close(403), "an SDK's `pull`");
        assert_eq!(ask("DELETE /api/delete", "content-length: 12\r\n").await, close(403), "an SDK's `delete`");
        assert_eq!(
            ask("POST /v1/nothing", "transfer-encoding: chunked\r\n").await,
            close(404),
            "a path that is not there"
        );
        assert_eq!(ask("POST /v1/models", "content-length: 2\r\n").await, close(405), "a method that is not");
        assert_eq!(ask("GET /v1/nothing", "").await, (404, String::new()), "without a body the connection lives on");
    });
}
