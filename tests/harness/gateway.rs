//! The real binary, running `serve` in a folder of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use pointsman_gateway::control::{Command, Reply, Snapshot};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;

use super::{Answer, Ask, Control, Fake, Options, within};

/// Every protocol that an endpoint can be told to speak, as the settings write it.
pub(crate) const EVERY_PROTOCOL: &str = r#"["openai", "openai-responses", "anthropic", "ollama"]"#;

/// A running gateway. Killed when dropped; its log is shown when the test fails.
pub(crate) struct Gateway {
    child: Child,
    port: u16,
    root: TempDir,
}

impl Gateway {
    /// Starts one and waits until it listens.
    pub(crate) async fn start(options: Options) -> Gateway {
        Gateway::start_in(new_root(), &options).await
    }

    /// Starts one whose folder holds something already.
    pub(crate) async fn start_in(root: TempDir, options: &Options) -> Gateway {
        Gateway::listen(root, options, 0).await
    }

    /// Starts one on this very port.
    pub(crate) async fn start_on(options: Options, port: u16) -> Gateway {
        Gateway::listen(new_root(), &options, port).await
    }

    async fn listen(root: TempDir, options: &Options, port: u16) -> Gateway {
        write_settings(root.path(), &options.settings());
        let mut child = serve(root.path(), options, &["--port", &port.to_string()]);
        let stdout = child.stdout.take().expect("its stdout");
        let mut lines = BufReader::new(stdout).lines();
        let mut gateway = Gateway { child, port, root };
        gateway.port = within("the line `listening on 127.0.0.1:PORT`", async {
            let mut seen = String::new();
            while let Some(line) = lines.next_line().await.expect("its stdout") {
                if let Some(port) = line.trim().strip_prefix("listening on ").and_then(port_of) {
                    return port;
                }
                let _ = writeln!(seen, "{line}");
            }
            panic!("`serve` ended without listening; it said: {seen}{}", gateway.log());
        })
        .await;
        // Whatever else it says goes nowhere, but must not fill the pipe.
        tokio::spawn(async move {
            let _ = lines.into_inner().read_to_end(&mut Vec::new()).await;
        });
        gateway
    }

    /// Starts one with a single endpoint by hand, `up`, that is told to speak every protocol and has the model `m`, and
    /// waits until that can be asked.
    pub(crate) async fn over(fake: &Fake) -> Gateway {
        Gateway::over_with(fake, Options::new()).await
    }

    /// The same with more settings.
    pub(crate) async fn over_with(fake: &Fake, options: Options) -> Gateway {
        let gateway = Gateway::start(options.endpoint("up", &fake.url(), EVERY_PROTOCOL, &["m"])).await;
        gateway.ready("m").await;
        gateway
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().expect("a gateway that runs")
    }

    /// The folder that holds its home, settings, data and log.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The folder, for a gateway that comes after this one.
    pub(crate) fn into_root(mut self) -> TempDir {
        std::mem::replace(&mut self.root, new_root())
    }

    /// All that it wrote to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read(self.root().join("stderr.log"))
            .map_or_else(|error| error.to_string(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    /// Replaces the settings file as editors do, by renaming over it.
    pub(crate) fn rewrite(&self, settings: &str) {
        write_settings(self.root(), settings);
    }

    /// The settings file.
    pub(crate) fn settings_file(&self) -> PathBuf {
        settings_file(self.root())
    }

    /// A `pointsman` command that talks to this gateway.
    pub(crate) fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = pointsman(self.root(), &[]);
        command.args(arguments);
        command
    }

    /// A connection to the control socket.
    pub(crate) async fn control(&self) -> Control {
        Control::connect(&self.root().join("run/pointsman/control.sock")).await
    }

    /// Asks one thing over the control socket.
    pub(crate) async fn tell(&self, command: &Command) -> Reply {
        self.control().await.ask(command).await
    }

    /// Waits until what there is to show is as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        self.control().await.until(what, wanted).await
    }

    /// Waits until a model can be asked for.
    pub(crate) async fn ready(&self, model: &str) -> Snapshot {
        self.until(&format!("the model `{model}`"), |snapshot| {
            snapshot.models.iter().any(|known| &*known.id == model || known.aliases.iter().any(|name| &**name == model))
        })
        .await
    }

    /// Waits until the usage rows are as wanted, newest first. Rows are written behind the answer's back, so they are
    /// asked for until they are there; each asking waits for the writer.
    pub(crate) async fn rows(&self, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut control = self.control().await;
        within(what, async {
            loop {
                let rows = match control
                    .ask(&Command::Requests { limit: 100, before: None, filter: Default::default() })
                    .await
                {
                    Reply::Requests { rows } => rows,
                    other => panic!("no rows: {other:?}"),
                };
                if wanted(&rows) {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Makes a client key for a tool, and gives it.
    pub(crate) async fn client_key(&self, tool: &str) -> String {
        match self.tell(&Command::AddClientKey { name: tool.to_owned() }).await {
            Reply::ClientKey { key } => key.0,
            other => panic!("no client key: {other:?}"),
        }
    }

    /// A GET request's answer.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        Ask::get(path).send(self.port).await
    }

    /// A JSON request's answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Ask::post(path, body).send(self.port).await
    }

    /// The most memory that it ever held, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Sends it a signal: `TERM`, `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        signal(self.process(), name).await;
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("the gateway's end", self.child.wait()).await.expect("its exit status")
    }
}

impl Drop for Gateway {
    #[expect(clippy::print_stderr, reason = "whoever reads a failed test needs the gateway's log")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(80)..].join("\n");
            eprintln!("--- the gateway's log, its last lines ---\n{tail}\n---");
        }
    }
}

/// An empty folder for a gateway.
pub(crate) fn new_root() -> TempDir {
    // Short, since a socket's path may have no more than about a hundred bytes.
    let root = tempfile::Builder::new().prefix("pm").tempdir().expect("a folder");
    for folder in ["home", "config/pointsman", "data", "run"] {
        std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
    }
    root
}

/// Where a gateway of this folder has its settings.
pub(crate) fn settings_file(root: &Path) -> PathBuf {
    root.join("config/pointsman/settings.toml")
}

/// Writes the settings of a gateway that runs in this folder.
pub(crate) fn write_settings(root: &Path, text: &str) {
    let file = settings_file(root);
    let new = file.with_extension("toml.new");
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &file)).expect("a settings file");
}

/// `pointsman` in this folder, with nothing of the tester's own environment but the path.
pub(crate) fn pointsman(root: &Path, variables: &[(String, String)]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pointsman"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", root.join("home"))
        .env("XDG_CONFIG_HOME", root.join("config"))
        .env("XDG_DATA_HOME", root.join("data"))
        .env("XDG_STATE_HOME", root.join("state"))
        .env("XDG_CACHE_HOME", root.join("cache"))
        .env("XDG_RUNTIME_DIR", root.join("run"))
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .current_dir(root)
        .kill_on_drop(true);
    command
}

/// `pointsman serve` with these further arguments.
pub(crate) fn serve(root: &Path, options: &Options, arguments: &[&str]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(root.join("stderr.log")).expect("a log");
    pointsman(root, options.variables())
        .arg("serve")
        .args(arguments)
        .arg("--config")
        .arg(settings_file(root))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the binary")
}

/// Sends a signal to a process, with no need for `unsafe`.
pub(crate) async fn signal(process: u32, name: &str) {
    let status = tokio::process::Command::new("kill").args(["-s", name, &process.to_string()]).status().await;
    assert!(status.is_ok_and(|status| status.success()), "kill -s {name} {process}");
}

/// The files below a folder that hold this text.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let content = std::fs::read(&path).unwrap_or_default();
                if content.windows(text.len()).any(|window| window == text.as_bytes()) {
                    found.push(path);
                }
            }
        }
    }
    found
}

fn port_of(address: &str) -> Option<u16> {
    address.split_whitespace().next()?.trim_end_matches(',').rsplit(':').next()?.parse().ok()
}
