use serde_json::{Value, json};

use super::*;

/// A snapshot out of what differs from an empty one.
fn snapshot(change: Value) -> Snapshot {
    let mut whole = serde_json::to_value(Snapshot {
        addresses: vec!["127.0.0.1:4747".to_owned(), "[::1]:4747".to_owned()],
        settled: true,
        ..Snapshot::default()
    })
    .unwrap();
    let Value::Object(change) = change else { panic!("an object") };
    for (key, value) in change {
        whole[key] = value;
    }
    serde_json::from_value(whole).unwrap()
}

fn endpoint(id: &str, name: &str, local: bool) -> Value {
    json!({
        "id": id, "name": name, "runtime": local.then(|| id.split('@').next()), "origin": "discovered",
        "base_url": "http://127.0.0.1:1", "speaks": [], "local": local, "state": "ready", "cooling_seconds": null,
        "version": null, "process": null, "credential": null, "models": 1, "notes": [],
        "actions": { "load": local, "unload": local, "pull": local },
    })
}

fn model(endpoint: &str, id: &str, state: &str, size: Option<u64>) -> Value {
    json!({ "id": id, "endpoint": endpoint, "state": state, "size": size, "local": state != "hosted" })
}

fn route(name: &str, answers: &[&str]) -> Value {
    json!({ "name": name, "targets": [], "context": null, "answers": answers, "problem": null })
}

/// The entries as a person would draw them: one a line, further ones below, marked with a tick.
fn drawn(items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Item::Note(text) => lines.push(format!("({text})")),
            Item::Click { text, .. } => lines.push(text.clone()),
            Item::Check { text, on, .. } => lines.push(format!("{} {text}", if *on { "✓" } else { "☐" })),
            Item::Line => lines.push("--".to_owned()),
            Item::Menu { text, items, .. } => {
                lines.push(format!("{text} >"));
                lines.extend(drawn(items).into_iter().map(|line| format!("    {line}")));
            }
        }
    }
    lines
}

/// The whole menu.
fn check(change: Value, expected: &[&str]) {
    assert_eq!(drawn(&menu(&snapshot(change), &Recent::default(), false)), expected);
}

/// The entries of the first route.
fn check_route(change: Value, recent: &[&str], expected: &[&str]) {
    let mut chosen = Recent::default();
    for target in recent {
        chosen.chose("default", target);
    }
    let snapshot = snapshot(change);
    let items = picker::models(&snapshot, &snapshot.routes[0], &chosen);
    assert_eq!(drawn(&items), expected);
}

/// The line of the first route, and the first two of all.
fn check_lines(change: Value, expected: [&str; 3]) {
    let drawn = drawn(&menu(&snapshot(change), &Recent::default(), false));
    let route = drawn.iter().find(|line| line.contains('→')).map_or("", String::as_str);
    assert_eq!([drawn[0].as_str(), drawn[1].as_str(), route], expected);
}

fn laptop() -> Value {
    json!({
        "endpoints": [
            endpoint("anthropic", "Anthropic", false),
            endpoint("ollama@11434", "Ollama", true),
        ],
        "models": [
            model("anthropic", "claude-sonnet-5", "hosted", None),
            model("ollama@11434", "qwen3:8b", "loaded", Some(5_200_000_000)),
            model("ollama@11434", "llama3.3:70b", "cold", Some(40_000_000_000)),
        ],
        "routes": [
            route("default", &["ollama@11434/qwen3:8b"]),
            route("code", &["anthropic/claude-sonnet-5", "ollama@11434/qwen3:8b"]),
        ],
        "machine": { "memory_total": 16_u64 << 30, "memory_available": 8_u64 << 30, "gpus": [] },
        "installed": [{ "runtime": "lmstudio", "name": "LM Studio", "path": "/x", "start": ["lms"] }],
    })
}

#[test]
fn the_whole_menu() {
    check(
        laptop(),
        &[
            "(● Serving on 127.0.0.1:4747)",
            "(3 models, 1 loaded (4.8 GB of 16 GB))",
            "--",
            "default  →  qwen3:8b · Ollama >",
            "    (Ollama)",
            "    ✓ qwen3:8b  loaded",
            "    ☐ llama3.3:70b  40 GB, will not fit",
            "    (Anthropic ↗)",
            "    ☐ claude-sonnet-5",
            "code  →  claude-sonnet-5 · Anthropic ↗ >",
            "    (Ollama)",
            "    ☐ qwen3:8b  loaded",
            "    ☐ llama3.3:70b  40 GB, will not fit",
            "    (Anthropic ↗)",
            "    ✓ claude-sonnet-5",
            "--",
            "Loaded >",
            "    Unload qwen3:8b · Ollama  4.8 GB",
            "Start >",
            "    LM Studio",
            "☐ Local only",
            "Copy >",
            "    Base URL",
            "    Key for a new tool",
            "--",
            "Open Pointsman",
            "New chat",
            "--",
            "☐ Pause serving",
            "☐ Start at login",
            "Quit",
        ],
    );
}

#[test]
fn nothing_is_there_yet() {
    let expected = [
        "(● Serving on 127.0.0.1:4747)",
        "(Looking for models)",
        "--",
        "default  →  nothing answers >",
        "    (No model can answer yet)",
        "    --",
        "    More models...",
        "--",
        "Loaded >",
        "    (Nothing is loaded)",
        "☐ Local only",
        "Copy >",
        "    Base URL",
        "    Key for a new tool",
        "--",
        "Open Pointsman",
        "New chat",
        "--",
        "☐ Pause serving",
        "☐ Start at login",
        "Quit",
    ];
    check(json!({ "settled": false, "routes": [route("default", &[])] }), &expected);
}

#[test]
fn the_first_lines_say_how_things_stand() {
    let routes = json!([route("default", &["openai/gpt-9"])]);
    // A hosted model that no list has.
    check_lines(
        json!({ "routes": routes }),
        ["(● Serving on 127.0.0.1:4747)", "(0 models)", "default  →  openai/gpt-9 >"],
    );
    check_lines(json!({ "paused": true }), ["(Ⅱ Paused on 127.0.0.1:4747)", "(0 models)", ""]);
    let loaded = json!([model("a", "m", "loaded", None)]);
    check_lines(json!({ "models": loaded }), ["(● Serving on 127.0.0.1:4747)", "(1 model, 1 loaded)", ""]);
    let sized = json!([model("a", "m", "loaded", Some(99_000_000))]);
    check_lines(json!({ "models": sized }), ["(● Serving on 127.0.0.1:4747)", "(1 model, 1 loaded (95 MB))", ""]);

    let broken = menu(&snapshot(json!({ "settings_problem": "line 3: no" })), &Recent::default(), true);
    let told = Item::Click { text: "▲ Settings: line 3: no".to_owned(), action: Action::OpenSettings };
    assert!(broken.contains(&told), "a mistake in the settings is one click away");
    let login = Item::Check { text: "Start at login".to_owned(), action: Action::StartAtLogin, on: true };
    assert!(broken.contains(&login));
}

#[test]
fn without_a_gateway_it_says_why() {
    let text = "port 4747 is taken by nginx (process 7)";
    assert_eq!(
        drawn(&without_gateway(Some(text), false)),
        [
            "(▲ Not serving)",
            "(port 4747 is taken by nginx (process 7))",
            "--",
            "Open Pointsman",
            "Open the settings file",
            "--",
            "☐ Start at login",
            "Quit",
        ]
    );
    assert_eq!(drawn(&without_gateway(None, true))[0], "(Starting)");
}

#[test]
fn recent_choices_stand_first() {
    check_route(
        laptop(),
        &["ollama:llama3.3:70b", "anthropic:claude-sonnet-5", "ollama:gone"],
        &[
            "☐ claude-sonnet-5 · Anthropic ↗",
            "☐ llama3.3:70b · Ollama  40 GB, will not fit",
            "--",
            "(Ollama)",
            "✓ qwen3:8b  loaded",
            "☐ llama3.3:70b  40 GB, will not fit",
            "(Anthropic ↗)",
            "☐ claude-sonnet-5",
        ],
    );
}

#[test]
fn two_of_a_name_are_told_apart() {
    let mut second = endpoint("llamacpp@8081", "llama.cpp", true);
    second["base_url"] = "http://127.0.0.1:8081".into();
    let change = json!({
        "endpoints": [endpoint("llamacpp@1", "llama.cpp", true), second],
        "models": [model("llamacpp@1", "a", "loaded", None), model("llamacpp@8081", "b", "loaded", None)],
        "routes": [route("default", &[])],
    });
    let expected = ["(llama.cpp · 127.0.0.1:1)", "☐ a  loaded", "(llama.cpp · 127.0.0.1:8081)", "☐ b  loaded"];
    check_route(change, &[], &expected);
}

#[test]
fn local_only_shows_what_stays() {
    let mut laptop = laptop();
    laptop["local_only"] = true.into();
    check_route(laptop, &[], &["(Ollama)", "✓ qwen3:8b  loaded", "☐ llama3.3:70b  40 GB, will not fit"]);
}

#[test]
fn a_route_that_makes_vectors_is_given_models_that_do() {
    let mut vectors = model("ollama@11434", "nomic", "cold", Some(274_000_000));
    vectors["capabilities"] = json!({ "chat": false, "embeddings": true });
    let mut change = json!({
        "endpoints": [endpoint("ollama@11434", "Ollama", true)],
        "models": [vectors, model("ollama@11434", "qwen3:8b", "loaded", None)],
        "routes": [route("embed", &[])],
    });
    check_route(change.clone(), &[], &["(Ollama)", "☐ qwen3:8b  loaded"]);
    change["routes"][0]["targets"] = json!(["ollama:nomic"]);
    check_route(change, &[], &["(Ollama)", "☐ nomic  274 MB"]);
}

#[test]
fn hundreds_of_models_are_for_the_window() {
    let mut models: Vec<Value> = (0..200).map(|n| model("ollama@11434", &format!("m{n}"), "cold", None)).collect();
    models[150]["state"] = "loaded".into();
    models.extend((0..200).map(|n| model("openai", &format!("h{n}"), "hosted", None)));
    let change = json!({
        "endpoints": [endpoint("ollama@11434", "Ollama", true), endpoint("openai", "OpenAI", false)],
        "models": models,
        "routes": [route("default", &["ollama@11434/m170"])],
    });
    let snapshot = snapshot(change);
    let lines = drawn(&picker::models(&snapshot, &snapshot.routes[0], &Recent::default()));
    assert_eq!(lines.len(), 27, "as many as can be looked at, and the way to the rest");
    assert_eq!(lines.last().map(String::as_str), Some("More models..."));
    for expected in ["✓ m170  on disk", "☐ m150  loaded", "☐ m0  on disk", "☐ h0"] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is among {lines:?}");
    }
}

#[test]
fn a_target_survives_another_port() {
    let check = |endpoints: Value, expected: &str| {
        let snapshot = snapshot(json!({
            "endpoints": endpoints, "models": [model("ollama@11434", "qwen3:8b", "cold", None)],
        }));
        assert_eq!(target(&snapshot, &snapshot.models[0]), expected);
    };
    let ollama = endpoint("ollama@11434", "Ollama", true);
    check(json!([ollama]), "ollama:qwen3:8b");
    // Two of a runtime are told apart by their address.
    check(json!([ollama, endpoint("ollama@11500", "Ollama", true)]), "ollama@11434:qwen3:8b");
}
