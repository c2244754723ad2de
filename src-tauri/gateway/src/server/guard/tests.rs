//! Hosts, origins and keys, one line a case; the attacks' numbers are those of the security tests.

use http::header::HeaderName;

use super::*;
use crate::settings::client_key;

fn settings() -> Settings {
    Settings {
        allowed_origins: vec!["http://localhost:3000".into()],
        allowed_hosts: vec!["host.docker.internal".into()],
        ..Settings::default()
    }
}

fn headers(given: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    let mut headers = HeaderMap::new();
    for (name, value) in given.iter().map(pair) {
        headers.append(name, value);
    }
    headers
}

#[test]
fn hosts() {
    let guard = Guard::new(&settings(), 4747);
    let check = |uri: &str, hosts: &[&str], expected: bool| {
        let hosts: Vec<(&str, &str)> = hosts.iter().map(|host| ("host", *host)).collect();
        let let_in = guard.host(&uri.parse().unwrap(), &headers(&hosts)).is_ok();
        assert_eq!(let_in, expected, "{uri} {hosts:?}");
    };
    for host in ["127.0.0.1:4747", "localhost:4747", "[::1]:4747", "host.docker.internal:4747"] {
        check("/", &[host], true);
    }
    for host in [
        "evil.example",
        "evil.example:4747",
        "127.0.0.1.nip.io:4747",
        "localhost.evil.com:4747",
        "localhost.:4747",
        "LOCALHOST:4747",
        "",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:80",
        "127.0.0.1:47470",
        "0.0.0.0:4747",
        "[::]:4747",
        "[::ffff:127.0.0.1]:4747",
        "2130706433:4747",
        "0177.0.0.1:4747",
        "127.1:4747",
        "user@127.0.0.1:4747",
    ] {
        check("/", &[host], false);
    }
    check("/", &[], false);
    check("/", &["127.0.0.1:4747", "evil.example"], false);
    check("/", &["127.0.0.1:4747", "127.0.0.1:4747"], false);
    check("http://127.0.0.1:4747/", &["127.0.0.1:4747"], true);
    check("http://evil.example/", &["127.0.0.1:4747"], false);
}

#[test]
fn origins() {
    let guard = Guard::new(&settings(), 4747);
    let check = |given: &[(&str, &str)], expected: bool| {
        assert_eq!(guard.origin(&headers(given)).is_ok(), expected, "{given:?}")
    };
    check(&[], true);
    check(&[("origin", "http://localhost:3000")], true);
    for origin in [
        "null",
        "http://evil.example",
        "http://localhost.evil.com",
        "http://localhost:1@evil",
        "https://127.0.0.1.evil",
        "chrome-extension://abc",
        "tauri://localhost",
        "http://localhost:3000/",
        "HTTP://localhost:3000",
        "http://localhost:30000",
        "",
    ] {
        check(&[("origin", origin)], false);
    }
    check(&[("origin", "http://localhost:3000"), ("origin", "http://evil")], false);
    check(&[("sec-fetch-site", "cross-site")], false);
    check(&[("sec-fetch-site", "same-site")], false);
    check(&[("sec-fetch-site", "none")], true);
}

#[test]
fn one_extractor_for_all_headers() {
    let (plain, key) = client_key::mint("editor", "2026-11-22").unwrap();
    let guard = Guard::new(&Settings { client_keys: vec![key], ..Settings::default() }, 4747);
    let known = Key::Known("editor".into());
    let check = |name: &str, value: &str, expected: &Key| {
        assert_eq!(&guard.key(&headers(&[(name, value)])), expected, "{name}")
    };
    for name in ["x-api-key", "api-key", "x-goog-api-key"] {
        check(name, &plain, &known);
        check(name, "sk-other", &Key::Wrong);
        check(name, "", &Key::None);
    }
    check("authorization", &format!("Bearer {plain}"), &known);
    check("authorization", &format!("bearer  {plain}"), &known);
    check("authorization", &format!("Basic {plain}"), &Key::None);
    check("authorization", &plain, &Key::None);
    check("cookie", &plain, &Key::None);
    let both = headers(&[("authorization", "Bearer wrong"), ("x-api-key", &plain)]);
    assert_eq!(guard.key(&both), known, "a tool that sends two keys is known by either");
}

#[test]
fn always_means_always() {
    let guard = Guard::new(&Settings { require_key: RequireKey::Always, ..Settings::default() }, 4747);
    assert!(matches!(guard.admit(&Key::None), Err(Error::KeyMissing { .. })));
    assert!(matches!(guard.admit(&Key::Wrong), Err(Error::KeyUnknown)));
    assert!(guard.admit(&Key::Known("editor".into())).is_ok());
}
