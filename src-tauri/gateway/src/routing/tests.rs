//! Names to targets: each rule of "Names a tool may ask for", one line a case.

use super::*;
use crate::catalog::{Capabilities, Event, Failure, Health};
use crate::protocol::{Protocol, Speaks};

fn endpoint(id: &str, runtime: &str, local: bool) -> Endpoint {
    let operations = vec![Operation::Chat, Operation::Completion, Operation::Embeddings];
    Endpoint {
        id: id.into(),
        name: id.to_owned(),
        origin: Origin::Discovered { runtime: runtime.into() },
        provider: None,
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        speaks: vec![Speaks {
            protocol: Protocol::OpenAiChat,
            prefix: "/v1".into(),
            operations,
            holds: Vec::new(),
            shape: None,
            beside: Default::default(),
        }],
        credential: None,
        spares: Vec::new(),
        allow_private: false,
        local,
        state: EndpointState::Ready,
        version: None,
        process: None,
        notes: Vec::new(),
        health: Health::default(),
    }
}

/// `id` then `!` for loaded, `?` for cold, and a size in MB.
fn model(text: &str, endpoint: &str, local: bool) -> Model {
    let (name, size) = text.rsplit_once(' ').unwrap();
    let (name, state) = match name.strip_suffix('!') {
        Some(name) => (name, ModelState::Loaded),
        None => (name.strip_suffix('?').unwrap_or(name), ModelState::Cold),
    };
    let mut model = Model::named(name, endpoint.into(), local);
    model.state = state;
    model.size = Some(size.parse().unwrap());
    model.capabilities =
        Capabilities { embeddings: name.contains("embed"), chat: !name.contains("embed"), ..model.capabilities };
    model
}

fn world() -> Catalog {
    let places: [(&str, &str, bool, &[&str]); 4] = [
        ("ollama@11434", "ollama", true, &["qwen3:8b? 5000", "llama3:latest! 4000", "nomic-embed? 100", "same? 9"]),
        ("llamacpp@8080", "llamacpp", true, &["same! 10", "tiny? 50"]),
        ("cluster", "vllm", false, &["big! 90000", "same! 90", "qwen3:8b! 7"]),
        ("ollama@11435", "ollama", true, &["qwen3:8b! 5000"]),
    ];
    places.into_iter().fold(Catalog::default(), |catalog, (id, runtime, local, models)| {
        let now = Instant::now();
        let models = models.iter().map(|text| model(text, id, local)).collect();
        let catalog = catalog.apply(Event::Found(endpoint(id, runtime, local)), now).unwrap();
        catalog.apply(Event::Listed(id.into(), models), now).unwrap()
    })
}

fn ask(catalog: &Catalog, settings: &str, name: &str, operation: Operation, keyed: bool) -> String {
    let mut all: toml::Table = toml::from_str(crate::settings::DEFAULTS).unwrap();
    all.extend(toml::from_str::<toml::Table>(settings).unwrap());
    let settings: Settings = all.try_into().unwrap();
    match route(catalog, &settings, &Asked { name, operation, keyed, wrong_key: false }, Instant::now()) {
        Ok(choice) => {
            let names = choice.targets.iter().map(|target| format!("{}/{}", target.endpoint.id, target.model.id));
            names.collect::<Vec<_>>().join(" ")
        }
        Err(error) => error.code().to_owned(),
    }
}

fn check(name: &str, expected: &str) {
    assert_eq!(ask(&world(), "", name, Operation::Chat, true), expected, "{name}");
}

#[test]
fn names() {
    check("ollama:qwen3:8b", "ollama@11435/qwen3:8b ollama@11434/qwen3:8b");
    check("ollama/llama3", "ollama@11434/llama3:latest");
    check("ollama@11434:qwen3:8b", "ollama@11434/qwen3:8b");
    check("cluster:big", "cluster/big");
    check("vllm/big", "cluster/big");
    check("big", "cluster/big");
    check("LLAMA3", "ollama@11434/llama3:latest");
    check("llama3:latest", "ollama@11434/llama3:latest");
    check("same", "llamacpp@8080/same ollama@11434/same");
    check("qwen3:8b", "ollama@11435/qwen3:8b ollama@11434/qwen3:8b");
    check("nope", "model_not_found");
    check("ollama:", "model_not_found");
    check("http://evil/", "model_not_found");
}

#[test]
fn default_is_the_best_loaded_then_the_smallest_cold() {
    check("default", "ollama@11435/qwen3:8b ollama@11434/llama3:latest llamacpp@8080/same ollama@11434/same");
    check("gpt-4o", "ollama@11435/qwen3:8b ollama@11434/llama3:latest llamacpp@8080/same ollama@11434/same");
    check("claude-sonnet-5", "ollama@11435/qwen3:8b ollama@11434/llama3:latest llamacpp@8080/same ollama@11434/same");
    assert_eq!(ask(&world(), "", "default", Operation::Embeddings, false), "ollama@11434/nomic-embed");
    assert_eq!(ask(&Catalog::default(), "", "default", Operation::Chat, false), "route_empty");
}

#[test]
fn routes() {
    let settings =
        "[routes.code]\ntargets = ['cluster:big', 'gone', 'tiny']\n[routes.none]\n[routes.lost]\ntargets = ['gone']";
    let check =
        |name, keyed, expected| assert_eq!(ask(&world(), settings, name, Operation::Chat, keyed), expected, "{name}");
    check("code", true, "cluster/big llamacpp@8080/tiny");
    check("code", false, "llamacpp@8080/tiny");
    check("none", true, "route_empty");
    check("lost", true, "route_empty");
    let shadow = "[routes.tiny]\ntargets = ['big']";
    assert_eq!(ask(&world(), shadow, "tiny", Operation::Chat, true), "cluster/big", "a route goes before a model");
    assert_eq!(ask(&world(), shadow, "tiny", Operation::Chat, false), "missing_api_key");
    assert_eq!(ask(&world(), "local_only = true", "big", Operation::Chat, true), "local_only");
    assert_eq!(ask(&world(), "[aliases]\n'x*' = 'tiny'", "x1", Operation::Chat, true), "llamacpp@8080/tiny");
}

#[test]
fn a_cooling_endpoint_is_tried_last() {
    let settings = "[routes.code]\ntargets = ['llamacpp:tiny', 'ollama:llama3']";
    let cooling = world().apply(Event::Failed("llamacpp@8080".into(), Failure::Unreachable), Instant::now()).unwrap();
    let seen = ask(&cooling, settings, "code", Operation::Chat, true);
    assert_eq!(seen, "ollama@11434/llama3:latest llamacpp@8080/tiny");
}
