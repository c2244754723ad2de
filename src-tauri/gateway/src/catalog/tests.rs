//! The catalog's laws: what each event changes, and that nothing else does.

use super::*;
use crate::catalog::index::fold;

pub(crate) fn endpoint(id: &str) -> Endpoint {
    Endpoint {
        id: id.into(),
        name: id.to_owned(),
        origin: Origin::Discovered { runtime: "ollama".into() },
        provider: None,
        base_url: "http://127.0.0.1:11434".parse().unwrap(),
        speaks: Vec::new(),
        credential: None,
        spares: Vec::new(),
        allow_private: false,
        local: true,
        state: EndpointState::Ready,
        version: None,
        process: None,
        notes: Vec::new(),
        health: Health::default(),
    }
}

fn model(id: &str, endpoint: &str) -> Model {
    Model::named(id, endpoint.into(), true)
}

fn after(events: Vec<Event>) -> Catalog {
    let now = Instant::now();
    events.into_iter().fold(Catalog::default(), |catalog, event| catalog.apply(event, now).unwrap_or(catalog))
}

fn check(events: Vec<Event>, expected: &str) {
    let catalog = after(events);
    let seen: Vec<String> = catalog.models().map(|model| format!("{}/{}", model.endpoint, model.id)).collect();
    assert_eq!(seen.join(" "), expected);
}

#[test]
fn events_change_what_they_say() {
    let found = |id: &str| Event::Found(endpoint(id));
    let listed =
        |id: &str, models: &[&str]| Event::Listed(id.into(), models.iter().map(|name| model(name, id)).collect());
    check(vec![], "");
    check(vec![found("a"), listed("a", &["m", "n"])], "a/m a/n");
    check(vec![listed("a", &["m"])], "");
    check(vec![found("a"), listed("a", &["m"]), listed("a", &["n"])], "a/n");
    check(vec![found("a"), found("b"), listed("b", &["m"]), listed("a", &["m"])], "a/m b/m");
    check(vec![found("a"), listed("a", &["m"]), Event::Lost("a".into())], "");
    check(vec![found("a"), listed("a", &["m"]), found("a")], "a/m");
}

#[test]
fn a_model_is_loaded_since_it_was_first_seen_so() {
    let states = |states: &[ModelState]| {
        let listed = |state: &ModelState| Event::Listed("a".into(), vec![Model { state: *state, ..model("m", "a") }]);
        states.iter().map(listed).collect::<Vec<_>>()
    };
    #[track_caller]
    fn check(listings: Vec<Event>, expected: Option<u64>) {
        let start = Instant::now();
        let at = |second| start + std::time::Duration::from_secs(second);
        let catalog = Catalog::default().apply(Event::Found(endpoint("a")), start).unwrap();
        let catalog = (0..)
            .zip(listings)
            .fold(catalog, |catalog, (second, listing)| catalog.apply(listing, at(second)).unwrap_or(catalog));
        assert_eq!(catalog.models_of("a")[0].loaded_since, expected.map(at));
    }
    use ModelState::{Cold, Loaded, Loading};
    check(states(&[Loaded]), Some(0));
    check(states(&[Loaded, Loaded, Loaded]), Some(0));
    check(states(&[Cold, Loading, Loaded, Loaded]), Some(2));
    check(states(&[Loaded, Cold, Loaded]), Some(2));
    check(states(&[Loaded, Cold]), None);
}

#[test]
fn what_changes_nothing_publishes_nothing() {
    let catalog = after(vec![Event::Found(endpoint("a")), Event::Listed("a".into(), vec![model("m", "a")])]);
    let now = Instant::now();
    assert!(catalog.apply(Event::Found(endpoint("a")), now).is_none(), "the same endpoint again");
    assert!(catalog.apply(Event::Listed("a".into(), vec![model("m", "a")]), now).is_none(), "the same listing again");
    assert!(catalog.apply(Event::Lost("b".into()), now).is_none(), "an endpoint that was never there");
    assert!(catalog.apply(Event::Recovered("a".into()), now).is_none(), "a success after no failure");
}

#[test]
fn health_survives_a_new_sighting_but_not_a_new_address() {
    let now = Instant::now();
    let catalog = after(vec![Event::Found(endpoint("a"))]).apply(Event::Failed("a".into(), Failure::Unreachable), now);
    let catalog = catalog.expect("a failure changes the endpoint");
    let mut seen = endpoint("a");
    seen.version = Some("2".into());
    let same = catalog.apply(Event::Found(seen.clone()), now).expect("a new version is a change");
    assert!(same.endpoint("a").unwrap().health.cooling(now), "a probe that answers does not say that requests do");
    seen.base_url = "http://127.0.0.1:9".parse().unwrap();
    let moved = same.apply(Event::Found(seen), now).expect("a new address is a change");
    assert!(!moved.endpoint("a").unwrap().health.cooling(now), "another address is another server");
}

#[test]
fn names_fold() {
    for (name, expected) in
        [("Qwen3:8B", "qwen3:8b"), ("llama3:latest", "llama3"), ("LLAMA3:LATEST", "llama3"), ("", "")]
    {
        assert_eq!(fold(name), expected);
    }
}

#[test]
fn nearest_names_help() {
    let names = ["qwen3:8b", "llama3.3:70b", "smollm2:135m", "nomic-embed-text"];
    let catalog = after(vec![
        Event::Found(endpoint("a")),
        Event::Listed("a".into(), names.iter().map(|name| model(name, "a")).collect()),
    ]);
    let check = |asked: &str, expected: Option<&str>| {
        assert_eq!(catalog.index().nearest(asked).first().map(|name| &**name), expected, "{asked}");
    };
    check("qwen3", Some("qwen3:8b"));
    check("quen3:8b", Some("qwen3:8b"));
    check("nomic-embed", Some("nomic-embed-text"));
    check("zzzzzzzzzzzzzzzzzzz", None);
    check("", None);
}
