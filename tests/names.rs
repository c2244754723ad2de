//! What a tool may call a model: every rule of the order, and what it is told when nothing matches.

use serde_json::json;

use crate::harness::{Ask, EVERY_PROTOCOL, Fake, Gateway, Options, Script, Surface, bounded, chat, elsewhere, fake};

const CHAT: &str = "/v1/chat/completions";

/// Asks for each name and compares who answered.
async fn check(gateway: &Gateway, rows: &[(&str, &str)]) {
    for (name, expected) in rows {
        let answer = gateway.post(CHAT, &chat(name)).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), *expected, "asked for `{name}`");
    }
}

/// A scripted endpoint of which only its models matter.
async fn has(gateway: Options, name: &str, fake: &Fake, models: &[&str]) -> Options {
    let rows: Vec<_> = models.iter().map(|id| json!({"id": id, "object": "model", "owned_by": "scripted"})).collect();
    fake.on("GET", "/v1/models", Script::json(&json!({"object": "list", "data": rows})));
    gateway.endpoint(name, &fake.url(), EVERY_PROTOCOL, models)
}

#[test]
fn a_routes_name_goes_before_everything() {
    bounded(async {
        let (one, two) = (fake::speaks().await, fake::speaks().await);
        let options = has(Options::new(), "one", &one, &["code", "big"]).await;
        let options =
            has(options, "two", &two, &["small"]).await.route("code", &["two:small"]).route("one", &["small"]);
        let gateway = Gateway::start(options).await;
        gateway.ready("small").await;
        gateway.ready("code").await;
        check(&gateway, &[("code", "two/small"), ("one:code", "one/code"), ("one", "two/small")]).await;
    });
}

#[test]
fn a_prefix_may_be_an_endpoints_or_a_runtimes_with_either_mark() {
    bounded(async {
        let llama = fake::llamacpp("tiny").await;
        let ollama = fake::ollama(&["qwen3:8b", "hub/user/deep:1b"]).await;
        let hand = fake::speaks().await;
        let options = has(Options::new(), "lab", &hand, &["Qwen/Qwen3-8B", "tiny"]).await;
        let gateway = Gateway::start(options.discovers(llama.port()).discovers(ollama.port())).await;
        for model in ["qwen3:8b", "Qwen/Qwen3-8B"] {
            gateway.ready(model).await;
        }
        // Two have one of this name.
        gateway.until("both", |now| now.models.iter().filter(|model| *model.id == *"tiny").count() == 2).await;
        let (at_llama, at_ollama) = (format!("llamacpp@{}", llama.port()), format!("ollama@{}", ollama.port()));
        let (tiny, qwen) = (format!("{at_llama}/tiny"), format!("{at_ollama}/qwen3:8b"));
        let deep = format!("{at_ollama}/hub/user/deep:1b");
        check(
            &gateway,
            &[
                ("llamacpp:tiny", &tiny),
                ("llamacpp/tiny", &tiny),
                (&format!("{at_llama}:tiny"), &tiny),
                (&format!("{at_llama}/tiny"), &tiny),
                ("ollama:qwen3:8b", &qwen),
                ("ollama/qwen3:8b", &qwen),
                (&format!("{at_ollama}:qwen3:8b"), &qwen),
                (&format!("{at_ollama}/qwen3:8b"), &qwen),
                ("ollama/hub/user/deep:1b", &deep),
                ("hub/user/deep:1b", &deep),
                ("lab:Qwen/Qwen3-8B", "lab/Qwen/Qwen3-8B"),
                ("lab/Qwen/Qwen3-8B", "lab/Qwen/Qwen3-8B"),
                ("lab/tiny", "lab/tiny"),
                ("Qwen/Qwen3-8B", "lab/Qwen/Qwen3-8B"),
            ],
        )
        .await;
    });
}

#[test]
fn a_models_own_name_is_found_exactly_first_then_up_to_case_and_latest() {
    bounded(async {
        let one = fake::speaks().await;
        let options = has(Options::new(), "one", &one, &["Qwen3", "qwen3", "Llama:latest", "plain"]).await;
        let gateway = Gateway::start(options).await;
        gateway.ready("plain").await;
        check(
            &gateway,
            &[
                ("Qwen3", "one/Qwen3"),
                ("qwen3", "one/qwen3"),
                ("llama", "one/Llama:latest"),
                ("LLAMA:LATEST", "one/Llama:latest"),
                ("Llama:latest", "one/Llama:latest"),
                ("PLAIN", "one/plain"),
                ("plain:latest", "one/plain"),
                ("one:PLAIN", "one/plain"),
                ("one/llama", "one/Llama:latest"),
            ],
        )
        .await;
        // The endpoint hears the name that it knows, not the one that was asked for.
        let last = one.requests_for(CHAT).pop().expect("a request");
        assert_eq!(last.json()["model"], "Llama:latest");
    });
}

#[test]
fn an_alias_is_used_only_when_nothing_else_has_the_name() {
    bounded(async {
        let one = fake::speaks().await;
        let options = has(Options::new(), "one", &one, &["m", "gpt-oss"]).await;
        let options = options
            .route("default", &["one:m"])
            .route("work", &["one:gpt-oss"])
            .table("[aliases]\n\"gpt-*\" = \"default\"\n\"claude-*\" = \"default\"\n\"big-*\" = \"work\"");
        let gateway = Gateway::start(options).await;
        gateway.ready("gpt-oss").await;
        check(
            &gateway,
            &[
                ("gpt-4o", "one/m"),
                ("gpt-oss", "one/gpt-oss"),
                ("GPT-OSS", "one/gpt-oss"),
                ("claude-opus-4-1", "one/m"),
                ("big-x", "one/gpt-oss"),
            ],
        )
        .await;
    });
}

#[test]
fn the_usual_names_mean_the_default_route_without_any_setting() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        check(
            &gateway,
            &[("default", "up/m"), ("gpt-4o", "up/m"), ("claude-sonnet-4-5", "up/m"), ("gemini-2.5-pro", "up/m")],
        )
        .await;
    });
}

#[test]
fn a_loaded_model_goes_before_a_cold_one() {
    bounded(async {
        let (cold, loaded) = (fake::ollama(&["same:1b"]).await, fake::ollama(&["same:1b"]).await);
        let row = json!({"name": "same:1b", "model": "same:1b", "size": 5_137_025_024_u64, "digest": "0a8c26691023",
            "details": {"format": "gguf", "family": "qwen3", "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
            "expires_at": "2036-06-04T14:38:31.83753-07:00", "size_vram": 0, "context_length": 4096});
        loaded.on("GET", "/api/ps", Script::json(&json!({"models": [row]})));
        let gateway = Gateway::start(Options::new().discovers(cold.port()).discovers(loaded.port())).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let target = format!("ollama@{}/same:1b", loaded.port());
        check(&gateway, &[("same:1b", &target), ("ollama:same:1b", &target), ("default", &target)]).await;
    });
}

#[test]
fn a_local_model_goes_before_one_elsewhere() {
    bounded(async {
        let Some(address) = elsewhere() else { return };
        let (there, here) = (fake::speaks_at(address), fake::speaks().await);
        // The name that sorts first is the one elsewhere.
        let options = Options::new().endpoint_with("a", &there.url(), &["m"], "allow_private = true").endpoint(
            "z",
            &here.url(),
            "openai",
            &["m"],
        );
        let gateway = Gateway::start(options).await;
        gateway.until("both", |snapshot| snapshot.models.len() == 2).await;
        let key = gateway.client_key("editor").await;
        for name in ["m", "default", "M"] {
            let answer = Ask::post(CHAT, &chat(name)).bearer(&key).send(gateway.port()).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "z/m", "{name}");
        }
        let answer = Ask::post(CHAT, &chat("a:m")).bearer(&key).send(gateway.port()).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "a/m", "asked for by its prefix it answers");
    });
}

#[test]
fn a_name_that_matches_nothing_is_told_with_the_nearest_in_the_surfaces_own_shape() {
    bounded(async {
        let one = fake::speaks().await;
        let models = ["qwen3:8b", "qwen3:14b", "qwen2.5-coder", "smollm2"];
        let gateway = Gateway::start(has(Options::new(), "one", &one, &models).await).await;
        gateway.ready("smollm2").await;
        for surface in Surface::ALL {
            let body = gateway.post(surface.path(), &surface.body("qwen3")).await.expect(404).await.json().await;
            let message = surface.error(&body);
            assert!(message.contains("qwen3:8b") && message.contains("qwen3:14b"), "{surface:?}: {message}");
            assert!(!message.contains("smollm2"), "{surface:?}: what is not near is not named: {message}");
        }
        let body = gateway.post(CHAT, &chat("zzzzzzzz")).await.expect(404).await.json().await;
        assert_eq!(body["error"]["code"], "model_not_found");
        let body = gateway.post("/v1/messages", &Surface::Messages.body("zzz")).await.expect(404).await.json().await;
        assert_eq!(body["error"]["type"], "not_found_error", "as Anthropic calls it");
        assert!(one.requests_for(CHAT).is_empty(), "nobody was asked");
    });
}

#[test]
fn the_default_route_without_any_model_says_what_to_do() {
    bounded(async {
        let gateway = Gateway::start(Options::new()).await;
        for surface in Surface::ALL {
            let answer = gateway.post(surface.path(), &surface.body("default")).await;
            assert!([404, 503].contains(&answer.status()), "{surface:?}: {}", answer.status());
            assert!(!surface.error(&answer.json().await).is_empty());
        }
    });
}

#[test]
fn no_name_at_all_is_the_default_route_and_the_endpoint_hears_its_own() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for (nth, (body, sent)) in
            [(r#"{"messages":[]}"#, r#"{"model":"m","messages":[]}"#), ("{}", r#"{"model":"m"}"#)]
                .into_iter()
                .enumerate()
        {
            Ask::post_bytes(CHAT, body).send(gateway.port()).await.expect(200).await;
            assert_eq!(up.nth_request(CHAT, nth).await.body, sent);
        }
    });
}

#[test]
fn what_is_no_name_is_refused() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        for model in ["1", r#"["m"]"#, r#"{"m":1}"#, "true", r#"" ""#, r#""\n""#] {
            let answer = Ask::post_bytes(CHAT, format!(r#"{{"model":{model}}}"#)).send(gateway.port()).await;
            assert!([400, 404].contains(&answer.status()), "{model}: {}", answer.status());
        }
        assert!(up.requests_for(CHAT).is_empty());
    });
}

#[test]
fn otaris_names_and_key_are_understood() {
    bounded(async {
        let (llama, llamafile) = (fake::llamacpp("tiny").await, fake::llamafile("small").await);
        let (ollama, studio) = (fake::ollama(&["qwen3:8b"]).await, fake::lmstudio("gemma").await);
        let (vllm, hosted) = (fake::vllm("Qwen/Qwen3-8B").await, fake::speaks().await);
        let ports = [llama.port(), llamafile.port(), ollama.port(), studio.port(), vllm.port()];
        let options = ports.into_iter().fold(Options::new(), Options::discovers);
        let entry = format!(
            "[[endpoints]]\nprovider = \"openai\"\nbase_url = \"{}\"\nkey = \"env:OPENAI_API_KEY\"\nmodels = [\"gpt-4o\"]",
            hosted.url()
        );
        let options = options.table(&entry).variable("OPENAI_API_KEY", "sk-openai").top("require_key = \"always\"");
        let gateway = Gateway::start(options).await;
        for model in ["tiny", "small", "qwen3:8b", "gemma", "Qwen/Qwen3-8B", "gpt-4o"] {
            gateway.ready(model).await;
        }
        let key = gateway.client_key("agent").await;
        for (name, runtime) in [
            ("llamacpp:tiny", "llamacpp@"),
            ("llamafile:small", "llamafile@"),
            ("ollama:qwen3:8b", "ollama@"),
            ("lmstudio:gemma", "lmstudio@"),
            ("vllm:Qwen/Qwen3-8B", "vllm@"),
            ("openai:gpt-4o", "openai/"),
        ] {
            let ask = Ask::post(CHAT, &chat(name)).header("Otari-Key", &format!("Bearer {key}"));
            let answer = ask.send(gateway.port()).await.expect(200).await;
            let target = answer.header("x-pointsman-target");
            assert!(target.starts_with(runtime), "{name}: {target}");
        }
        let heard = hosted.request(CHAT).await;
        assert!(!heard.has("otari-key"), "a client's key stays here: {:?}", heard.headers);
    });
}

#[test]
fn the_tag_that_ollamas_clients_add_is_no_part_of_a_routes_name() {
    bounded(async {
        let one = fake::speaks().await;
        let options = has(Options::new(), "one", &one, &["m", "code:latest"]).await;
        let gateway = Gateway::start(options.route("work", &["one:m"]).route("code", &["one:m"])).await;
        gateway.ready("m").await;
        check(
            &gateway,
            &[
                ("work:latest", "one/m"),
                ("default:latest", "one/m"),
                ("code", "one/m"),
                // What a model is called goes before what only looks like a route.
                ("code:latest", "one/code:latest"),
            ],
        )
        .await;
        gateway.post(CHAT, &chat("work:8b")).await.expect(404).await;
    });
}
