//! A child that falls costs its requests, never the gateway.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use super::bench::{Bench, get, pace, settings, soon};
use crate::builtin::leftover::{self, Note};
use crate::builtin::{EngineError, Pace, child};
use crate::catalog::ModelState;

#[tokio::test]
async fn a_broken_model_says_why_and_is_left_alone_for_a_while() {
    let bench = Bench::new();
    bench.put("fail-a");
    for _ in 0..2 {
        let error = bench.ready("a").await.unwrap_err();
        let EngineError::Failed(reason) = &error else { panic!("{error:?}") };
        let expected = "llama-server ended before it answered (exit status: 1): error: this model is broken";
        assert_eq!(&**reason, expected, "the line that complains");
    }
    let error = bench.ready("a").await.unwrap_err();
    let EngineError::Paused { failures: 2, seconds: 599..=600, .. } = error else { panic!("{error:?}") };
    assert!(error.to_string().ends_with("(2 times in a row); it is tried again in 600 seconds"), "{error}");
    assert_eq!(bench.started(), "a a", "a pause is one");
    let catalog = bench.until_state("a", ModelState::Cold).await;
    let notes = catalog.endpoint("builtin").unwrap().notes.concat();
    assert!(notes.contains("this model is broken"), "{notes}");
    drop(bench.ready("b").await.expect("another model has nothing to do with it"));
    bench.close().await;
}

#[tokio::test]
async fn after_the_pause_it_is_tried_again() {
    let pace = Pace { first_pause: Duration::from_nanos(1), longest_pause: Duration::from_nanos(1), ..pace() };
    let bench = Bench::with(pace, settings());
    bench.put("fail-a");
    for _ in 0..3 {
        assert!(matches!(bench.ready("a").await, Err(EngineError::Failed(_))));
    }
    bench.take_away("fail-a");
    drop(bench.ready("a").await.unwrap());
    bench.close().await;
}

#[tokio::test]
async fn a_crash_is_told_and_the_next_request_starts_anew() {
    let bench = Bench::new();
    let lease = bench.ready("a").await.unwrap();
    assert_eq!(get(&lease, "/die").await, None, "the request is lost");
    assert!(soon(lease.is_lost()).await, "whoever sent it learns that a new try needs a new lease");
    let catalog = bench.until_state("a", ModelState::Cold).await;
    assert!(!bench.engine.is_up("a"));
    let expected = ["a: llama-server ended by itself (exit status: 3): GGML_ASSERT(n_tokens > 0) failed"];
    assert_eq!(catalog.endpoint("builtin").unwrap().notes, expected);
    let next = bench.ready("a").await.unwrap();
    drop(lease);
    let catalog = bench.until_state("a", ModelState::Loaded).await;
    assert!(catalog.endpoint("builtin").unwrap().notes.is_empty(), "it is up again");
    assert!(get(&next, "/health").await.is_some(), "a lease on the first child counts for nothing");
    drop(next);
    bench.close().await;
}

#[tokio::test]
async fn nobody_is_sent_to_a_child_that_has_ended() {
    for _ in 0..3 {
        let bench = Bench::new();
        drop(bench.ready("a").await.unwrap());
        let process = bench.starts()[0].process;
        Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
        // Nothing else runs on this thread meanwhile, so that nobody has been told of its end.
        while !child::has_ended(process) {
            std::hint::spin_loop();
        }
        let next = soon(bench.engine.ready("a")).await.unwrap();
        assert!(get(&next, "/health").await.is_some());
        drop(next);
        bench.close().await;
    }
}

#[tokio::test]
async fn a_port_that_was_taken_in_between_is_exchanged() {
    let bench = Bench::new();
    bench.put("bind");
    drop(bench.ready("a").await.unwrap());
    assert_eq!(bench.started(), "a a");
    bench.close().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_run_is_named() {
    let bench = Bench::new();
    std::fs::write(bench.path("server"), "#!/nowhere/python\n").unwrap();
    let error = bench.ready("a").await.unwrap_err().to_string();
    assert!(error.contains("/server cannot be started: No such file"), "{error}");
    bench.close().await;
}

#[tokio::test]
async fn one_that_never_answers_is_given_up() {
    let mut settings = settings();
    settings.limits.first_byte_seconds = 1;
    let bench = Bench::with(pace(), settings);
    bench.put("hold");
    let error = bench.ready("a").await.unwrap_err();
    assert_eq!(error, EngineError::Failed("llama-server did not answer in 1 seconds".into()));
    bench.close().await;
}

#[tokio::test]
async fn a_child_that_outlived_its_gateway_is_ended() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("run/engine.json");
    // A shell keeps these arguments only while it does not become its last command.
    let mut child = Command::new("sh")
        .args(["-c", "sleep 600; true", "x", "--alias", "m", "--port", "4000"])
        .process_group(0)
        .spawn()
        .unwrap();
    let note = Note::of(child.id(), 4000, "m").expect("it has just been started");
    Note::of(child.id(), 4001, "m").unwrap().write(&file).unwrap();
    assert_eq!(leftover::find(&file), None, "another port: another program with the same number");
    Note::of(child.id(), 4000, "n").unwrap().write(&file).unwrap();
    assert_eq!(leftover::find(&file), None, "another model");
    note.write(&file).unwrap();
    assert_eq!(leftover::find(&file), Some(note));
    soon(leftover::clear(&file, Duration::from_secs(2))).await;
    let status = soon(tokio::task::spawn_blocking(move || child.wait())).await.unwrap().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15), "it was asked to end");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_child_is_noted_while_it_runs() {
    let bench = Bench::new();
    let lease = bench.ready("a").await.unwrap();
    let file = bench.path("run/engine.json");
    // It is written beside the start, which nobody waits for.
    let noted = async {
        while leftover::find(&file).is_none() {
            tokio::task::yield_now().await
        }
    };
    soon(noted).await;
    drop(lease);
    bench.stop.cancel();
    bench.tasks.close();
    soon(bench.tasks.wait()).await;
    assert!(!file.exists(), "nothing to end any more");
}
