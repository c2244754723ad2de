//! Which endpoint is told what: one line a case.

use tokio::sync::watch;

use super::*;
use crate::catalog::{EndpointState, Health, Origin};
use crate::ingress::turn;
use crate::recall::{Link, Store};

/// `id` at a host, of a runtime or of none.
fn endpoint(id: &str, host: &str, runtime: Option<&str>) -> Endpoint {
    Endpoint {
        id: id.into(),
        name: id.to_owned(),
        origin: Origin::Configured { runtime: runtime.map(Arc::from) },
        provider: None,
        base_url: format!("https://{host}").parse().unwrap(),
        speaks: Vec::new(),
        credential: None,
        spares: Vec::new(),
        allow_private: false,
        local: false,
        state: EndpointState::Ready,
        version: None,
        process: None,
        notes: Vec::new(),
        health: Health::default(),
    }
}

fn past(endpoints: &[&str]) -> Past {
    let link = |endpoint: &&str| Link {
        endpoint: (*endpoint).to_owned(),
        input: Bytes::from_static(b"\"hi\""),
        response: Bytes::from_static(b"{}"),
    };
    Past { number: 1, links: endpoints.iter().map(link).collect() }
}

#[test]
fn who_is_told_what() {
    let folder = tempfile::tempdir().unwrap();
    let (_settings, settings) = watch::channel(Arc::new(Settings::default()));
    let (shelf, _store) = Store::start(folder.path().join("responses.db"), settings).unwrap();
    let check = |body: &str, past: Option<Result<Past, Lost>>, endpoint: &Endpoint, forwarded, expected: &str| {
        let (_, turn) = turn::read(body.as_bytes()).unwrap();
        let memory = Memory { turn, owner: "".into(), shelf: shelf.clone(), keeps: true, past, most: 9 };
        let told = match memory.telling(endpoint, forwarded) {
            Ok(telling) => format!("{telling:?}"),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(told, expected, "{body} to {}, forwarded: {forwarded}", endpoint.id);
    };
    let openai = endpoint("openai", "api.openai.com", None);
    let azure = endpoint("azure", "lab.openai.azure.com", None);
    let false_friend = endpoint("openai", "api.openai.com.example.com", None);
    let studio = endpoint("studio", "studio.example.com", Some("lmstudio"));
    let llama = endpoint("llama", "llama.example.com", Some("llamacpp"));
    let (alone, next, ours) = ("{}", r#"{"previous_response_id":"resp_1"}"#, r#"{"previous_response_id":"resp_pm1"}"#);

    check(alone, None, &llama, true, "Alone");
    check(next, Some(Ok(past(&["llama"]))), &llama, true, "Joined");
    check(next, Some(Ok(past(&["llama"]))), &llama, false, "Joined");

    check(next, Some(Ok(past(&["llama", "openai"]))), &openai, true, "ById");
    check(next, Some(Ok(past(&["llama", "openai"]))), &openai, false, "Joined");
    check(next, Some(Ok(past(&["openai", "llama"]))), &openai, true, "Joined");
    check(next, Some(Ok(past(&["openai"]))), &azure, true, "Joined");
    check(next, Some(Ok(past(&["azure"]))), &azure, true, "ById");
    check(next, Some(Ok(past(&["openai"]))), &false_friend, true, "Joined");
    check(next, Some(Ok(past(&["studio"]))), &studio, true, "Joined");

    let unknown = || Some(Err(Lost::Unknown));
    check(next, unknown(), &openai, true, "Unknown");
    check(next, unknown(), &studio, true, "Unknown");
    check(next, unknown(), &llama, true, "previous_response_not_found");
    check(next, unknown(), &openai, false, "previous_response_not_found");
    check(ours, unknown(), &openai, true, "previous_response_not_found");
    check(next, Some(Err(Lost::Broken)), &openai, true, "previous_response_not_found");
    check(next, Some(Err(Lost::Unreadable)), &openai, true, "previous_response_not_found");
    check(next, Some(Err(Lost::TooLong)), &openai, true, "body_too_large");

    let conversation = r#"{"conversation":"conv_1"}"#;
    check(conversation, None, &openai, true, "Unknown");
    check(conversation, None, &openai, false, "unsupported_value");
    check(conversation, None, &studio, true, "unsupported_value");
}
