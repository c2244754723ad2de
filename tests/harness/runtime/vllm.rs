//! A real vLLM, on the processor.

use std::process::Stdio;

use tokio::process::{Child, Command};

use super::{Parts, SMOL, fixture, said};
use crate::harness::Port;

/// A running vLLM that serves the real small model and calls tools. Killed when dropped.
pub(crate) struct Vllm {
    _child: Child,
    group: u32,
    port: u16,
}

impl Vllm {
    /// Starts one and waits until it answers, which takes half a minute.
    pub(crate) async fn start(parts: &Parts) -> Vllm {
        // It cannot be told to take a free port and say which.
        let port = Port::reserve().number();
        let template = fixture("parts/smol-tools.jinja");
        let mut child = Command::new(parts.vllm())
            .arg("serve")
            .arg(parts.vllm_model())
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--served-model-name", SMOL])
            .args(["--max-model-len", "2048", "--max-num-seqs", "4", "--dtype", "bfloat16", "--enforce-eager"])
            .args(["--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--chat-template"])
            .arg(template)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own, since its engine is another process.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("vllm");
        let stderr = child.stderr.take().expect("its stderr");
        said("vLLM to be ready", stderr, |line| line.contains("Application startup complete").then_some(())).await;
        let group = child.id().expect("a vLLM that runs");
        Vllm { _child: child, group, port }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Vllm {
    fn drop(&mut self) {
        let group = format!("-{}", self.group);
        let _ = std::process::Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
    }
}
