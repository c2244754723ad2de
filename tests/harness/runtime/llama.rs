//! A real llama.cpp server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::{Parts, START, fixture, port_in, said_within};
use crate::harness::{Ask, within};

/// A running llama.cpp server. Killed when dropped.
pub(crate) struct LlamaServer {
    child: Child,
    port: u16,
}

/// How it is started.
#[derive(Clone, Default)]
pub(crate) struct LlamaOptions {
    /// The port; 0 takes a free one.
    pub(crate) port: u16,
    /// The name it answers under.
    pub(crate) alias: Option<String>,
    /// Whether it makes vectors instead of chats.
    pub(crate) embeddings: bool,
    /// Whether it uses the template that knows tools.
    pub(crate) tools: bool,
    /// The key that callers need.
    pub(crate) key: Option<String>,
    /// Another server than the usual one.
    pub(crate) server: Option<PathBuf>,
    /// Further arguments.
    pub(crate) more: Vec<String>,
}

/// What every template of Qwen 3.5 and later begins with, in effect: a system text anywhere else is an error.
const STRICT: &str = "{%- for message in messages %}{%- if message.role == 'system' and not loop.first %}\
    {{ raise_exception('System message must be at the beginning.') }}{%- endif %}{%- endfor %}";

/// The arguments for a template that knows tools and is that strict, which is written into this folder.
pub(crate) fn strict(folder: &Path) -> Vec<String> {
    let usual = std::fs::read_to_string(fixture("parts/smol-tools.jinja")).expect("a template");
    let template = folder.join("strict.jinja");
    std::fs::write(&template, STRICT.to_owned() + &usual).expect("a template");
    ["--jinja", "--chat-template-file", &template.display().to_string()].map(str::to_owned).to_vec()
}

/// How long one may be silent before another is started in its place: it names its address within a second or two.
/// One of the prebuilt wheel's once never did, on a busy machine, and none of 900 that were started to see it again.
const STUCK: Duration = Duration::from_secs(45);

#[expect(clippy::print_stderr, reason = "a runtime that hung must be seen in the output")]
fn tell_stuck(silence: &str) {
    eprintln!("a llama-server hung as it started, another is tried: {silence}");
}

/// What each thread of a process waits for, as far as the system tells.
fn threads(process: Option<u32>) -> String {
    let tasks = process.and_then(|id| std::fs::read_dir(format!("/proc/{id}/task")).ok());
    let waits = tasks.into_iter().flatten().flatten().map(|task| {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        format!("thread {} waits at {} in call {}\n", read("comm").trim(), read("wchan"), read("syscall").trim())
    });
    waits.collect()
}

impl LlamaServer {
    /// Starts one on this model and waits until it answers.
    pub(crate) async fn start(parts: &Parts, model: &Path, options: LlamaOptions) -> LlamaServer {
        let mut arguments = vec!["--model".to_owned(), model.display().to_string()];
        let alias = options.alias.clone();
        arguments.extend(alias.into_iter().flat_map(|alias| ["--alias".to_owned(), alias]));
        arguments.extend(["--ctx-size", "4096", "--parallel", "1"].map(str::to_owned));
        LlamaServer::start_with(parts, arguments, options).await
    }

    /// Starts one in router mode, over the models that this preset file lists.
    pub(crate) async fn start_router(parts: &Parts, server: PathBuf, preset: &Path) -> LlamaServer {
        let arguments = vec!["--models-preset".to_owned(), preset.display().to_string()];
        let more = ["--models-max", "2", "--offline"].map(str::to_owned).to_vec();
        LlamaServer::start_with(parts, arguments, LlamaOptions { server: Some(server), more, ..Default::default() })
            .await
    }

    async fn start_with(parts: &Parts, mut arguments: Vec<String>, options: LlamaOptions) -> LlamaServer {
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["--host", "127.0.0.1", "--port", &options.port.to_string()]);
        add(&["--threads", "1"]);
        if options.embeddings {
            add(&["--embeddings", "--pooling", "mean"]);
        }
        if options.tools {
            add(&["--jinja", "--chat-template-file", &fixture("parts/smol-tools.jinja").display().to_string()]);
        }
        if let Some(key) = &options.key {
            add(&["--api-key", key]);
        }
        arguments.extend(options.more);
        let server = options.server.unwrap_or_else(|| parts.llama_server());
        let (child, port) = match LlamaServer::spawn(&server, &arguments, STUCK).await {
            Ok(started) => started,
            Err(silence) => {
                tell_stuck(&silence);
                let again = LlamaServer::spawn(&server, &arguments, START).await;
                again.unwrap_or_else(|silence| panic!("llama-server to name its address, twice: {silence}"))
            }
        };
        let llama = LlamaServer { child, port };
        llama.healthy().await;
        llama
    }

    /// Starts the process and waits until it names its port, or says how it stood when it did not.
    async fn spawn(server: &Path, arguments: &[String], time: Duration) -> Result<(Child, u16), String> {
        let mut child = Command::new(server)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", server.display()));
        let stderr = child.stderr.take().expect("its stderr");
        match said_within(time, stderr, port_in).await {
            Ok(port) => Ok((child, port)),
            Err(silence) => Err(silence + &threads(child.id())),
        }
    }

    /// Waits until its model is loaded. It says so nowhere but here, so it is asked until it does; a connection each,
    /// which paces the asking.
    async fn healthy(&self) {
        within("llama-server to load its model", async {
            while Ask::get("/health").send(self.port).await.status() != 200 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it and waits until it is gone; its port may be taken again.
    pub(crate) async fn kill(mut self) -> u16 {
        self.child.kill().await.expect("a process to kill");
        self.port
    }
}
