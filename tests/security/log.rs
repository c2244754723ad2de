//! Attack 26: lines and statements that a client writes into ours.

use serde_json::json;

use crate::harness::{Ask, Gateway, bounded, chat, fake, raw};

const CHAT: &str = "/v1/chat/completions";

#[test]
fn attack_26_no_client_writes_a_line_of_its_own_into_the_log() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let forged = "FORGED level=ERROR";
        for name in [
            format!("x\r\n{forged}"),
            format!("x\n{forged}"),
            format!("\u{1b}[2K\r{forged}"),
            format!("x\u{2028}{forged}"),
        ] {
            let status = gateway.post(CHAT, &chat(&name)).await.status();
            assert!([400, 404].contains(&status), "{name:?}: {status}");
        }
        for path in ["/x%0d%0aFORGED%20level=ERROR", "/v1/models/x%0aFORGED%20level=ERROR", "/%1b[2K%0dFORGED"] {
            gateway.get(path).await;
        }
        let host = format!("127.0.0.1:{}", gateway.port());
        for line in ["user-agent: x\u{1b}[2KFORGED", "origin: x\u{85}FORGED level=ERROR", "x-request-id: a\tFORGED"] {
            raw(
                gateway.port(),
                format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\n{line}\r\nconnection: close\r\n\r\n"),
            )
            .await;
        }
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
        let log = gateway.log();
        for line in log.lines() {
            assert!(!line.trim_start_matches(['\r', '\u{1b}']).starts_with("FORGED"), "a forged line: {line:?}");
            assert!(!line.contains('\u{1b}') && !line.contains('\r'), "a control character: {line:?}");
        }
    });
}

#[test]
fn attack_26_no_statement_reaches_the_database() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let evil = ["'; DROP TABLE request; --", "' OR 1=1", "\\'; DELETE FROM request; --", "\"); --", "%27%3B"];
        let mut count = 0;
        for text in evil {
            gateway.post(CHAT, &chat(text)).await.expect(404).await;
            let ask = Ask::post(CHAT, &chat("m")).header("user-agent", text).header("x-api-key", text);
            ask.send(gateway.port()).await.expect(200).await.bytes().await;
            count += 2;
        }
        let rows = gateway.rows("all rows", |rows| rows.len() >= count).await;
        assert_eq!(rows.len(), count);
        for text in evil {
            assert!(rows.iter().any(|row| row["asked"] == json!(text)), "{text} is kept as what it is");
        }
    });
}

#[test]
fn attack_26_what_a_client_called_a_model_is_not_told_back_as_markup_or_headers() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let name = "<img src=x onerror=alert(1)>\r\nset-cookie: a=1";
        for name in [name, &name.replace("\r\n", " ")] {
            let answer = gateway.post(CHAT, &chat(name)).await;
            assert!([400, 404].contains(&answer.status()) && !answer.has("set-cookie"), "{}", answer.status());
            assert_eq!(answer.header("content-type"), "application/json", "no browser reads that as a page");
        }
        // A very long one is not sent back in full.
        let long = "n".repeat(1 << 20);
        let text = gateway.post(CHAT, &chat(&long)).await.text().await;
        assert!(text.len() < 4096, "{} bytes", text.len());
        let path = format!("/v1/models/{}", "p".repeat(8000));
        let text = gateway.get(&path).await.text().await;
        assert!(text.len() < 4096, "{} bytes", text.len());
    });
}
