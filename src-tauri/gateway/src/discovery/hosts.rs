//! Addresses as runtimes read them from environment variables and files.

use std::net::IpAddr;

use crate::provider::{PortFileForm, VariableForm};

/// An address in Ollama's reading of `OLLAMA_HOST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OllamaHost {
    /// `http` or `https`.
    pub scheme: String,
    /// A name or an address; empty = all interfaces.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, without its first slash.
    pub path: String,
}

/// Reads `OLLAMA_HOST` exactly as Ollama does (runtimes.md 1.1): a bare `8080` is a host, `:8080` a port on all interfaces.
pub(super) fn ollama_host(value: &str) -> OllamaHost {
    let value = value.trim().trim_matches(['"', '\'']).trim();
    let (scheme, rest, default) = match value.split_once("://") {
        None if value == "ollama.com" => ("https", "ollama.com:443", 443),
        None => ("http", value, 11434),
        Some((scheme @ "http", rest)) => (scheme, rest, 80),
        Some((scheme @ "https", rest)) => (scheme, rest, 443),
        Some((scheme, rest)) => (scheme, rest, 11434),
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match split(place) {
        Some((host, port)) => (host.to_owned(), port.parse().unwrap_or(default)),
        None => {
            let bare = place.trim_matches(['[', ']']);
            let host = bare.parse::<IpAddr>().map_or(place.to_owned(), |ip| ip.to_string());
            (if host.is_empty() { "127.0.0.1".to_owned() } else { host }, default)
        }
    };
    OllamaHost { scheme: scheme.to_owned(), host, port, path: path.to_owned() }
}

/// `host:port` as Go's `net.SplitHostPort` splits it.
fn split(place: &str) -> Option<(&str, &str)> {
    let (host, port) = place.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').filter(|inner| !inner.contains(['[', ']'])).map(|inner| (inner, port)),
        None => (!host.contains([':', '[', ']']) && !port.contains([']', '['])).then_some((host, port)),
    }
}

/// The port on this machine that a variable names.
pub(super) fn port_in_variable(value: &str, form: VariableForm) -> Option<u16> {
    let port = match form {
        VariableForm::Ollama => {
            let host = ollama_host(value);
            if host.scheme != "http" || !is_here(&host.host) {
                return None;
            }
            host.port
        }
        VariableForm::Port => value.trim().parse().ok()?,
        VariableForm::Address => {
            let (host, port) = split(value.trim())?;
            if !is_here(host) {
                return None;
            }
            port.parse().ok()?
        }
    };
    (port > 0).then_some(port)
}

fn is_here(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host.is_empty() || host == "localhost",
    }
}

/// The port that a file names.
pub(super) fn port_in_file(text: &str, form: PortFileForm) -> Option<u16> {
    let port = match form {
        PortFileForm::Json => super::pointer::text(text.as_bytes(), "/port").and_then(|port| port.parse().ok())?,
        PortFileForm::Ini => text.lines().rev().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "port").then(|| value.trim().parse().ok())?
        })?,
        PortFileForm::OllamaUnit => text.lines().rev().find_map(|line| {
            let value = line.trim().strip_prefix("Environment=")?.trim_matches(['"', '\'']);
            port_in_variable(value.strip_prefix("OLLAMA_HOST=")?, VariableForm::Ollama)
        })?,
    };
    (port > 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let OllamaHost { scheme, host, port, path } = ollama_host(value);
        assert_eq!(format!("{scheme} {host} {port} {path}").trim_end(), expected, "{value}");
    }

    #[test]
    fn reads_ollama_host_as_ollama_does() {
        check("", "http 127.0.0.1 11434");
        check("1.2.3.4", "http 1.2.3.4 11434");
        check(":1234", "http  1234");
        check("1234", "http 1234 11434");
        check("example.com", "http example.com 11434");
        check("example.com:1234", "http example.com 1234");
        check("http://1.2.3.4", "http 1.2.3.4 80");
        check("https://1.2.3.4", "https 1.2.3.4 443");
        check("https://1.2.3.4:4321", "https 1.2.3.4 4321");
        check("http://example.com/", "http example.com 80");
        check("example.com:1234/", "http example.com 1234");
        check("example.com/ollama", "http example.com 11434 ollama");
        check("https://example.com/a/b", "https example.com 443 a/b");
        check("example.com:", "http example.com 11434");
        check("example.com:66000", "http example.com 11434");
        check("example.com:-1", "http example.com 11434");
        check("example.com:x", "http example.com 11434");
        check("https://example.com:66000", "https example.com 443");
        check("[::1]", "http ::1 11434");
        check("[::1]:8080", "http ::1 8080");
        check("::1", "http ::1 11434");
        check("[::]", "http :: 11434");
        check("0.0.0.0", "http 0.0.0.0 11434");
        check("0.0.0.0:11435", "http 0.0.0.0 11435");
        check(" 1.2.3.4 ", "http 1.2.3.4 11434");
        check("\"1.2.3.4:99\"", "http 1.2.3.4 99");
        check("'1.2.3.4'", "http 1.2.3.4 11434");
        check("ollama.com", "https ollama.com 443");
    }

    #[test]
    fn ports_of_this_machine_only() {
        let check = |value: &str, form, expected| assert_eq!(port_in_variable(value, form), expected, "{value}");
        check("0.0.0.0:11500", VariableForm::Ollama, Some(11500));
        check(":8080", VariableForm::Ollama, Some(8080));
        check("localhost:8081", VariableForm::Ollama, Some(8081));
        check("http://127.0.0.1", VariableForm::Ollama, Some(80));
        check("192.168.1.9:11434", VariableForm::Ollama, None);
        check("https://127.0.0.1:11434", VariableForm::Ollama, None);
        check("9001", VariableForm::Port, Some(9001));
        check("0", VariableForm::Port, None);
        check("x", VariableForm::Port, None);
        check(":8090", VariableForm::Address, Some(8090));
        check("127.0.0.1:8090", VariableForm::Address, Some(8090));
        check("10.0.0.1:8090", VariableForm::Address, None);
    }

    #[test]
    fn ports_in_files() {
        let check = |text: &str, form, expected| assert_eq!(port_in_file(text, form), expected, "{text}");
        check(r#"{"autoStartOnLaunch":true,"port":1250,"cors":false}"#, PortFileForm::Json, Some(1250));
        check(r#"{"port":"x"}"#, PortFileForm::Json, None);
        check("", PortFileForm::Json, None);
        check("host = 0.0.0.0\nport = 8099\n", PortFileForm::Ini, Some(8099));
        check("; port = 1\n#port=2\n", PortFileForm::Ini, None);
        check("[Service]\nEnvironment=\"OLLAMA_HOST=0.0.0.0:11500\"\n", PortFileForm::OllamaUnit, Some(11500));
        check("[Service]\nEnvironment=PATH=/bin\n", PortFileForm::OllamaUnit, None);
    }
}
