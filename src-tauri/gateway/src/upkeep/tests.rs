//! Which endpoint can be told what, and what is shown of a download.

use std::time::Instant;

use super::*;
use crate::catalog::tests::endpoint;
use crate::control::PullState;

#[test]
fn what_an_endpoint_can_be_told() {
    let table = RuntimeSpec::table().unwrap();
    let check = |change: fn(&mut Endpoint), exchanged: bool, expected: &str| {
        let mut endpoint = endpoint("e");
        change(&mut endpoint);
        let model = Arc::new(Model { exchanged, ..Model::named("m", "e".into(), true) });
        if endpoint.origin.runtime() == Some("llamacpp") {
            assert!(actions(&table, &endpoint, &[]).pull, "a router without a model can have one fetched");
        }
        let ModelActions { load, unload, pull } = actions(&table, &endpoint, &[model]);
        let words = [(load, "load"), (unload, "unload"), (pull, "pull")].map(|(can, word)| if can { word } else { "" });
        assert_eq!(words.join(" ").trim(), expected, "{endpoint:?}");
    };
    check(|_| {}, false, "load unload pull");
    check(|it| it.state = EndpointState::NeedsKey, false, "");
    check(|it| it.local = false, false, "load unload");
    check(|it| it.origin = Origin::Configured { runtime: Some("ollama".into()) }, false, "load unload pull");
    check(|it| it.origin = Origin::Configured { runtime: None }, false, "");
    check(|it| it.origin = Origin::Discovered { runtime: "vllm".into() }, false, "");
    check(|it| it.origin = Origin::Discovered { runtime: "lmstudio".into() }, false, "load unload pull");
    let old = |it: &mut Endpoint| {
        it.origin = Origin::Discovered { runtime: "lmstudio".into() };
        it.version = Some("0.3.29".to_owned());
    };
    check(old, false, "");
    check(|it| it.origin = Origin::Discovered { runtime: "llamacpp".into() }, false, "");
    check(|it| it.origin = Origin::Discovered { runtime: "llamacpp".into() }, true, "load unload pull");
    check(|it| it.origin = Origin::BuiltIn, false, "load unload");
}

#[tokio::test]
async fn a_thousand_lines_are_a_few_changes() {
    let pulls = Pulls::new();
    let (changes, mut seen) = watch::channel(0);
    let stop = CancellationToken::new();
    let publisher = tokio::spawn(pulls.clone().publish(changes, stop.clone()));
    let began = Instant::now();
    let ticket = pulls.begin("e", "m").unwrap().unwrap();
    seen.wait_for(|count| *count == 1).await.unwrap();
    for done in 0..1_000 {
        ticket.tell("pulling", done, Some(1_000));
    }
    seen.wait_for(|count| *count == 2).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(250), "one at once, the next a quarter of a second later");
    let state = PullState::Running { says: "pulling".to_owned(), done: 999, total: Some(1_000) };
    assert_eq!(pulls.all(), [Pull { endpoint: "e".to_owned(), name: "m".to_owned(), state }]);
    ticket.done();
    seen.wait_for(|count| *count == 3).await.unwrap();
    assert_eq!(pulls.all(), []);
    stop.cancel();
    publisher.await.unwrap();
}

#[test]
fn one_that_was_given_up_says_nothing_of_the_next() {
    let pulls = Pulls::new();
    let first = pulls.begin("e", "m").unwrap().unwrap();
    assert!(pulls.begin("e", "m").unwrap().is_none(), "never twice at a time");
    assert_eq!(pulls.cancel("e", "m"), Ok(true));
    assert!(first.given_up().is_cancelled());
    let second = pulls.begin("e", "m").unwrap().unwrap();
    first.failed("broken".to_owned());
    assert!(matches!(pulls.all()[0].state, PullState::Running { .. }));
    second.failed("no such model".to_owned());
    assert!(matches!(pulls.all()[0].state, PullState::Failed { .. }));
    let again = pulls.begin("e", "m").unwrap();
    assert!(again.is_some() && pulls.all().len() == 1, "one that failed may be tried again");
    assert!(pulls.cancel("e", "other").is_err());
}
