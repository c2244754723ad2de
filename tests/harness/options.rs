//! A gateway's settings and variables, as a test wants them.
//!
//! By default it finds nothing by itself: neither the usual ports nor the process list are looked at, so that what else
//! runs on the machine never changes a test.

use std::fmt::Write as _;

/// What a gateway is started with.
#[derive(Clone, Default)]
pub(crate) struct Options {
    top: Vec<String>,
    tables: Vec<String>,
    ports: Vec<u16>,
    processes: bool,
    builtin: Option<String>,
    limits: Vec<String>,
    bind: Option<String>,
    variables: Vec<(String, String)>,
}

impl Options {
    /// Nothing found, nothing set.
    pub(crate) fn new() -> Options {
        Options::default()
    }

    /// Asks this port what listens there.
    pub(crate) fn discovers(mut self, port: u16) -> Options {
        self.ports.push(port);
        self
    }

    /// Reads the process list, as the default is for users.
    pub(crate) fn processes(mut self) -> Options {
        self.processes = true;
        self
    }

    /// An endpoint by hand that speaks this protocol (`openai`, or a list in TOML's brackets) and has these models.
    pub(crate) fn endpoint(self, name: &str, base_url: &str, protocol: &str, models: &[&str]) -> Options {
        let protocol = if protocol.starts_with('[') { protocol.to_owned() } else { format!("\"{protocol}\"") };
        self.table(&format!(
            "[[endpoints]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\nprotocol = {protocol}\nmodels = {models:?}"
        ))
    }

    /// The same with more lines: `key`, `allow_private`.
    pub(crate) fn endpoint_with(self, name: &str, base_url: &str, models: &[&str], more: &str) -> Options {
        self.table(&format!(
            "[[endpoints]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\nprotocol = \"openai\"\nmodels = {models:?}\n{more}"
        ))
    }

    /// A route.
    pub(crate) fn route(self, name: &str, targets: &[&str]) -> Options {
        self.table(&format!("[routes.{name}]\ntargets = {targets:?}"))
    }

    /// A line before every table: `require_key = "always"`.
    pub(crate) fn top(mut self, line: &str) -> Options {
        self.top.push(line.to_owned());
        self
    }

    /// A table of its own.
    pub(crate) fn table(mut self, text: &str) -> Options {
        self.tables.push(text.to_owned());
        self
    }

    /// A line of `[limits]`.
    pub(crate) fn limit(mut self, line: &str) -> Options {
        self.limits.push(line.to_owned());
        self
    }

    /// The built-in runtime, with these lines of `[builtin]`.
    pub(crate) fn builtin(mut self, lines: &str) -> Options {
        self.builtin = Some(lines.to_owned());
        self
    }

    /// Addresses to listen on, in TOML's brackets.
    pub(crate) fn bind(mut self, addresses: &str) -> Options {
        self.bind = Some(addresses.to_owned());
        self
    }

    /// An environment variable of the gateway.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Options {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The variables.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The settings file's text.
    pub(crate) fn settings(&self) -> String {
        let mut text = String::new();
        // One address, since with port 0 two addresses would be two ports.
        let bind = self.bind.as_deref().unwrap_or("[\"127.0.0.1\"]");
        let _ = writeln!(text, "bind = {bind}");
        for line in &self.top {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "\n[log]\nlevel = \"debug\"");
        let _ = writeln!(
            text,
            "\n[discovery]\ndefault_ports = false\nprocesses = {}\nports = {:?}",
            self.processes, self.ports
        );
        let _ = writeln!(text, "\n[builtin]\n{}", self.builtin.as_deref().unwrap_or("enabled = \"off\""));
        let _ = writeln!(text, "\n[limits]\n{}", self.limits.join("\n"));
        for table in &self.tables {
            let _ = writeln!(text, "\n{table}");
        }
        text
    }
}
