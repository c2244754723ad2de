//! How long one that said "not now" is left alone, and a key that is over its limit.

use serde_json::json;

use super::{CHAT, busy, two};
use crate::harness::{Ask, Gateway, Options, SAID, Script, bounded, chat, fake};

#[test]
fn retry_after_is_how_long_an_endpoint_cools_down() {
    bounded(async {
        for (status, header, seconds) in [(429, "30", 25..=30), (503, "120", 110..=120), (429, "9999999", 3500..=3600)]
        {
            let (first, second) = (fake::speaks().await, fake::speaks().await);
            let gateway = two(&first, &second, Options::new()).await;
            first.on("POST", CHAT, busy(status).header("Retry-After", header));
            gateway.post(CHAT, &chat("work")).await.expect(200).await;
            let snapshot = gateway
                .until("`first` to cool down", |snapshot| {
                    snapshot
                        .endpoints
                        .iter()
                        .any(|endpoint| endpoint.id == "first" && endpoint.cooling_seconds.is_some())
                })
                .await;
            let first_view = snapshot.endpoints.iter().find(|endpoint| endpoint.id == "first").expect("first");
            let cooling = first_view.cooling_seconds.expect("a pause");
            assert!(seconds.contains(&cooling), "{header}: cools down for {cooling} s");
            // While it cools down it is not the first to be asked, though it would answer by now.
            fake::speaks_on_path(&first, CHAT);
            let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
            assert_eq!(answer.header("x-pointsman-target"), "second/m");
            assert_eq!(answer.header("x-pointsman-attempts"), "1", "an endpoint that cools down is not asked at all");
            assert_eq!(first.requests_for(CHAT).len(), 1);
        }
    });
}

#[test]
fn a_retry_after_that_says_nothing_useful_is_an_ordinary_pause() {
    bounded(async {
        for header in ["Fri, 31 Dec 2100 23:59:59 GMT", "-5", "soon", "1e9", ""] {
            let (first, second) = (fake::speaks().await, fake::speaks().await);
            let gateway = two(&first, &second, Options::new()).await;
            first.on("POST", CHAT, busy(429).header("Retry-After", header));
            gateway.post(CHAT, &chat("work")).await.expect(200).await;
            let snapshot = gateway
                .until("`first` to cool down", |snapshot| {
                    snapshot.endpoints.iter().any(|endpoint| endpoint.cooling_seconds.is_some())
                })
                .await;
            let pause = snapshot.endpoints.iter().find_map(|endpoint| endpoint.cooling_seconds);
            assert!(pause <= Some(3600), "{header}: {pause:?}");
        }
    });
}

#[test]
fn an_endpoint_that_cools_down_is_still_the_last_resort() {
    bounded(async {
        let up = fake::speaks().await;
        let gateway = Gateway::over(&up).await;
        up.on("POST", CHAT, busy(429).header("Retry-After", "30"));
        gateway.post(CHAT, &chat("m")).await.expect(429).await;
        fake::speaks_on_path(&up, CHAT);
        gateway.post(CHAT, &chat("m")).await.expect(200).await;
        gateway
            .until("the pause to end with a success", |snapshot| {
                snapshot.endpoints.iter().all(|endpoint| endpoint.cooling_seconds.is_none())
            })
            .await;
    });
}

#[test]
fn a_single_server_error_does_not_cool_an_endpoint_down() {
    // llama.cpp answers 500 to an image that it cannot read: the request's fault, not the server's.
    bounded(async {
        let (first, second) = (fake::speaks().await, fake::speaks().await);
        let gateway = two(&first, &second, Options::new()).await;
        first.on("POST", CHAT, busy(500));
        gateway.post(CHAT, &chat("work")).await.expect(200).await;
        fake::speaks_on_path(&first, CHAT);
        let answer = gateway.post(CHAT, &chat("work")).await.expect(200).await;
        assert_eq!(answer.header("x-pointsman-target"), "first/m");
    });
}

#[test]
fn a_key_that_is_over_its_limit_gives_way_to_the_next() {
    bounded(async {
        let up = fake::speaks().await;
        up.on_with("POST", CHAT, |request| match request.header("authorization") {
            "Bearer sk-one" => busy(429).header("Retry-After", "30"),
            "Bearer sk-two" => fake::chat(request),
            other => Script::fault(401, &json!({"error": {"message": format!("no key: {other}")}})),
        });
        let options = Options::new().variable("ONE", "sk-one").variable("TWO", "sk-two").endpoint_with(
            "up",
            &up.url(),
            &["m"],
            "key = \"env:ONE\"\nspare_keys = [\"env:TWO\"]",
        );
        let gateway = Gateway::start(options).await;
        gateway.ready("m").await;
        let key = gateway.client_key("editor").await;
        let ask = || async { Ask::post(CHAT, &chat("m")).bearer(&key).send(gateway.port()).await };
        assert_eq!(ask().await.expect(200).await.json().await["choices"][0]["message"]["content"], SAID);
        ask().await.expect(200).await;
        let keys: Vec<String> =
            up.requests_for(CHAT).iter().map(|request| request.header("authorization").to_owned()).collect();
        assert_eq!(keys, ["Bearer sk-one", "Bearer sk-two", "Bearer sk-two"], "the one that answered stays in use");
        up.on("POST", CHAT, busy(429).header("Retry-After", "30"));
        let answer = ask().await.expect(429).await;
        assert_eq!(answer.header("retry-after"), "30", "each was asked, and the last one's word goes to the client");
        assert_eq!(up.requests_for(CHAT).len(), 5, "each key once");
    });
}
