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
        let memory =
            Memory { turn, owner: "".into(), shelf: shelf.clone(), keeps: true, past, referred: None, most: 9 };
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

/// The input that is told to a target, or why none is.
async fn told(shelf: &Shelf, body: &str, endpoint: &Endpoint, forwarded: bool, set: fn(&mut Settings)) -> String {
    let (_, turn) = turn::read(body.as_bytes()).unwrap();
    let mut settings = Settings::default();
    set(&mut settings);
    let memory = Memory::recall(shelf, turn, body.as_bytes(), "me".into(), &settings).await.expect("it refers");
    let body = Bytes::copy_from_slice(body.as_bytes());
    let told = memory.resolves(endpoint, forwarded).and_then(|resolves| match (forwarded, resolves) {
        (true, false) => Ok(body.clone()),
        (true, true) => {
            let again = |at: &str| if *at == *endpoint.id { Again::AsItWas } else { Again::ToAnother };
            memory.joined(&body, again, false)
        }
        (false, _) => memory.for_hub(&body),
    });
    match told {
        Ok(told) => {
            let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
            told["input"].to_string()
        }
        Err(error) => format!("{}: {error}", error.status().as_u16()),
    }
}

#[tokio::test]
async fn references_are_told_as_what_they_stand_for() {
    let folder = tempfile::tempdir().unwrap();
    let (_settings, settings) = watch::channel(Arc::new(Settings::default()));
    let (shelf, store) = Store::start(folder.path().join("responses.db"), settings).unwrap();
    let keep = |owner: &str, id: &str, endpoint: &str, item: &str| {
        shelf.keep(crate::recall::Kept {
            owner: owner.into(),
            id: id.into(),
            previous: None,
            endpoint: endpoint.into(),
            input: Bytes::from_static(
                br#"[{"type":"item_reference","id":"msg_a"},{"role":"user","id":"in","content":"q"}]"#,
            ),
            response: format!(r#"{{"output":[{item}]}}"#).into(),
            at: std::time::SystemTime::now(),
        });
    };
    keep("me", "resp_1", "llama", r#"{"type":"message","id":"msg_a","role":"assistant","content":"a"}"#);
    keep("me", "resp_2", "openai", r#"{"type":"reasoning","id":"rs_b","summary":[]}"#);
    keep("other", "resp_3", "llama", r#"{"type":"message","id":"msg_c","role":"assistant","content":"c"}"#);
    let (openai, llama) =
        (endpoint("openai", "api.openai.com", None), endpoint("llama", "l.example.com", Some("llamacpp")));
    let anyone = endpoint("any", "any.example.com", None);
    let asks = |ids: &[&str]| {
        let refers = |id: &&str| format!(r#"{{"type":"item_reference","id":"{id}"}}"#);
        format!(r#"{{"store":false,"input":[{}]}}"#, ids.iter().map(refers).collect::<Vec<_>>().join(","))
    };
    let check = async |ids: &[&str], endpoint: &Endpoint, forwarded, expected: &str| {
        let seen = told(&shelf, &asks(ids), endpoint, forwarded, |_| {}).await;
        assert!(seen.starts_with(expected), "{ids:?} to {}, forwarded: {forwarded}: {seen}", endpoint.id);
    };
    let (a, as_it_came) =
        (r#"[{"type":"message","id":"msg_a","role":"assistant","content":"a"}]"#, r#"[{"type":"item_reference""#);

    check(&["msg_a"], &llama, false, a).await;
    check(&["msg_a"], &llama, true, a).await;
    check(&["msg_a"], &openai, true, r#"[{"type":"message","role":"assistant","content":"a"}]"#).await;
    check(&["in", "rs_b"], &llama, false, r#"[{"role":"user","id":"in","content":"q"},{"type":"reasoning""#).await;
    check(&["rs_b"], &openai, true, as_it_came).await;
    check(&["rs_b"], &llama, true, "[]").await;

    let unknown = |id: &str| format!("400: `item_reference`: no item `{id}` is kept here; send the item itself");
    check(&["msg_a", "msg_x"], &llama, false, &unknown("msg_x")).await;
    check(&["msg_x"], &llama, true, &unknown("msg_x")).await;
    check(&["msg_c"], &llama, false, &unknown("msg_c")).await;
    check(&["msg_x"], &openai, true, as_it_came).await;
    check(&["msg_x"], &anyone, true, as_it_came).await;
    check(&["msg_pm1_0"], &anyone, true, &unknown("msg_pm1_0")).await;
    check(&["msg_a", "msg_x"], &anyone, true, &unknown("msg_x")).await;

    let (_settings, off) = watch::channel(Arc::new(Settings::default()));
    let (empty, emptied) = Store::start(folder.path().join("none.db"), off).unwrap();
    let seen = told(&empty, &asks(&["msg_a"]), &llama, false, |settings| settings.responses.store = false).await;
    assert_eq!(
        seen,
        "400: `item_reference`: no item `msg_a` is kept here (`store` is off under `[responses]` in the settings); \
         send the item itself"
    );
    store.close();
    emptied.close();
}
