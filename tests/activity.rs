//! What is being answered, watched and given up; a pause; the shells' own key; a route tried.

use std::time::Duration;

use pointsman_gateway::control::{Command, LiveRequest, Reply, Tested};
use serde_json::{Value, json};

use crate::harness::runtime::{LlamaOptions, LlamaServer, SMOL, parts};
use crate::harness::{
    Ask, Control, EVERY_PROTOCOL, Gateway, Options, SAID, Script, Surface, bounded, chat, chat_stream, elsewhere, fake,
    within,
};

const CHAT: &str = "/v1/chat/completions";

/// How soon an endpoint must notice that its request was given up.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What is being answered, once it is as wanted.
async fn live(control: &mut Control, what: &str, wanted: impl Fn(&[LiveRequest]) -> bool) -> Vec<LiveRequest> {
    within(what, async {
        loop {
            let Reply::Live { requests } = control.reply().await else { panic!("no live requests") };
            if wanted(&requests) {
                return requests;
            }
        }
    })
    .await
}

async fn watching(gateway: &Gateway) -> Control {
    let mut control = gateway.control().await;
    control.send(&Command::WatchLive).await;
    control
}

async fn cancel(gateway: &Gateway, id: u64) {
    assert!(matches!(gateway.tell(&Command::CancelRequest { id }).await, Reply::Done), "it is being answered");
}

async fn tried(gateway: &Gateway, name: &str) -> Tested {
    match gateway.tell(&Command::TestRoute { name: name.to_owned() }).await {
        Reply::Tested(tested) => tested,
        other => panic!("not tried: {other:?}"),
    }
}

#[test]
fn a_request_is_seen_while_it_is_answered_and_can_be_given_up() {
    bounded(async {
        for surface in Surface::ALL {
            let up = fake::speaks().await;
            let gateway = Gateway::over_with(&up, Options::new().route("work", &["up:m"])).await;
            let mut control = watching(&gateway).await;
            live(&mut control, "nothing at first", <[_]>::is_empty).await;
            let begun = match surface {
                Surface::Native => Script::lines().line(&json!({"message": {"content": "begun"}, "done": false})),
                Surface::Chat | Surface::Responses | Surface::Messages => Script::events().event(&json!({"begun": 1})),
            };
            up.on("POST", surface.path(), begun.hang());
            let ask = Ask::post(surface.path(), &surface.stream("work")).header("user-agent", "editor/1.2 (x)");
            let answer = ask.send(gateway.port()).await.expect(200).await;
            let seen = live(&mut control, "the request", |all| all.iter().any(|one| one.chunks > 0)).await;
            let one = &seen[0];
            assert_eq!(
                (one.asked.as_str(), one.endpoint.as_deref(), one.model.as_deref(), one.tool.as_deref()),
                ("work", Some("up"), Some("m"), Some("editor/1.2")),
                "{one:?}"
            );
            assert!(one.stream && one.local && one.attempts == 1 && one.first_byte_ms.is_some(), "{one:?}");
            let given_up = std::time::Instant::now();
            cancel(&gateway, one.id).await;
            let noticed = up.left().await.saturating_duration_since(given_up);
            assert!(noticed < AT_ONCE, "{surface:?}: the endpoint worked on for {noticed:?}");
            let text = answer.text().await;
            let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
            assert!(last.contains("error") && last.contains("cancelled"), "{surface:?}: the client is told: {text}");
            live(&mut control, "nothing again", <[_]>::is_empty).await;
            let rows = gateway.rows("a row", |rows| rows.len() == 1).await;
            assert_eq!((&rows[0]["outcome"], &rows[0]["error"]), (&json!("cancelled"), &Value::Null), "{rows:?}");
            let again = gateway.tell(&Command::CancelRequest { id: one.id }).await;
            assert!(matches!(again, Reply::Failed { .. }), "it has ended: {again:?}");
        }
    });
}

#[test]
fn a_translated_stream_can_be_given_up() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::start(Options::new().endpoint("up", &up.url(), "openai", &["m"])).await;
        gateway.ready("m").await;
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "begun"}, "finish_reason": null}]});
        up.on("POST", CHAT, Script::events().event(&delta).hang());
        let answer = gateway.post("/v1/messages", &Surface::Messages.stream("m")).await.expect(200).await;
        let mut control = watching(&gateway).await;
        let seen = live(&mut control, "the request", |all| !all.is_empty()).await;
        cancel(&gateway, seen[0].id).await;
        up.left().await;
        let text = answer.text().await;
        assert!(text.contains("event: error") && text.contains("cancelled"), "{text}");
        gateway.rows("a row", |rows| rows.len() == 1 && rows[0]["outcome"] == "cancelled").await;
    });
}

#[test]
fn a_request_without_an_answer_yet_can_be_given_up() {
    bounded(async {
        for body in [chat("m"), chat_stream("m")] {
            let up = fake::speaks().await;
            let gateway = Gateway::over(&up).await;
            up.on("POST", CHAT, Script::hangs());
            let port = gateway.port();
            let asking = tokio::spawn(async move { Ask::post(CHAT, &body).send(port).await });
            let mut control = watching(&gateway).await;
            let seen = live(&mut control, "the request", |all| all.iter().any(|one| one.attempts == 1)).await;
            up.request(CHAT).await;
            cancel(&gateway, seen[0].id).await;
            up.left().await;
            let answer = asking.await.expect("an answer");
            assert_eq!(answer.status(), 499, "no SDK asks again after it");
            assert_eq!(answer.json().await["error"]["code"], "cancelled");
            gateway.rows("a row", |rows| rows.len() == 1 && rows[0]["outcome"] == "cancelled").await;
        }
    });
}

#[test]
fn a_pause_refuses_what_is_asked_of_models_and_nothing_else() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        assert!(matches!(gateway.tell(&Command::SetPaused { on: true }).await, Reply::Done));
        gateway.until("the pause", |snapshot| snapshot.paused).await;
        for surface in Surface::ALL {
            let answer = gateway.post(surface.path(), &surface.body("m")).await.expect(503).await;
            let message = surface.error(&answer.json().await);
            assert!(message.contains("paused"), "{surface:?}: {message}");
            assert!(up.requests_for(surface.path()).is_empty());
        }
        gateway.get("/v1/models").await.expect(200).await;
        assert!(tried(&gateway, "m").await.problem.is_some_and(|problem| problem.contains("paused")));
        gateway.tell(&Command::SetPaused { on: false }).await;
        gateway.until("the end of the pause", |snapshot| !snapshot.paused).await;
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
    });
}

#[test]
fn the_shells_own_key_opens_what_leaves_the_machine_and_is_kept_nowhere() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let there = fake::speaks_at(address);
        let options = Options::new().top("require_key = \"always\"").endpoint_with(
            "there",
            &there.url(),
            &["far"],
            "allow_private = true",
        );
        let gateway = Gateway::start(options.clone()).await;
        gateway.ready("far").await;
        let Reply::ClientKey { key } = gateway.tell(&Command::OwnKey).await else { panic!("no key") };
        let ask = || Ask::post(CHAT, &chat("there:far")).bearer(&key.0).send(gateway.port());
        ask().await.expect(200).await;
        // A changed file makes the keys anew.
        gateway.rewrite(&options.route("work", &["there:far"]).settings());
        gateway.until("the route", |snapshot| snapshot.routes.iter().any(|route| route.name == "work")).await;
        ask().await.expect(200).await;
        let rows = gateway.rows("two rows", |rows| rows.len() == 2).await;
        assert_eq!(rows[0]["client"], "Pointsman", "{rows:?}");
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert!(snapshot.client_keys.is_empty(), "it is none of the user's");
        assert!(crate::harness::files_with(gateway.root(), &key.0).is_empty(), "nor written anywhere");

        let mut command = gateway.command(&["chat", "--model", "there:far", "hello"]);
        let output = within("`pointsman chat`", command.stdin(std::process::Stdio::null()).output()).await.expect("it");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(SAID), "the terminal needs no key of the user's: {output:?}");
    });
}

#[test]
fn who_asked_when_is_told_of_each_key() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let key = gateway.client_key("editor").await;
        gateway.client_key("other").await;
        Ask::post(CHAT, &chat("m")).bearer(&key).send(gateway.port()).await.expect(200).await.bytes().await;
        let used = |snapshot: &pointsman_gateway::control::Snapshot| {
            snapshot.client_keys.iter().map(|key| key.last_used_ms.is_some()).collect::<Vec<_>>() == [true, false]
        };
        gateway.until("the use", used).await;
        gateway.rows("the row", |rows| rows.len() == 1).await;
        // The next run reads it from the rows.
        let mut gateway = gateway;
        gateway.signal("TERM").await;
        gateway.ended().await;
        let settings = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        let root = gateway.into_root();
        let keys = settings.split_once("[[client_keys]]").map(|(_, keys)| format!("[[client_keys]]{keys}"));
        let options = Options::new().table(&keys.expect("the keys"));
        let gateway = Gateway::start_in(root, &options).await;
        let mut control = gateway.control().await;
        within("the use in an earlier run", async {
            loop {
                let Reply::Snapshot(snapshot) = control.ask(&Command::Snapshot).await else { panic!("no snapshot") };
                if used(&snapshot) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    });
}

#[test]
fn days_are_summed() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for _ in 0..3 {
            gateway.post(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        }
        gateway.rows("three rows", |rows| rows.len() == 3).await;
        let Reply::Usage { rows } = gateway.tell(&Command::Usage { days: 7 }).await else { panic!("no days") };
        let [day] = &rows[..] else { panic!("one day of one model: {rows:?}") };
        assert_eq!((day.requests, day.errors, day.model.as_deref(), day.local), (3, 0, Some("m"), true), "{day:?}");
        assert!(day.input_tokens > 0 && day.total_ms > 0.0 && day.first_byte_ms.is_some(), "{day:?}");
        assert_eq!(day.cost_usd, None, "what stays here has no price");
    });
}

#[test]
fn a_route_is_tried() {
    bounded(async {
        let (up, broken) = (fake::speaks().await, fake::speaks().await);
        broken.on("POST", CHAT, Script::json(&json!({})).status(500));
        let options = Options::new()
            .endpoint("broken", &broken.url(), EVERY_PROTOCOL, &["b"])
            .route("work", &["broken:b", "up:m"])
            .route("empty", &["nobody:has-it"]);
        let gateway = Gateway::over_with(&up, options).await;
        gateway.ready("b").await;
        let tested = tried(&gateway, "work").await;
        assert_eq!((tested.target.as_deref(), tested.attempts, tested.local), (Some("up/m"), 2, true), "{tested:?}");
        assert!(tested.problem.is_none() && tested.first_token_ms.is_some(), "{tested:?}");
        assert!(SAID.starts_with(&tested.text) && !tested.text.is_empty(), "{tested:?}");
        let rows = gateway.rows("a row", |rows| rows.len() == 1).await;
        assert_eq!((&rows[0]["client"], &rows[0]["asked"]), (&json!("Pointsman"), &json!("work")), "it is counted");
        for name in ["empty", "no-such-name"] {
            let tested = tried(&gateway, name).await;
            assert!(tested.problem.is_some() && tested.target.is_none(), "{name}: {tested:?}");
        }
        let refusal = json!({"error": {"message": "no such thing", "type": "invalid_request_error"}});
        up.on("POST", CHAT, Script::json(&refusal).status(400));
        let tested = tried(&gateway, "up:m").await;
        assert!(tested.problem.as_deref().is_some_and(|problem| problem.contains("no such thing")), "{tested:?}");
        assert_eq!(tested.target.as_deref(), Some("up/m"), "{tested:?}");
    });
}

#[test]
fn a_real_stream_is_watched_given_up_and_its_route_tried() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let options = LlamaOptions { alias: Some(SMOL.to_owned()), ..LlamaOptions::default() };
        let llama = LlamaServer::start(&parts, &parts.smol(), options).await;
        let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
        gateway.ready(SMOL).await;
        let body = json!({
            "model": "default", "stream": true, "max_tokens": 3000, "ignore_eos": true,
            "messages": [{"role": "user", "content": "Count to ten thousand."}],
        });
        let mut control = watching(&gateway).await;
        let answer = gateway.post(CHAT, &body).await.expect(200).await;
        let first = live(&mut control, "its first tokens", |all| all.iter().any(|one| one.chunks > 0)).await;
        let chunks = first[0].chunks;
        let more = live(&mut control, "more of them", |all| all.iter().any(|one| one.chunks > chunks)).await;
        assert_eq!(more[0].id, first[0].id);
        cancel(&gateway, more[0].id).await;
        let text = answer.text().await;
        assert!(text.contains("\"code\":\"cancelled\"") && !text.contains("[DONE]"), "{text}");
        gateway.rows("its row", |rows| rows.len() == 1 && rows[0]["outcome"] == "cancelled").await;
        // Its one slot is free again: had the server gone on, this would wait for three thousand tokens.
        let tested = tried(&gateway, "default").await;
        assert!(tested.problem.is_none() && tested.tokens_per_second > Some(1.0), "{tested:?}");
        assert_eq!(tested.target, Some(format!("llamacpp@{}/{SMOL}", llama.port())));
    });
}
