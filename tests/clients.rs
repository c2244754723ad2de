//! The makers' own SDKs, and what is built on them, against the gateway: what they send and what they can read is the real
//! test of a surface.
//!
//! Each is a small program beside this file, which asks and asserts; it says `ok` at its end.

use crate::harness::runtime::{LlamaOptions, LlamaServer, Ollama, Parts, SMOL, fixture, parts};
use crate::harness::{Gateway, Options, bounded};

/// A model that makes vectors, beside the one that chats.
const EMBEDDER: &str = "embedder";

/// A model of Ollama's that does both.
const BOTH: &str = "smol-tools:135m";

/// What a program of this name asks; the model that chats, and the one that makes vectors.
async fn run(parts: &Parts, program: &str, gateway: &Gateway, model: &str, embedder: &str) {
    let interpreter = if program.ends_with(".py") { parts.python() } else { parts.node() };
    let mut client = tokio::process::Command::new(interpreter);
    client
        .arg(fixture("clients").join(program))
        .args([&format!("http://127.0.0.1:{}", gateway.port()), model, embedder])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", gateway.root().join("home"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", parts.node_modules())
        .kill_on_drop(true);
    // Many questions to a real model in one step: the test's own bound is the only one.
    let output = client.output().await.expect("an interpreter");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.trim_end().ends_with("ok"), "{program}: {said}{wrong}");
}

/// Runs these over a real llama.cpp.
fn check_over_llama(programs: &[&str]) {
    bounded(async {
        let Some(parts) = parts() else { return };
        let chats = LlamaOptions { alias: Some(SMOL.to_owned()), tools: true, ..Default::default() };
        let chats = LlamaServer::start(&parts, &parts.smol(), chats).await;
        let embeds = LlamaOptions { alias: Some(EMBEDDER.to_owned()), embeddings: true, ..Default::default() };
        let embeds = LlamaServer::start(&parts, &parts.smol(), embeds).await;
        let options = Options::new().discovers(chats.port()).discovers(embeds.port());
        let gateway = Gateway::start(options.route("default", &[SMOL])).await;
        gateway.ready(SMOL).await;
        gateway.ready(EMBEDDER).await;
        for program in programs {
            run(&parts, program, &gateway, SMOL, EMBEDDER).await;
        }
    });
}

/// Runs these over a real Ollama.
fn check_over_ollama(programs: &[&str]) {
    bounded(async {
        let Some(parts) = parts() else { return };
        let ollama = Ollama::start(&parts).await;
        ollama.create(BOTH, &parts.smol(), Some("parts/smol-tools.gotmpl")).await;
        let gateway = Gateway::start(Options::new().discovers(ollama.port())).await;
        gateway.ready(BOTH).await;
        for program in programs {
            run(&parts, program, &gateway, BOTH, BOTH).await;
        }
    });
}

#[test]
fn openais_sdks_over_llamacpp() {
    check_over_llama(&["openai_sdk.py", "openai_sdk.mjs"]);
}

#[test]
fn anthropics_sdks_over_llamacpp() {
    check_over_llama(&["anthropic_sdk.py", "anthropic_sdk.mjs"]);
}

#[test]
fn googles_sdks_over_llamacpp() {
    check_over_llama(&["genai_sdk.py", "genai_sdk.mjs"]);
}

#[test]
fn ollamas_sdks_over_llamacpp() {
    check_over_llama(&["ollama_sdk.py", "ollama_sdk.mjs"]);
}

#[test]
fn langchain_and_llm_over_llamacpp() {
    check_over_llama(&["langchain_sdk.py", "llm_cli.py"]);
}

#[test]
fn ollamas_sdks_over_ollama() {
    check_over_ollama(&["ollama_sdk.py", "ollama_sdk.mjs"]);
}

/// In JavaScript only, since Ollama's own small model is slow; each asks for what the Python program asks.
#[test]
fn the_other_makers_sdks_over_ollama() {
    check_over_ollama(&["openai_sdk.mjs", "anthropic_sdk.mjs", "genai_sdk.mjs"]);
}
