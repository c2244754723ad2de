use super::super::{BuiltInMode, Notifications, RequireKey};
use super::*;
use crate::protocol::Protocol;
use crate::secrets::CredentialRef;

/// A text that is refused, with the place and a part of the message.
fn refuses(text: &str, line: usize, column: usize, part: &str) {
    let problem = read(text).expect_err(text);
    assert!(problem.message.contains(part), "{text:?} is told as {problem}");
    assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{text:?}: {problem}");
}

fn accepts(text: &str) -> Settings {
    let read = read(text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"));
    assert_eq!(read.warnings, Vec::<String>::new(), "{text:?}");
    read.settings
}

#[test]
fn the_reference_is_the_default() {
    let settings = Settings::default();
    assert_eq!(accepts(""), settings);
    assert_eq!(accepts(DEFAULTS), settings);
    assert_eq!(settings.port, 4747);
    assert_eq!(settings.require_key, RequireKey::Hosted);
    assert_eq!(settings.builtin.enabled, BuiltInMode::Auto);
    assert_eq!(settings.notifications, Notifications::default());
    assert!(settings.bind.iter().all(|address| address.is_loopback()));
}

#[test]
fn tables_merge_and_lists_replace() {
    let settings = accepts("port = 1\nbind = ['::1']\n[limits]\nbody_bytes = 5\n");
    let defaults = Settings::default();
    assert_eq!((settings.port, settings.bind.len(), settings.limits.body_bytes), (1, 1, 5));
    assert_eq!(settings.limits.idle_seconds, defaults.limits.idle_seconds);
    assert_eq!(settings.log, defaults.log);
    let quiet = accepts("[notifications]\nruntimes = false\n").notifications;
    assert_eq!(quiet, Notifications { runtimes: false, ..defaults.notifications });
}

#[test]
fn aliases_join_the_defaults_and_an_empty_one_takes_away() {
    let settings = accepts("[aliases]\n'o?-*' = 'default'\n'gpt-*' = ''\n");
    let patterns: Vec<_> = settings.aliases.keys().map(String::as_str).collect();
    assert_eq!(patterns, ["claude-*", "gemini-*", "o?-*"]);
}

#[test]
fn reads_routes_endpoints_and_keys() {
    let settings = accepts(
        "[routes.code]\ntargets = ['ollama:qwen3:8b']\n[[endpoints]]\nname = 'lab'\nbase_url = 'http://lab.example'\n\
         protocol = ['anthropic', 'openai']\nkey = 'env:LAB'\n[[endpoints]]\nname = 'b'\nbase_url = 'https://b'\n\
         protocol = 'ollama'\n",
    );
    assert_eq!(settings.routes["code"].targets, ["ollama:qwen3:8b"]);
    assert_eq!(settings.endpoints[0].protocol, [Protocol::Anthropic, Protocol::OpenAiChat]);
    assert_eq!(settings.endpoints[0].key, Some(CredentialRef::Environment("LAB".into())));
    assert_eq!(settings.endpoints[1].protocol, [Protocol::Ollama]);
}

#[test]
fn windows_editors_change_nothing() {
    assert_eq!(accepts("\u{feff}port = 1\r\n# comment\r\n[log]\r\nlevel = 'warn'\r\n").log.level, "warn");
    refuses("\u{feff}# a\r\nport = true\r\n", 2, 8, "port");
}

#[test]
fn an_unknown_key_is_a_warning() {
    let read = read("prot = 1\nport = 2\n[limits]\nbodybytes = 3\n[[endpoints]]\nname='a'\nbase_url='http://a'\nkye='x'\n[new]\na=1\n").unwrap();
    assert_eq!(read.settings.port, 2);
    let expected = [
        "line 1: `prot` is no setting and does nothing",
        "line 4: `limits.bodybytes` is no setting and does nothing",
        "line 8: `endpoints[1].kye` is no setting and does nothing",
        "line 9: `new` is no setting and does nothing",
    ];
    assert_eq!(read.warnings, expected);
}

#[test]
fn odd_settings_are_warnings() {
    let check = |text: &str, part: &str| {
        let warnings = read(text).unwrap().warnings;
        assert!(matches!(&warnings[..], [warning] if warning.contains(part)), "{text:?}: {warnings:?}");
    };
    check("[aliases]\n'o*' = 'fast'\n", "line 2, column 8: there is no route `fast`");
    check("[[endpoints]]\nname = 'a'\nbase_url = 'http://a/v1/'\n", "/v1, which Pointsman adds by itself");
}

#[test]
fn broken_toml_is_told_with_its_place() {
    refuses("port = 1\nport = 2\n", 2, 1, "duplicate key");
    refuses("port = 1\nbind = [\n", 2, 9, "unclosed array");
    refuses("a = 'ä' b = 1\n", 1, 9, "");
}

#[test]
fn wrong_types_name_the_key_and_the_way_out() {
    refuses("port = 'x'\n", 1, 8, "`port`: invalid type: string \"x\", expected u16; the reference has `4747`");
    refuses("port = 70000\n", 1, 8, "`port`");
    refuses("# a\nrequire_key = 'never'\n", 2, 15, "expected `hosted` or `always`");
    refuses("limits = 3\n", 1, 10, "`limits`");
    refuses("[limits]\nidle_seconds = -1\n", 2, 16, "`limits.idle_seconds`");
    refuses("bind = ['127.0.0.1', 'localhost']\n", 1, 22, "`bind[2]`: invalid IP address syntax");
    refuses("[routes.a]\ntargets = 'x'\n", 2, 11, "the reference has `[\"ollama:");
    refuses("[[endpoints]]\nname = 'a'\n", 1, 1, "`base_url` is missing, or a `provider`");
    refuses("[[endpoints]]\nname='a'\nbase_url='http://a'\nprotocol='soap'\n", 4, 10, "unknown variant `soap`");
    refuses("[[endpoints]]\nname='a'\nbase_url='http://a'\nprotocol=7\n", 4, 10, "a protocol or a list of protocols");
    refuses("[[endpoints]]\nname='a'\nbase_url='a.example'\n", 3, 10, "relative URL");
    // A provider's name must not lead elsewhere.
    refuses("[[endpoints]]\nname='openai'\nbase_url='http://a'\n", 2, 6, "`openai` means OpenAI");
    refuses("[[endpoints]]\nname='groq'\nprovider='openai'\n", 2, 6, "call it `my-groq`");
    read("[[endpoints]]\nname='groq'\nbase_url='https://api.groq.com/openai'\n").unwrap();
    read("[[endpoints]]\nprovider='openai'\nbase_url='http://proxy.example'\n").unwrap();
    refuses("[[endpoints]]\nprovider='soap'\n", 1, 1, "`soap` is no provider");
    refuses("[[endpoints]]\nprovider='azureopenai'\n", 1, 1, "like https://NAME.openai.azure.com");
}

#[test]
fn a_pasted_key_is_not_repeated() {
    let problem = read("[[endpoints]]\nname='a'\nbase_url='http://a'\nkey='sk-canary'\n").unwrap_err();
    assert!(problem.message.contains("env:NAME") && !problem.to_string().contains("canary"), "{problem}");
    let problem = read("[[endpoints]]\nname='a'\nbase_url='http://u:canary@a'\n").unwrap_err();
    assert!(problem.message.contains("password") && !problem.to_string().contains("canary"), "{problem}");
}

/// Attack 30: a wider bind raises the checks.
#[test]
fn other_machines_need_a_key() {
    for address in ["0.0.0.0", "::", "192.168.1.5", "::ffff:192.168.1.5", "fe80::1"] {
        refuses(&format!("bind = ['{address}']\n"), 1, 9, "require_key = \"always\"");
        refuses(&format!("bind = ['::1', '{address}']\nrequire_key = 'hosted'\n"), 1, 16, "lets");
        accepts(&format!("bind = ['{address}']\nrequire_key = 'always'\n"));
    }
    accepts("bind = ['127.0.0.1', '127.8.9.1', '::1']");
    accepts("bind = ['::ffff:127.0.0.1']");
    refuses("bind = []\n", 1, 8, "needs an address");
    refuses("bind = ['::1', '::1']\n", 1, 16, "twice");
    refuses("bind = ['224.0.0.1']\nrequire_key='always'", 1, 9, "nobody can listen");
}

#[test]
fn origins_are_exact() {
    for origin in [
        "*",
        "null",
        "",
        "http://*",
        "http://*.example",
        "localhost:3000",
        "http://localhost:3000/",
        "http://a/b",
        "http://u@a",
        "HTTP://a",
        "http://A",
        "http://a:80",
        "https://a:443",
        "file://",
        "tauri://",
        "tauri://a/b",
        "chrome-extension://*",
        "http://a b",
        "http://a?b",
        "http://a#b",
        "://a",
    ] {
        refuses(&format!("allowed_origins = ['{origin}']\n"), 1, 20, "");
    }
    accepts("allowed_origins = ['http://localhost:3000', 'https://a.example', 'http://[::1]:8080']");
    accepts("allowed_origins = ['tauri://localhost', 'chrome-extension://abcdefgh']");
}

#[test]
fn hosts_are_whole_names() {
    for host in ["*", "", "a:80", "a/b", ".local", "a.", "*.local", "a b", "http://a"] {
        refuses(&format!("allowed_hosts = ['{host}']\n"), 1, 18, "a host is");
    }
    accepts("allowed_hosts = ['host.docker.internal', '192.168.1.5', '::1', '[::1]', 'my_host']");
}

#[test]
fn names_and_values_have_bounds() {
    let long = "x".repeat(65);
    for name in ["", "a b", "a/b", "a:b", "ä", long.as_str()] {
        refuses(&format!("[routes.'{name}']\ntargets = []\n"), 1, 1, "is no route");
        refuses(&format!("[[endpoints]]\nname='{name}'\nbase_url='http://a'\n"), 2, 6, "names no endpoint");
        refuses(&format!("[[client_keys]]\nname='{name}'\nhash='x'\n"), 2, 6, "names no tool");
    }
    accepts(&format!("[routes.'{}']\n", "aZ09._-x".repeat(8)));
    refuses("[routes.a]\ncontext = 0\n", 2, 11, "at least 1");
    refuses("[routes.a]\ntargets = ['a', '']\n", 2, 17, "1 to 512");
    refuses("[log]\nlevel = 'loud'\n", 2, 9, "error, warn, info, debug, trace");
    refuses("[limits]\nconnect_ms = 0\n", 2, 14, "at least 1");
    refuses("[discovery]\nports = [1, 0]\n", 2, 13, "port 0");
    refuses("[aliases]\n'' = 'default'\n", 2, 6, "an alias is");
    refuses("[aliases]\n'a' = 'b:c'\n", 2, 7, "leads to a route");
}

#[test]
fn endpoints_and_keys_are_told_apart() {
    let endpoint = |name: &str| format!("[[endpoints]]\nname = '{name}'\nbase_url = 'http://a'\n");
    refuses(&endpoint("ollama"), 2, 8, "call this endpoint `my-ollama`");
    refuses(&(endpoint("a") + &endpoint("a")), 5, 8, "two endpoints are named `a`");
    let key = format!("[[client_keys]]\nname = 'a'\nhash = 'sha256:{}'\n", "ab".repeat(32));
    accepts(&key);
    refuses(&key.repeat(2), 5, 8, "two client keys are named `a`");
    refuses("[[client_keys]]\nname = 'a'\nhash = 'sha256:ab'\n", 3, 8, "64 hexadecimal digits");
    for url in ["ftp://a", "http://u@a", "http://u:p@a", "http://a?b", "http://a#b"] {
        refuses(&format!("[[endpoints]]\nname='a'\nbase_url='{url}'\n"), 3, 10, "`base_url`");
    }
}

#[test]
fn loads_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    assert_eq!(load(&path).unwrap().settings, Settings::default(), "no file means the defaults");
    std::fs::write(&path, "port = 1").unwrap();
    assert_eq!(load(&path).unwrap().settings.port, 1);
    std::fs::write(&path, b"\xff\xfep\0o\0").unwrap();
    assert!(load(&path).unwrap_err().message.contains("save it as UTF-8"));
    assert!(load(folder.path()).unwrap_err().message.contains("not a plain file"));
}

proptest::proptest! {
    #[test]
    fn no_text_brings_it_down(text in "(?s)([a-z_]{0,8} ?= ?[\\[\\]'\"0-9a-z.*{}]{0,9}\n|\\[\\[?(routes|aliases|endpoints)[.a-z]*\\]?\\]\n|.){0,12}") {
        let _ = read(&text).map_err(|problem| problem.to_string());
    }
}
