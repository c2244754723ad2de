//! What is kept of each request: who asked, who answered, how many tokens, how it ended. The text only while the user wants it.

use serde_json::{Value, json};

use pointsman_gateway::control::{Command, Reply};

use crate::harness::{
    Ask, Gateway, Options, SAID, Script, Surface, TOKENS, bounded, chat, chat_stream, fake, files_with,
};

const CHAT: &str = "/v1/chat/completions";

/// The newest row once there are so many.
async fn newest(gateway: &Gateway, count: usize) -> Value {
    gateway.rows(&format!("{count} rows"), |rows| rows.len() >= count).await.swap_remove(0)
}

#[test]
fn whole_answers_and_streams_are_counted_in_every_protocol() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().route("work", &["up:m"])).await;
        let mut count = 0;
        for surface in Surface::ALL {
            for (stream, body) in [(false, surface.body("work")), (true, surface.stream("work"))] {
                let ask = Ask::post(surface.path(), &body).header("user-agent", "editor/1.2 (x)");
                ask.send(gateway.port()).await.expect(200).await.bytes().await;
                count += 1;
                let row = newest(&gateway, count).await;
                let what = format!("{surface:?}, stream: {stream}: {row}");
                assert_eq!(
                    (&row["asked"], &row["endpoint"], &row["model"]),
                    (&json!("work"), &json!("up"), &json!("m")),
                    "{what}"
                );
                assert_eq!(
                    (&row["input_tokens"], &row["output_tokens"]),
                    (&json!(TOKENS.0), &json!(TOKENS.1)),
                    "{what}"
                );
                assert_eq!(
                    (&row["outcome"], &row["status"], &row["attempts"]),
                    (&json!("complete"), &json!(200), &json!(1)),
                    "{what}"
                );
                assert_eq!(
                    (&row["stream"], &row["local"], &row["tool"]),
                    (&json!(stream), &json!(true), &json!("editor/1.2")),
                    "{what}"
                );
                assert!(
                    row["first_byte_us"].as_u64() <= row["total_us"].as_u64() && row["total_us"].is_u64(),
                    "{what}"
                );
                assert_eq!(row["operation"], "chat", "{what}");
            }
        }
    });
}

#[test]
fn embeddings_are_counted() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        gateway.post("/v1/embeddings", &json!({"model": "m", "input": "x"})).await.expect(200).await.bytes().await;
        let row = newest(&gateway, 1).await;
        assert_eq!((&row["operation"], &row["input_tokens"]), (&json!("embeddings"), &json!(TOKENS.0)), "{row}");
    });
}

#[test]
fn a_client_that_leaves_is_counted_with_what_it_got() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        // The prompt's tokens are told at the start, as Anthropic does.
        let script = Script::events()
            .named(
                "message_start",
                &json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 9}}}),
            )
            .named(
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "begun"}}),
            )
            .hang();
        up.on("POST", "/v1/messages", script);
        let mut answer = gateway.post("/v1/messages", &Surface::Messages.stream("m")).await.expect(200).await;
        while answer.event_line().await.is_some_and(|line| !line.contains("begun")) {}
        answer.leave();
        let row = newest(&gateway, 1).await;
        assert_eq!((&row["outcome"], &row["input_tokens"]), (&json!("client_gone"), &json!(9)), "{row}");
        assert!(row["first_byte_us"].is_u64() && row["chunks"].as_u64() >= Some(1), "{row}");
    });
}

#[test]
fn a_client_that_leaves_before_the_first_byte_is_counted() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::hangs());
        let port = gateway.port();
        let asking = tokio::spawn(async move { Ask::post(CHAT, &chat("m")).send(port).await });
        up.request(CHAT).await;
        asking.abort();
        let row = newest(&gateway, 1).await;
        assert_eq!((&row["outcome"], &row["first_byte_us"]), (&json!("client_gone"), &Value::Null), "{row}");
    });
}

#[test]
fn an_endpoint_that_dies_is_counted() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "begun"}, "finish_reason": null}]});
        up.on("POST", CHAT, Script::events().event(&delta).cut());
        gateway.post(CHAT, &chat_stream("m")).await.bytes().await;
        let row = newest(&gateway, 1).await;
        assert_eq!((&row["outcome"], &row["status"]), (&json!("upstream_died"), &json!(200)), "{row}");
        assert!(row["error"].is_string(), "{row}");
    });
}

#[test]
fn refusals_and_failures_are_counted() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new()
            .endpoint("first", &first.url(), "openai", &["m"])
            .endpoint("second", &second.url(), "openai", &["m"])
            .route("work", &["first:m", "second:m"]);
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        gateway.post(CHAT, &chat("nope")).await.expect(404).await;
        let row = newest(&gateway, 1).await;
        assert_eq!(
            (&row["outcome"], &row["status"], &row["asked"]),
            (&json!("refused"), &json!(404), &json!("nope")),
            "{row}"
        );
        first.on("POST", CHAT, Script::closes());
        second.on("POST", CHAT, Script::closes());
        gateway.post(CHAT, &chat("work")).await.expect(502).await;
        let row = newest(&gateway, 2).await;
        assert_eq!((&row["outcome"], &row["attempts"]), (&json!("failed"), &json!(2)), "{row}");
    });
}

#[test]
fn the_attempt_that_answered_is_the_one_that_is_named() {
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let options = Options::new()
            .endpoint("first", &first.url(), "openai", &["m"])
            .endpoint("second", &second.url(), "openai", &["m"])
            .route("work", &["first:m", "second:m"]);
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        first.on("POST", CHAT, Script::closes());
        gateway.post(CHAT, &chat("work")).await.expect(200).await.bytes().await;
        let row = newest(&gateway, 1).await;
        assert_eq!((&row["endpoint"], &row["attempts"]), (&json!("second"), &json!(2)), "{row}");
    });
}

#[test]
fn no_prompt_and_no_answer_is_kept_anywhere() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "canary-prompt"}]});
        let text = gateway.post(CHAT, &body).await.expect(200).await.text().await;
        assert!(text.contains(SAID));
        newest(&gateway, 1).await;
        for mark in ["canary-prompt", SAID] {
            let found = crate::harness::files_with(gateway.root(), mark);
            assert!(found.is_empty(), "{mark:?} stands in {found:?}");
        }
    });
}

#[test]
fn nothing_is_kept_when_the_user_says_so() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over_with(&up, Options::new().table("[usage]\nretention_days = 0")).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        let rows = gateway.rows("an answer", |_| true).await;
        assert!(rows.is_empty(), "{rows:?}");
        assert!(!gateway.root().join("data/pointsman/usage.db").exists(), "not even an empty file");
    });
}

#[test]
fn rows_survive_a_stop() {
    bounded(async {
        let up = fake::speaks().await;
        let mut gateway = Gateway::over(&up).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        gateway.signal("TERM").await;
        assert!(gateway.ended().await.success());
        let options = Options::new();
        let gateway = Gateway::start_in(gateway.into_root(), &options).await;
        assert_eq!(newest(&gateway, 1).await["outcome"], "complete");
    });
}

/// Whether a word stands in the usage database, or in its log.
fn is_written(gateway: &Gateway, word: &str) -> bool {
    let name =
        |file: &std::path::Path| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("usage.db"));
    files_with(gateway.root(), word).iter().any(|file| name(file))
}

async fn texts(gateway: &Gateway, row: &Value) -> Reply {
    gateway.tell(&Command::Bodies { request: row["id"].as_i64().expect("an id") }).await
}

#[test]
fn what_is_asked_and_said_is_kept_only_while_the_user_wants_it() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let client = gateway.client_key("editor").await;
        let mut count = 0;
        for surface in [Surface::Chat, Surface::Messages] {
            let body = with_word(&surface.stream("m"), "needle");
            gateway.post(surface.path(), &body).await.expect(200).await.bytes().await;
            count += 1;
        }
        let rows = gateway.rows("both", |rows| rows.len() == 2).await;
        assert!(!is_written(&gateway, "needle"), "nothing of a body is in the database while it is off");
        assert!(rows.iter().all(|row| row["texts"] == false), "{rows:?}");
        assert!(matches!(texts(&gateway, &rows[0]).await, Reply::Failed { .. }));

        assert!(
            matches!(gateway.tell(&Command::KeepBodies { minutes: 1441 }).await, Reply::Failed { .. }),
            "a day at most"
        );
        gateway.tell(&Command::KeepBodies { minutes: 15 }).await;
        gateway.until("it is on", |snapshot| snapshot.bodies_until_ms.is_some()).await;
        for surface in Surface::ALL {
            for body in [surface.body("m"), surface.stream("m")] {
                let word = format!("needle {client}");
                gateway.post(surface.path(), &with_word(&body, &word)).await.expect(200).await.bytes().await;
                count += 1;
                let row = newest(&gateway, count).await;
                assert_eq!(row["texts"], true, "{surface:?}: {row}");
                let Reply::Bodies(texts) = texts(&gateway, &row).await else { panic!("no bodies of {row}") };
                assert!(texts.asked.contains("needle [redacted]") && !texts.asked.contains(&client), "{texts:?}");
                let said = if row["stream"] == true { &SAID[..2] } else { SAID };
                assert!(texts.said.contains(said) && texts.said_bytes > 0, "{surface:?}: {texts:?}");
            }
        }
        assert!(is_written(&gateway, "needle"));

        gateway.tell(&Command::KeepBodies { minutes: 0 }).await;
        gateway.until("it is off", |snapshot| snapshot.bodies_until_ms.is_none()).await;
        assert!(matches!(gateway.tell(&Command::DeleteBodies).await, Reply::Done));
        let rows = gateway.rows("all", |rows| rows.len() == count).await;
        assert!(rows.iter().all(|row| row["texts"] == false), "the rows stay: {rows:?}");
        assert!(!is_written(&gateway, "needle"), "what is deleted is overwritten");
        assert!(!is_written(&gateway, &client));
    });
}

/// A body in which a word stands, where no surface minds.
fn with_word(body: &Value, word: &str) -> Value {
    let mut body = body.clone();
    body["user"] = json!(word);
    body
}
