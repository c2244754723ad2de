//! The makers' own SDKs against the gateway: what they send and what they can read is the real test of a surface.
//!
//! Each is a small Python program beside this file, which asks and asserts; it says `ok` at its end.

use crate::harness::runtime::{LlamaOptions, LlamaServer, Ollama, Parts, SMOL, fixture, parts};
use crate::harness::{Gateway, Options, bounded};

async fn run(parts: &Parts, program: &str, gateway: &Gateway, model: &str) {
    let mut python = tokio::process::Command::new(parts.python());
    python
        .arg("-B")
        .arg(fixture("clients").join(program))
        .args([format!("http://127.0.0.1:{}", gateway.port()), model.to_owned()])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", gateway.root().join("home"))
        .kill_on_drop(true);
    // Many questions to a real model in one step: the test's own bound is the only one.
    let output = python.output().await.expect("python");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.trim_end().ends_with("ok"), "{program}: {said}{wrong}");
}

async fn over_llama(parts: &Parts) -> (LlamaServer, Gateway) {
    let options = LlamaOptions { alias: Some(SMOL.to_owned()), tools: true, ..Default::default() };
    let llama = LlamaServer::start(parts, &parts.smol(), options).await;
    let gateway = Gateway::start(Options::new().discovers(llama.port())).await;
    gateway.ready(SMOL).await;
    (llama, gateway)
}

#[test]
fn openais_python_sdk_over_llamacpp() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = over_llama(&parts).await;
        run(&parts, "openai_sdk.py", &gateway, SMOL).await;
    });
}

#[test]
fn anthropics_python_sdk_over_llamacpp() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let (_llama, gateway) = over_llama(&parts).await;
        run(&parts, "anthropic_sdk.py", &gateway, SMOL).await;
    });
}

#[test]
fn ollamas_python_sdk_over_ollama() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let ollama = Ollama::start(&parts).await;
        ollama.create("smol-tools:135m", &parts.smol(), Some("parts/smol-tools.gotmpl")).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        gateway.ready("smol-tools:135m").await;
        run(&parts, "ollama_sdk.py", &gateway, "smol-tools:135m").await;
    });
}
