//! The real llama-server, where `POINTSMAN_TEST_PARTS` names a folder that has one.

use std::path::PathBuf;

use super::bench::{Bench, get, is_alive, pace, settings};
use crate::catalog::ModelState;
use crate::environment::Environment;

#[tokio::test]
async fn llama_server_starts_answers_and_ends() {
    let process = Environment::of_process();
    let Some(parts) = process.get("POINTSMAN_TEST_PARTS").map(PathBuf::from) else { return };
    let mut settings = settings();
    settings.builtin.server = parts.join("engine/bin/llama-server");
    settings.builtin.folders = vec![parts.join("models")];
    settings.builtin.context = 512;
    let bench = Bench::start(pace(), settings, tempfile::tempdir().unwrap());
    let listed = bench.until("no models", |catalog| catalog.models().next().is_some()).await;
    let model =
        listed.models_of("builtin").iter().find(|model| model.chats()).expect("a chat model is among the parts");
    let lease = bench.ready(&model.id).await.unwrap();
    let catalog = bench.until_state(&model.id, ModelState::Loaded).await;
    let loaded = catalog.models_of("builtin").iter().find(|loaded| loaded.id == model.id).unwrap();
    assert_eq!(loaded.context.effective, Some(512));
    let answer = get(&lease, "/v1/models").await.unwrap();
    assert!(answer.contains(&*model.id), "it answers by the name that we know: {answer}");
    let child = catalog.endpoint("builtin").unwrap().process.unwrap();
    drop(lease);
    bench.close().await;
    assert!(!is_alive(child), "no child is left");
}
