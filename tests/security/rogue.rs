//! Attacks 17 and 18: names that want to lead elsewhere, and runtimes that are hostile.

use bytes::Bytes;
use pointsman_gateway::control::{Command, Snapshot};
use serde_json::json;

use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded, chat, chat_stream, elsewhere_by_name, fake};

const CHAT: &str = "/v1/chat/completions";

/// As much memory as a gateway may ever hold here.
const MOST: u64 = 250 << 20;

#[test]
fn attack_17_no_name_and_no_header_changes_where_a_request_goes() {
    bounded(async {
        let up = fake::speaks().await;
        let other = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let names = [
            format!("{}/m", other.url()),
            format!("{}#m", other.url()),
            "up:../../admin".to_owned(),
            "up:m?x=1".to_owned(),
            "../m".to_owned(),
            "up/../m".to_owned(),
            "m\r\nhost: evil".to_owned(),
            "@evil.example/m".to_owned(),
            "\\\\evil.example\\m".to_owned(),
            "file:///etc/passwd".to_owned(),
        ];
        for name in &names {
            let answer = gateway.post(CHAT, &chat(name)).await;
            assert!([400, 404].contains(&answer.status()), "{name:?}: {}", answer.status());
        }
        assert!(up.requests_for(CHAT).is_empty());
        for (name, value) in [
            ("x-forwarded-host", "evil.example".to_owned()),
            ("x-pointsman-target", format!("{}/m", other.url())),
            ("x-target-url", other.url()),
            ("x-upstream", other.url()),
            ("x-original-url", "/admin".to_owned()),
            ("x-rewrite-url", "/admin".to_owned()),
            ("x-http-method-override", "DELETE".to_owned()),
        ] {
            Ask::post(CHAT, &chat("m")).header(name, &value).send(gateway.port()).await.expect(200).await;
        }
        assert!(
            up.requests()
                .iter()
                .all(|request| ["/v1/models", CHAT].contains(&request.path()) || request.method == "GET")
        );
        assert_eq!(other.connections(), 0);
    });
}

#[test]
fn attack_17_no_path_leads_out_of_the_ones_that_are_served() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        let seen = up.requests().len();
        for path in [
            "/v1/../admin",
            "/v1/%2e%2e/admin",
            "/v1/chat/completions/../../admin",
            "//evil.example/v1/chat/completions",
            "/v1//chat/completions",
            "/v1/chat%2fcompletions",
            "/v1/chat/completions%00",
            "/V1/chat/completions",
            "/v1/chat/completions;x",
        ] {
            let answer = gateway.post(path, &chat("m")).await;
            assert_eq!(answer.status(), 404, "{path}");
        }
        let asked: Vec<_> = up.requests().into_iter().skip(seen).filter(|request| request.method == "POST").collect();
        assert!(asked.is_empty(), "{asked:?}");
    });
}

#[test]
fn attack_17_addresses_in_a_body_are_not_fetched() {
    bounded(async {
        let (up, bait) = (fake::speaks().await, Fake::new().await);
        let gateway = Gateway::over(&up).await;
        let url = format!("{}/image.png", bait.url());
        let body = json!({"model": "m", "base_url": bait.url(), "api_base": bait.url(), "messages": [{"role": "user",
            "content": [{"type": "text", "text": url}, {"type": "image_url", "image_url": {"url": url}}]}]});
        gateway.post(CHAT, &body).await.expect(200).await.bytes().await;
        assert_eq!(up.request(CHAT).await.body, body.to_string(), "the endpoint may fetch it; that is its business");
        assert_eq!(bait.connections(), 0);
    });
}

#[test]
fn attack_17_a_name_that_leads_into_a_private_network_gets_no_credential() {
    bounded(async {
        let Some((name, address)) = elsewhere_by_name() else { return };
        let up = fake::speaks_at(address);
        let url = format!("http://{name}:{}", up.port());
        let (no, yes) = ("allow_private = false", "allow_private = true");
        let more = format!("key = \"env:UP_KEY\"\n{no}");
        let options = Options::new().variable("UP_KEY", "sk-canary").endpoint_with("up", &url, &["m"], &more);
        let gateway = Gateway::start(options).await;
        let noted = async |private: bool| {
            let forbidden = |note: &String| note.contains("`allow_private = true`");
            let fits = |snapshot: &Snapshot| {
                let told = snapshot.endpoints.iter().find(|it| &*it.id == "up");
                !snapshot.models.is_empty() && told.is_some_and(|it| it.notes.iter().any(forbidden) != private)
            };
            gateway.until("the endpoint", fits).await;
        };
        noted(false).await;
        let key = gateway.client_key("editor").await;
        let ask = |path: &str, body: &serde_json::Value| Ask::post(path, body).bearer(&key).send(gateway.port());
        let refused = async || {
            let error = ask(CHAT, &chat("m")).await.expect(403).await.json().await;
            let said = error["error"]["message"].as_str().unwrap_or_default().to_owned();
            assert!(said.starts_with("up is not asked: the address is "), "{said}");
            assert!(said.contains("`allow_private = true`"), "the way out: {said}");
            assert_eq!(error["error"]["code"], "address_forbidden");
        };
        refused().await;
        let message = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        let error = ask("/v1/messages", &message).await.expect(403).await.json().await;
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!("permission_error")), "{error}");
        assert_eq!(up.connections(), 0, "it was not even connected to");

        // The settings hold from the next request on, and a connection that was kept is no way around them.
        let text = std::fs::read_to_string(gateway.settings_file()).expect("the settings");
        gateway.rewrite(&text.replace(no, yes));
        noted(true).await;
        ask(CHAT, &chat("m")).await.expect(200).await.bytes().await;
        let asked = up.requests_for(CHAT);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].header("authorization"), "Bearer sk-canary");
        gateway.rewrite(&text);
        noted(false).await;
        refused().await;
        assert_eq!(up.requests_for(CHAT).len(), 1, "nothing more reached it");
    });
}

#[test]
fn attack_17_a_proxy_of_the_system_may_stand_in_a_private_network() {
    bounded(async {
        let Some((name, address)) = elsewhere_by_name() else { return };
        let proxy = fake::speaks_at(address);
        proxy.on("*", "*", Script::json(&json!({"choices": []})));
        let options = Options::new().variable("http_proxy", &format!("http://{name}:{}", proxy.port())).endpoint_with(
            "far",
            "http://far.invalid",
            &["m"],
            "",
        );
        let gateway = Gateway::start(options).await;
        gateway.ready("m").await;
        let key = gateway.client_key("editor").await;
        Ask::post(CHAT, &chat("m")).bearer(&key).send(gateway.port()).await.expect(200).await.bytes().await;
        let asked =
            proxy.requests().into_iter().find(|request| request.method == "POST").expect("it went by the proxy");
        assert_eq!(asked.header("host"), "far.invalid", "whose name is the proxy's business");
    });
}

/// A gateway that looks at a hostile runtime and at a good one, once it has seen the good one twice.
async fn beside(rogue: &Fake) -> Gateway {
    let good = fake::llamacpp("good").await;
    let gateway = Gateway::start(Options::new().discovers(rogue.port()).discovers(good.port())).await;
    gateway.ready("good").await;
    rogue.request("/v1/models").await;
    let looks = good.requests_for("/v1/models").len();
    gateway.tell(&Command::Rescan).await;
    good.nth_request("/v1/models", looks).await;
    gateway.post(CHAT, &chat("good")).await.expect(200).await;
    #[cfg(target_os = "linux")]
    assert!(gateway.peak_memory() < MOST, "{} MiB", gateway.peak_memory() >> 20);
    gateway
}

#[test]
fn attack_18_a_runtime_with_a_million_models_is_bounded() {
    bounded(async {
        let rogue = fake::ollama(&["a:1b"]).await;
        let rows = (0..1_000_000).map(|nth| format!(r#"{{"name":"m{nth}","model":"m{nth}"}}"#));
        let list = format!(r#"{{"models":[{}]}}"#, rows.collect::<Vec<_>>().join(","));
        rogue.on("GET", "/api/tags", Script::whole(200, "application/json", list));
        let rows = (0..1_000_000).map(|nth| format!(r#"{{"id":"m{nth}","owned_by":"library"}}"#));
        let list = format!(r#"{{"object":"list","data":[{}]}}"#, rows.collect::<Vec<_>>().join(","));
        rogue.on("GET", "/v1/models", Script::whole(200, "application/json", list));
        let gateway = beside(&rogue).await;
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert!(snapshot.models.len() <= 5001, "{} models", snapshot.models.len());
        let list = gateway.get("/v1/models").await.expect(200).await.bytes().await;
        assert!(list.len() < 4 << 20, "{} bytes", list.len());
    });
}

#[test]
fn attack_18_a_line_of_a_gigabyte_is_bounded_in_a_listing() {
    bounded(async {
        let rogue = Fake::new().await;
        let endless =
            Script::chunked(200, "application/json").send("{\"data\":[\"").forever(vec![b'x'; 1 << 20], 1 << 30);
        rogue.on("GET", "/v1/models", endless.clone());
        rogue.on("GET", "/api/tags", endless);
        let _gateway = beside(&rogue).await;
        rogue.left().await;
        assert!(rogue.sent() < 64 << 20, "{} bytes of a listing were read", rogue.sent());
    });
}

#[test]
fn attack_18_a_gzip_bomb_is_bounded_in_a_listing() {
    bounded(async {
        let rogue = Fake::new().await;
        rogue.on("GET", "/v1/models", Script::gzip_bomb(600));
        rogue.on("GET", "/api/tags", Script::gzip_bomb(600));
        let gateway = beside(&rogue).await;
        let snapshot = gateway.until("a snapshot", |_| true).await;
        assert_eq!(snapshot.endpoints.len(), 1, "{:#?}", snapshot.endpoints);
    });
}

#[test]
fn attack_18_a_runtime_that_never_answers_holds_nobody_up() {
    bounded(async {
        for script in
            [Script::hangs(), Script::events().hang(), Script::claiming(1000, "application/json").send("{").hang()]
        {
            let rogue = Fake::new().await;
            rogue.on("*", "*", script);
            beside(&rogue).await;
        }
    });
}

#[test]
fn attack_18_names_for_terminals_and_pages_are_shown_as_text() {
    bounded(async {
        let names = [
            "\u{1b}[2J\u{1b}[31mred",
            "<script>alert(1)</script>",
            "\u{202e}gpj.elif",
            "a\r\nb",
            "x\u{0}y",
            "\u{7}bell",
        ];
        let rogue = fake::ollama(&names).await;
        let gateway = beside(&rogue).await;
        let output = gateway.command(&["models"]).output().await.expect("a command");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        for evil in ['\u{1b}', '\u{202e}', '\u{0}', '\u{7}', '\r'] {
            assert!(!shown.contains(evil), "{evil:?} reaches the terminal: {shown:?}");
        }
        for line in gateway.log().lines() {
            assert!(!line.contains('\u{1b}') && !line.contains('\u{202e}'), "{line:?}");
        }
        let list = gateway.get("/v1/models").await.expect(200).await;
        assert_eq!(list.header("content-type"), "application/json");
        assert!(!list.text().await.contains('\u{1b}'));
        // Asked for by such a name, the header that names the target is still one header.
        for name in names {
            let answer = gateway.post(CHAT, &chat(name)).await;
            assert!(!answer.header("x-pointsman-target").contains(['\r', '\n', '\u{1b}']));
        }
    });
}

#[test]
fn attack_18_an_answer_of_one_endless_line_is_bounded() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for (body, script) in [
            (chat_stream("m"), Script::events().send("data: ")),
            (chat("m"), Script::chunked(200, "application/json").send("{\"x\":\"")),
        ] {
            up.on("POST", CHAT, script.forever(Bytes::from(vec![b'x'; 1 << 20]), 200 << 20));
            let mut answer = gateway.post(CHAT, &body).await.expect(200).await;
            let mut read = 0;
            // The reader reads all; the gateway must not keep it.
            while let Ok(Some(piece)) = answer.try_chunk().await {
                read += piece.len();
            }
            assert!(read > 0);
            #[cfg(target_os = "linux")]
            assert!(gateway.peak_memory() < MOST, "{} MiB", gateway.peak_memory() >> 20);
        }
    });
}

#[test]
fn attack_18_a_gzip_bomb_as_an_answer_is_bounded() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for (status, body) in [(200, chat("m")), (500, chat("m")), (200, chat_stream("m"))] {
            let bomb = Script::gzip_bomb(600).status(status);
            up.on("POST", CHAT, bomb);
            let answer = gateway.post(CHAT, &body).await;
            let read = answer.whole().await.map_or(0, |body| body.len());
            assert!(read < 64 << 20, "{read} bytes came out of it");
        }
        #[cfg(target_os = "linux")]
        assert!(gateway.peak_memory() < MOST, "{} MiB", gateway.peak_memory() >> 20);
    });
}

#[test]
fn attack_18_a_head_without_end_is_bounded() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::json(&json!({})).header("X-Long", &"x".repeat(8 << 20)));
        gateway.post(CHAT, &chat("m")).await.expect(502).await;
        let many = (0..5000).fold(Script::json(&json!({})), |script, nth| script.header(&format!("X-{nth}"), "1"));
        up.on("POST", CHAT, many);
        gateway.post(CHAT, &chat("m")).await.expect(502).await;
    });
}

#[test]
fn attack_18_a_switch_of_protocols_is_no_answer() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, Script::text(101, "").header("Upgrade", "websocket").header("Connection", "upgrade"));
        gateway.post(CHAT, &chat("m")).await.expect(502).await;
        up.on("POST", CHAT, Script::text(304, ""));
        let answer = gateway.post(CHAT, &chat("m")).await;
        assert!(answer.status() >= 400, "{}", answer.status());
    });
}
