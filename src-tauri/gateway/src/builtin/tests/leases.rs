//! Who waits for whom: one start for many, exchange without loss, an end when nobody asks.

use super::bench::{Bench, get, is_alive, settings, soon};
use crate::builtin::EngineError;
use crate::catalog::ModelState;
use crate::settings::BuiltInMode;

#[tokio::test]
async fn one_start_for_all_who_wait() {
    let bench = Bench::new();
    bench.put("hold");
    bench.until_state("a", ModelState::Cold).await;
    let waiting: Vec<_> = (0..20).map(|_| bench.ask("a")).collect();
    bench.until_state("a", ModelState::Loading).await;
    assert!(!bench.engine.is_up("a"), "it is being loaded");
    bench.take_away("hold");
    let mut leases = Vec::new();
    for waiting in waiting {
        leases.push(soon(waiting).await.unwrap().unwrap());
    }
    assert!(leases.iter().all(|lease| lease.address() == leases[0].address()), "all have the same child");
    assert_eq!(bench.started(), "a", "it was started once");
    assert!(bench.engine.is_up("a") && !bench.engine.is_up("b"));
    let catalog = bench.until_state("a", ModelState::Loaded).await;
    let catalog_says = &catalog.models_of("builtin")[0];
    assert_eq!(catalog_says.context.effective, Some(1234), "the child says what it gives");
    assert_eq!(catalog.endpoint("builtin").unwrap().version.as_deref(), Some("b1-fake"));
    bench.until("its memory is not told", |catalog| catalog.models_of("builtin")[0].memory.is_some()).await;
    drop(leases);
    bench.close().await;
}

#[tokio::test]
async fn the_child_sees_no_keys_but_its_own() {
    let bench = Bench::new();
    let lease = bench.ready("a").await.unwrap();
    let environment = &bench.starts()[0].environment;
    assert!(!environment.values().any(|value| value == "canary"), "{environment:?}");
    assert_eq!(environment["CUDA_VISIBLE_DEVICES"], "0", "which GPU to use is no secret");
    assert!(environment.contains_key("PATH"));
    assert_eq!(environment["LLAMA_API_KEY"], lease.key());
    assert!(lease.key().len() >= 32 && !format!("{lease:?}").contains(lease.key()), "a key of its own, never shown");
    drop(lease);
    bench.close().await;
}

#[tokio::test]
async fn it_ends_when_nobody_asks_any_more() {
    let mut settings = settings();
    settings.builtin.idle_seconds = 0;
    let bench = Bench::with(super::bench::pace(), settings);
    let first = bench.ready("a").await.unwrap();
    let second = bench.ready("a").await.unwrap();
    drop(first);
    let third = bench.ready("a").await.unwrap();
    assert_eq!(bench.started(), "a", "one of two users has gone, the other one still uses it");
    drop((second, third));
    bench.until_state("a", ModelState::Cold).await;
    let again = bench.ready("a").await.unwrap();
    assert_eq!(bench.started(), "a a", "a new child for the next one");
    assert!(!is_alive(bench.starts()[0].process), "the first child has ended before the second began");
    drop(again);
    bench.close().await;
}

#[tokio::test]
async fn another_model_waits_for_its_turn() {
    let bench = Bench::new();
    let first = bench.ready("a").await.unwrap();
    bench.until_up(Some("a")).await;
    let other = bench.ask("b");
    bench.until_up(None).await;
    let behind = bench.ask("a");
    assert!(get(&first, "/health").await.is_some(), "a child that answers is not ended");
    assert!(!other.is_finished() && !behind.is_finished(), "nobody overtakes");
    drop(first);
    let other = soon(other).await.unwrap().unwrap();
    assert_eq!(bench.started(), "a b");
    drop(other);
    drop(soon(behind).await.unwrap().unwrap());
    assert_eq!(bench.started(), "a b a");
    bench.close().await;
}

#[tokio::test]
async fn those_behind_someone_who_leaves_move_up() {
    let bench = Bench::new();
    let first = bench.ready("a").await.unwrap();
    bench.until_up(Some("a")).await;
    let impatient = bench.ask("b");
    bench.until_up(None).await;
    let behind = bench.ask("a");
    impatient.abort();
    let behind = soon(behind).await.unwrap().unwrap();
    assert_eq!(behind.address(), first.address());
    assert_eq!(bench.started(), "a", "nobody wants the other model any more");
    drop((first, behind));
    bench.close().await;
}

#[tokio::test]
async fn a_stop_lets_streams_end() {
    let bench = Bench::new();
    let lease = bench.ready("a").await.unwrap();
    bench.stop.cancel();
    let refused = soon(bench.engine.ready("a")).await.unwrap_err();
    assert_eq!(refused, EngineError::Stopping);
    assert!(get(&lease, "/health").await.is_some(), "the answer in flight goes on");
    let process = bench.starts()[0].process;
    drop(lease);
    bench.close().await;
    assert!(!is_alive(process), "no child is left");
}

#[tokio::test]
async fn a_stop_ends_a_start() {
    let bench = Bench::new();
    bench.put("hold");
    bench.until_state("a", ModelState::Cold).await;
    let waiting = bench.ask("a");
    bench.until_state("a", ModelState::Loading).await;
    bench.stop.cancel();
    assert_eq!(soon(waiting).await.unwrap().unwrap_err(), EngineError::Stopping);
    bench.close().await;
}

#[tokio::test]
async fn what_is_turned_off_is_not_there() {
    let bench = Bench::new();
    let lease = bench.ready("a").await.unwrap();
    bench.settings.send_modify(|settings| std::sync::Arc::make_mut(settings).builtin.enabled = BuiltInMode::Off);
    bench.until("its models are still offered", |catalog| catalog.endpoint("builtin").is_none()).await;
    assert_eq!(soon(bench.engine.ready("a")).await.unwrap_err(), EngineError::Off);
    assert!(get(&lease, "/health").await.is_some(), "who was being answered goes on being");
    drop(lease);
    bench.until_up(None).await;
    bench.close().await;
}

#[tokio::test]
async fn a_model_that_is_not_there_is_refused() {
    let bench = Bench::new();
    assert_eq!(bench.ready("c").await.unwrap_err(), EngineError::Unknown);
    bench.close().await;
}
