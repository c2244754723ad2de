//! Real runtimes: a llama.cpp server and an Ollama, from the folder of built parts that `POINTSMAN_TEST_PARTS` names.
//!
//! Without that variable the tests that need one say so and pass: `make test` always sets it. With it, a part that is
//! missing fails them, but for the statically built server, which takes minutes to build.

mod llama;
mod ollama;
mod vllm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pointsman_gateway::environment::Environment;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

pub(crate) use llama::{LlamaOptions, LlamaServer, strict};
pub(crate) use ollama::Ollama;
pub(crate) use vllm::Vllm;

/// The name under which tests serve the real small model.
pub(crate) const SMOL: &str = "smollm2";

/// The longest that a runtime may take to start: vLLM takes half a minute on an idle machine.
const START: Duration = Duration::from_secs(180);

/// Where the built parts lie.
#[derive(Clone, Debug)]
pub(crate) struct Parts(PathBuf);

/// The built parts; `None` where none were built, which is told.
#[expect(clippy::print_stderr, reason = "a test that did not run must be seen in its output")]
pub(crate) fn parts() -> Option<Parts> {
    let folder = Environment::of_process().get("POINTSMAN_TEST_PARTS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("not run: POINTSMAN_TEST_PARTS names no folder of built parts (`make test` does)");
    }
    folder.map(Parts)
}

impl Parts {
    /// The `llama-server` that every machine has.
    pub(crate) fn llama_server(&self) -> PathBuf {
        self.part("engine/bin/llama-server")
    }

    /// The statically built `llama-server`, which has router mode; `None` where it was not built.
    #[expect(clippy::print_stderr, reason = "a test that did not run must be seen in its output")]
    pub(crate) fn static_llama_server(&self) -> Option<PathBuf> {
        let path = self.0.join("engine-static/bin/llama-server");
        if !path.exists() {
            eprintln!("not run: {} was not built (`make engine` does)", path.display());
            return None;
        }
        Some(path)
    }

    /// A small model that really answers.
    pub(crate) fn smol(&self) -> PathBuf {
        self.part("models/SmolLM2-135M-Instruct.Q4_1.gguf")
    }

    /// A tiny model of random weights.
    pub(crate) fn tiny(&self) -> PathBuf {
        self.part("parts/tiny.gguf")
    }

    /// Ollama.
    pub(crate) fn ollama(&self) -> PathBuf {
        self.part("ollama/bin/ollama")
    }

    /// vLLM, which only `make test-vllm` installs.
    pub(crate) fn vllm(&self) -> PathBuf {
        self.part("vllm/bin/vllm")
    }

    /// The small model as vLLM wants it.
    pub(crate) fn vllm_model(&self) -> PathBuf {
        self.part("vllm/SmolLM2-135M-Instruct")
    }

    /// A Python that has the clients' SDKs.
    pub(crate) fn python(&self) -> PathBuf {
        self.part("sdks/bin/python")
    }

    /// The Node.js that everything in JavaScript runs on.
    pub(crate) fn node(&self) -> PathBuf {
        self.part("node/bin/node")
    }

    /// The clients' SDKs for it.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.part("node/node_modules")
    }

    /// An agent's program, which only `make test-agents` installs.
    pub(crate) fn agent(&self, path: &str) -> PathBuf {
        self.part(&format!("agents/{path}"))
    }

    fn part(&self, path: &str) -> PathBuf {
        let path = self.0.join(path);
        assert!(path.exists(), "{} is missing (`make parts` makes it)", path.display());
        path
    }
}

/// A file that stands beside these tests.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(path)
}

/// Reads a program's output until a line holds something wanted, then lets the rest flow away.
async fn said<T: Send + 'static>(
    what: &str,
    output: impl AsyncRead + Unpin + Send + 'static,
    wanted: impl Fn(&str) -> Option<T>,
) -> T {
    said_within(START, output, wanted).await.unwrap_or_else(|silence| panic!("{what}: {silence}"))
}

/// The same within a time of its own, or else what was said in place of it.
async fn said_within<T: Send + 'static>(
    time: Duration,
    output: impl AsyncRead + Unpin + Send + 'static,
    wanted: impl Fn(&str) -> Option<T>,
) -> Result<T, String> {
    let mut lines = BufReader::new(output).lines();
    let mut seen = String::new();
    let found = tokio::time::timeout(time, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(found) = wanted(&line) {
                return Some(found);
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        None
    })
    .await;
    match found {
        Ok(Some(found)) => {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            Ok(found)
        }
        Ok(None) => Err(format!("it ended; it said: {seen}")),
        Err(_) => Err(format!("waited {} s in vain; it said: {seen}", time.as_secs())),
    }
}

/// The port in the first address of this machine that a line names.
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|port| *port != 0)
}
