//! A real Ollama with a home of its own, and models made from files at hand: nothing is pulled.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Parts, fixture, port_in, said};
use crate::harness::Ask;

/// A running Ollama. Killed when dropped.
pub(crate) struct Ollama {
    child: Child,
    group: u32,
    port: u16,
    // Removed after the process was killed, which is why it stands last.
    _home: TempDir,
}

impl Ollama {
    /// Starts one without any model.
    pub(crate) async fn start(parts: &Parts) -> Ollama {
        let home = tempfile::Builder::new().prefix("pm-ollama").tempdir().expect("a folder");
        let mut child = Command::new(parts.ollama())
            .arg("serve")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home.path())
            .env("OLLAMA_HOST", "127.0.0.1:0")
            .env("OLLAMA_MODELS", home.path().join("models"))
            .env("OLLAMA_NUM_PARALLEL", "1")
            .env("OLLAMA_CONTEXT_LENGTH", "2048")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own, since it leaves the runners of its models behind when it is killed alone.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("ollama");
        let stderr = child.stderr.take().expect("its stderr");
        let port = said("Ollama to name its address", stderr, |line| {
            line.contains("Listening on").then(|| port_in(line)).flatten()
        })
        .await;
        let group = child.id().expect("an Ollama that runs");
        Ollama { child, group, port, _home: home }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().expect("an Ollama that runs")
    }

    /// Makes a model from a GGUF file, with this template of its own where one is given.
    pub(crate) async fn create(&self, name: &str, gguf: &Path, template: Option<&str>) {
        self.create_with(name, gguf, template, json!({"num_ctx": 2048})).await;
    }

    /// Makes a model for which no context is set.
    pub(crate) async fn create_free(&self, name: &str, gguf: &Path) {
        self.create_with(name, gguf, None, json!({})).await;
    }

    async fn create_with(&self, name: &str, gguf: &Path, template: Option<&str>, mut parameters: Value) {
        parameters["num_thread"] = 1.into();
        parameters["stop"] = json!(["<|im_end|>"]);
        let blob = std::fs::read(gguf).expect("a model file");
        let digest: String = Sha256::digest(&blob).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/api/blobs/sha256:{digest}");
        // A blob that is there already is refused by a reset connection, not by a status: ask first.
        if Ask::new("HEAD", &path).send(self.port).await.status() != 200 {
            Ask::new("POST", &path).body(blob).send(self.port).await.expect(201).await;
        }
        let mut ask = json!({"model": name, "files": {"model.gguf": format!("sha256:{digest}")},
            "parameters": parameters});
        if let Some(template) = template {
            ask["template"] = std::fs::read_to_string(fixture(template)).expect("a template").into();
        }
        let said = Ask::post("/api/create", &ask).send(self.port).await.text().await;
        assert!(said.contains("success"), "{name}: {said}");
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("a process to kill");
    }
}

impl Drop for Ollama {
    fn drop(&mut self) {
        let group = format!("-{}", self.group);
        let _ = std::process::Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
    }
}
