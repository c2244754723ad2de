//! Refuses values that have the right type and still cannot be.
//!
//! The first problem ends it; what is only odd becomes a warning. Whether an endpoint answers is the catalog's business.

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::Url;

use super::read::{Problem, Source};
use super::reference::Step::{Index, Key};
use super::{ClientKey, ConfiguredEndpoint, RequireKey, Settings};
use crate::provider::hosted::{ProviderSpec, Template};

/// Prefixes that tools write before a model's name and that mean a runtime, so no endpoint may bear one.
const RUNTIMES: [&str; 16] = [
    "builtin",
    "docker",
    "gpt4all",
    "jan",
    "koboldcpp",
    "lemonade",
    "llamacpp",
    "llamafile",
    "lmstudio",
    "localai",
    "mlx",
    "ollama",
    "sglang",
    "tabbyapi",
    "textgen",
    "vllm",
];

pub(super) const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Checks settings against each other and the world's rules; returns warnings.
pub(super) fn check(settings: &Settings, source: &Source<'_>) -> Result<Vec<String>, Problem> {
    let mut warnings = Vec::new();
    bind(settings, source)?;
    origins_and_hosts(settings, source)?;
    if !LEVELS.contains(&settings.log.level.as_str()) {
        let message = format!("`log.level` is one of {}", LEVELS.join(", "));
        return Err(source.problem(&[Key("log"), Key("level")], message));
    }
    if let Some(index) = settings.discovery.ports.iter().position(|&port| port == 0) {
        return Err(source.problem(&[Key("discovery"), Key("ports"), Index(index)], "nothing listens on port 0"));
    }
    if settings.ollama_port.enabled && settings.ollama_port.port == settings.port && settings.port != 0 {
        let message = "`ollama_port.port` is another port than `port`";
        return Err(source.problem(&[Key("ollama_port"), Key("port")], message));
    }
    limits(settings, source)?;
    responses(settings, source)?;
    aliases(settings, source, &mut warnings)?;
    routes(settings, source)?;
    endpoints(&settings.endpoints, source, &mut warnings)?;
    client_keys(&settings.client_keys, source)?;
    Ok(warnings)
}

/// Whether a name can stand in a request, a log line and a TOML header without quotes.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
}

/// What to say about a name that is none.
pub(super) const NAME: &str = "a name has 1 to 64 characters out of a-z, A-Z, 0-9, `.`, `_` and `-`";

fn bind(settings: &Settings, source: &Source<'_>) -> Result<(), Problem> {
    if settings.bind.is_empty() {
        return Err(source.problem(&[Key("bind")], "`bind` needs an address; the default is [\"127.0.0.1\", \"::1\"]"));
    }
    for (index, address) in settings.bind.iter().enumerate() {
        let problem = |message| Err(source.problem(&[Key("bind"), Index(index)], message));
        let address = address.to_canonical();
        if address.is_multicast() || address == IpAddr::from([255, 255, 255, 255]) {
            return problem(format!("nobody can listen on {address}"));
        }
        if settings.bind[..index].iter().any(|earlier| earlier.to_canonical() == address) {
            return problem(format!("{address} is there twice"));
        }
        if !address.is_loopback() && settings.require_key != RequireKey::Always {
            let reach = if address.is_unspecified() { "everyone who reaches this machine" } else { "other machines" };
            return problem(format!(
                "{address} lets {reach} in: set `require_key = \"always\"` too, or listen on 127.0.0.1 and ::1"
            ));
        }
    }
    Ok(())
}

fn origins_and_hosts(settings: &Settings, source: &Source<'_>) -> Result<(), Problem> {
    for (index, origin) in settings.allowed_origins.iter().enumerate() {
        origin_fault(origin)
            .map_or(Ok(()), |fault| Err(source.problem(&[Key("allowed_origins"), Index(index)], fault)))?;
    }
    for (index, host) in settings.allowed_hosts.iter().enumerate() {
        let labels = host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
        });
        if !labels && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() {
            let message = "a host is a whole name or an address, without port, path or `*`: `host.docker.internal`";
            return Err(source.problem(&[Key("allowed_hosts"), Index(index)], message));
        }
    }
    Ok(())
}

/// Browsers send an origin in one spelling only; any other would never match, or match too much.
fn origin_fault(origin: &str) -> Option<String> {
    const SHAPE: &str = "an origin is written out as `http://localhost:3000`";
    if matches!(origin, "*" | "null") {
        return Some(format!("`{origin}` would let any web page in; {SHAPE}"));
    }
    let Some((scheme, host)) = origin.split_once("://") else {
        return Some(SHAPE.to_owned());
    };
    if matches!(scheme, "http" | "https") {
        let Ok(url) = Url::parse(origin) else {
            return Some(SHAPE.to_owned());
        };
        let exact = url.origin().ascii_serialization();
        return (exact != origin || origin.contains('*')).then(|| {
            let other = if origin.contains('*') { String::new() } else { format!("; browsers send `{exact}`") };
            format!("{SHAPE}, without path, `*` or a scheme's own port{other}")
        });
    }
    // `chrome-extension://abcdef`, `tauri://localhost`: no parser knows their origins, so only their letters are checked.
    let fits = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+.-".contains(&c))
        && !host.is_empty()
        && host.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-_:[]".contains(&c));
    (!fits).then(|| SHAPE.to_owned())
}

fn limits(settings: &Settings, source: &Source<'_>) -> Result<(), Problem> {
    let limits = settings.limits;
    let zero = [
        ("body_bytes", limits.body_bytes == 0),
        ("connect_ms", limits.connect_ms == 0),
        ("connect_remote_ms", limits.connect_remote_ms == 0),
        ("first_byte_seconds", limits.first_byte_seconds == 0),
        ("idle_seconds", limits.idle_seconds == 0),
    ];
    match zero.iter().find(|(_, is_zero)| *is_zero) {
        Some((key, _)) => {
            let message = format!("`limits.{key}` is at least 1: with 0 no request could succeed");
            Err(source.problem(&[Key("limits"), Key(key)], message))
        }
        None => Ok(()),
    }
}

fn responses(settings: &Settings, source: &Source<'_>) -> Result<(), Problem> {
    let responses = settings.responses;
    let bounds = [("days", responses.days), ("count", responses.count), ("megabytes", responses.megabytes)];
    match bounds.iter().find(|(_, bound)| *bound == 0) {
        Some((key, _)) => {
            let message = format!("`responses.{key}` is at least 1; to keep nothing, set `responses.store = false`");
            Err(source.problem(&[Key("responses"), Key(key)], message))
        }
        None => Ok(()),
    }
}

fn aliases(settings: &Settings, source: &Source<'_>, warnings: &mut Vec<String>) -> Result<(), Problem> {
    for (pattern, route) in &settings.aliases {
        let path = [Key("aliases"), Key(pattern)];
        if pattern.is_empty() || pattern.len() > 128 || pattern.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(source.problem(&path, "an alias is a name in which `*` and `?` stand for others: `gpt-*`"));
        }
        if !is_name(route) {
            return Err(source.problem(&path, format!("an alias leads to a route: {NAME}")));
        }
        if route != "default" && !settings.routes.contains_key(route) {
            warnings.push(source.warning(&path, &format!("there is no route `{route}`, so this alias leads nowhere")));
        }
    }
    Ok(())
}

fn routes(settings: &Settings, source: &Source<'_>) -> Result<(), Problem> {
    for (name, route) in &settings.routes {
        let path = [Key("routes"), Key(name)];
        if !is_name(name) {
            return Err(source.problem(&path, format!("`{}` is no route: {NAME}", name.escape_debug())));
        }
        if route.context == Some(0) {
            let message = "`context` is at least 1; leave it out for the runtime's own";
            return Err(source.problem(&[path[0], path[1], Key("context")], message));
        }
        models(&route.targets, &[path[0], path[1], Key("targets")], source)?;
    }
    Ok(())
}

fn models(names: &[String], path: &[super::reference::Step<'_>], source: &Source<'_>) -> Result<(), Problem> {
    let fits = |name: &String| (1..=512).contains(&name.len()) && !name.chars().any(char::is_control);
    match names.iter().position(|name| !fits(name)) {
        Some(index) => {
            let message = "a model's name has 1 to 512 printable characters: `ollama:qwen3:8b`";
            Err(source.problem(&[path, &[Index(index)]].concat(), message))
        }
        None => Ok(()),
    }
}

fn endpoints(endpoints: &[ConfiguredEndpoint], source: &Source<'_>, warnings: &mut Vec<String>) -> Result<(), Problem> {
    let mut names = BTreeSet::new();
    // A test says that the table can be read.
    let providers = ProviderSpec::table().unwrap_or_default();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let at = |key| [Key("endpoints"), Index(index), Key(key)];
        let name = &endpoint.name;
        if !is_name(name) {
            return Err(source.problem(&at("name"), format!("`{}` names no endpoint: {NAME}", name.escape_debug())));
        }
        if RUNTIMES.contains(&name.as_str()) {
            let message = format!("`{name}` means the runtime of that name; call this endpoint `my-{name}`");
            return Err(source.problem(&at("name"), message));
        }
        // `openai:gpt-4o` must not mean another place than everybody thinks.
        if let Some(row) = providers.iter().find(|row| *row.id == **name && is_elsewhere(endpoint, row)) {
            let message = format!(
                "`{name}` means {} and this endpoint is another place: call it `my-{name}`, or say `provider = \"{name}\"`",
                row.name
            );
            return Err(source.problem(&at("name"), message));
        }
        if !names.insert(name) {
            return Err(source.problem(&at("name"), format!("two endpoints are named `{name}`; rename one")));
        }
        if let Some(fault) = base_url_fault(&endpoint.base_url) {
            return Err(source.problem(&at("base_url"), fault));
        }
        if endpoint.base_url.path().trim_end_matches('/').ends_with("/v1") {
            let message = "`base_url` ends with /v1, which Pointsman adds by itself; leave it out";
            warnings.push(source.warning(&at("base_url"), message));
        }
        models(&endpoint.models, &at("models"), source)?;
    }
    Ok(())
}

/// Whether an endpoint is neither said to be at a provider nor at its address.
fn is_elsewhere(endpoint: &ConfiguredEndpoint, row: &ProviderSpec) -> bool {
    match &endpoint.provider {
        Some(provider) => provider.id != row.id,
        None => {
            let usual = row.base_url.as_ref().and_then(Template::fixed);
            let stated = endpoint.base_url.as_str().trim_end_matches('/');
            usual != Some(stated.strip_suffix("/v1").unwrap_or(stated))
        }
    }
}

/// Never repeats the address: what is wrong with it may be a password.
fn base_url_fault(url: &Url) -> Option<&'static str> {
    match url {
        _ if !matches!(url.scheme(), "http" | "https") => Some("`base_url` begins with http:// or https://"),
        _ if !url.username().is_empty() || url.password().is_some() => {
            Some("`base_url` holds a user or a password; keep it elsewhere and say where with `key`")
        }
        _ if url.query().is_some() || url.fragment().is_some() => {
            Some("`base_url` has no `?` and no `#`: scheme, host, port and perhaps a path")
        }
        _ => None,
    }
}

fn client_keys(keys: &[ClientKey], source: &Source<'_>) -> Result<(), Problem> {
    let mut names = BTreeSet::new();
    for (index, key) in keys.iter().enumerate() {
        let at = |field| [Key("client_keys"), Index(index), Key(field)];
        if !is_name(&key.name) {
            return Err(source.problem(&at("name"), format!("`{}` names no tool: {NAME}", key.name.escape_debug())));
        }
        if !names.insert(&key.name) {
            return Err(source.problem(&at("name"), format!("two client keys are named `{}`; rename one", key.name)));
        }
        if key.digest().is_none() {
            let message = "`hash` is `sha256:` and 64 hexadecimal digits; `pointsman keys add` makes one";
            return Err(source.problem(&at("hash"), message));
        }
    }
    Ok(())
}
