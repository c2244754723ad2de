//! When the models are offered, and what is told where they are not.

use super::bench::{Bench, pace, settings, soon};
use crate::builtin::EngineError;
use crate::catalog::{Catalog, Event, Model, ModelState};
use crate::disk::gguf::fixture::Gguf;
use crate::protocol::{Operation, Protocol};
use crate::settings::{BuiltInMode, Settings};

fn auto() -> Settings {
    let mut settings = settings();
    settings.builtin.enabled = BuiltInMode::Auto;
    settings.builtin.idle_seconds = 0;
    settings
}

fn is_offered(catalog: &Catalog) -> bool {
    catalog.endpoint("builtin").is_some()
}

#[tokio::test]
async fn models_are_told_with_what_their_files_say() {
    let bench = Bench::new();
    let catalog = bench.until_state("b", ModelState::Cold).await;
    let endpoint = catalog.endpoint("builtin").unwrap();
    for (protocol, operation) in [
        (Protocol::OpenAiChat, Operation::Chat),
        (Protocol::OpenAiChat, Operation::Completion),
        (Protocol::Anthropic, Operation::CountTokens),
    ] {
        assert!(endpoint.speaks(protocol, operation).is_some(), "{protocol:?} {operation:?}");
    }
    assert!(!endpoint.can(Operation::Embeddings), "there is no model for that");
    let model = &catalog.models_of("builtin")[0];
    assert_eq!((&*model.id, model.family.as_deref(), model.local), ("a", Some("llama"), true));
    assert_eq!((model.context.trained, model.context.effective), (Some(2048), None));
    assert_eq!(model.quantisation.as_deref(), Some("Q4_K_M"));
    assert!(model.size.is_some() && model.chats());
    bench.close().await;
}

#[tokio::test]
async fn a_model_that_is_put_there_is_listed() {
    let bench = Bench::new();
    bench.until_state("a", ModelState::Cold).await;
    std::fs::write(bench.path("data/models/c.gguf"), Gguf::model("bert").bytes()).unwrap();
    let catalog = bench.until_state("c", ModelState::Cold).await;
    let model = &catalog.models_of("builtin")[2];
    assert!(model.capabilities.embeddings && !model.capabilities.chat);
    bench.until("vectors", |catalog| catalog.endpoint("builtin").unwrap().can(Operation::Embeddings)).await;
    bench.take_away("data/models/a.gguf");
    bench.until("it is gone", |catalog| catalog.models_of("builtin").len() == 2).await;
    bench.close().await;
}

/// An Ollama that appears and lists these models.
async fn another_runtime(bench: &Bench, models: &[&str]) {
    let found = Event::Found(crate::catalog::tests::endpoint("ollama@11434"));
    bench.events.send(found).await.unwrap();
    let models = models.iter().map(|name| Model::named(*name, "ollama@11434".into(), true)).collect();
    bench.events.send(Event::Listed("ollama@11434".into(), models)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_offered_beside_another_runtime() {
    let bench = Bench::with(pace(), auto());
    assert!(!is_offered(&bench.catalog.borrow()), "nobody has looked for others yet");
    bench.events.send(Event::Settled).await.unwrap();
    bench.until("not offered", is_offered).await;
    another_runtime(&bench, &[]).await;
    bench.until("the other one", |catalog| catalog.endpoint("ollama@11434").is_some()).await;
    assert!(is_offered(&bench.catalog.borrow()), "a runtime without a model answers nobody");
    another_runtime(&bench, &["m"]).await;
    bench.until("still offered", |catalog| !is_offered(catalog)).await;
    bench.events.send(Event::Lost("ollama@11434".into())).await.unwrap();
    bench.until("not offered again", is_offered).await;
    bench.close().await;
}

#[tokio::test]
async fn what_serves_is_not_taken_away() {
    let bench = Bench::with(pace(), auto());
    bench.events.send(Event::Settled).await.unwrap();
    let lease = bench.ready("a").await.unwrap();
    another_runtime(&bench, &["m"]).await;
    bench.until("the other one", |catalog| catalog.endpoint("ollama@11434").is_some()).await;
    let second = soon(bench.engine.ready("a")).await.unwrap();
    assert!(is_offered(&bench.catalog.borrow()), "someone uses it");
    drop((lease, second));
    bench.until("still offered", |catalog| !is_offered(catalog)).await;
    bench.close().await;
}

#[tokio::test]
async fn without_a_server_it_says_so() {
    let mut settings = settings();
    settings.builtin.server = "/nowhere/llama-server".into();
    let bench = Bench::with(pace(), settings);
    let catalog = bench.until("nothing is told", |catalog| catalog.refused().next().is_some()).await;
    let told = &catalog.refused().next().unwrap().reason;
    assert!(told.starts_with("/nowhere/llama-server, named as the server under [builtin]"), "{told}");
    assert!(!is_offered(&catalog), "models that nothing can serve are not listed");
    let error = soon(bench.engine.ready("a")).await.unwrap_err();
    assert!(matches!(&error, EngineError::NoServer(reason) if **reason == **told), "{error:?}");
    bench.close().await;
}

#[tokio::test]
async fn without_models_it_says_where_to_put_them() {
    let bench = Bench::new();
    bench.take_away("data/models/a.gguf");
    bench.take_away("data/models/b.gguf");
    let is_told = |catalog: &Catalog| catalog.refused().any(|refusal| refusal.reason.contains("put a GGUF file into"));
    let catalog = bench.until("nothing is told", is_told).await;
    assert!(!is_offered(&catalog));
    bench.close().await;
}
