//! Endpoints of the settings: which may be asked, and what they say.

use super::entry::credential;
use super::*;

fn entry(text: &str) -> ConfiguredEndpoint {
    toml::from_str(text).expect("an endpoint")
}

#[track_caller]
fn check(base_url: &str, more: &str, expected: Option<&str>) {
    let entry = entry(&format!("name = 'x'\nbase_url = '{base_url}'\n{more}"));
    assert_eq!(fault(&entry).map(|reason| &reason[..15]), expected.map(|reason| &reason[..15]), "{base_url}");
}

#[test]
fn addresses_are_checked() {
    check("https://api.example", "", None);
    check("http://127.0.0.1:8080", "", None);
    check("http://localhost:8080", "", None);
    check("http://vllm.lab.example:8000", "", None);
    check("http://10.0.0.1:8000", "", Some("the address is in a private network"));
    check("http://10.0.0.1:8000", "allow_private = true", None);
    check("http://[fd00::1]:8000", "", Some("the address is in a private network"));
    check("http://169.254.169.254", "allow_private = true", Some("link-local addresses"));
    check("http://0.0.0.0:8000", "allow_private = true", Some("the address is no machine's"));
    check("https://user:pass@api.example", "", Some("an address holds no password"));
    check("https://user@api.example", "", Some("an address holds no password"));
    check("ftp://api.example", "", Some("its address must begin with"));
    check("https://api.example/?key=1", "", Some("its address must end before"));
}

#[test]
fn doubles_and_odd_names_are_refused() {
    let entries =
        ["a", "a", "b\u{202e}", "c"].map(|name| entry(&format!("name = \"{name}\"\nbase_url = 'http://127.0.0.1:1'")));
    let (good, refused) = checked(entries.to_vec());
    assert_eq!(good.iter().map(|entry| &*entry.name).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(refused.iter().map(|refusal| &*refusal.place).collect::<Vec<_>>(), ["endpoint `a`", "endpoint `b`"]);
}

#[test]
fn bases_are_trimmed() {
    let check = |base_url: &str, expected: &str| {
        assert_eq!(base(&entry(&format!("name = 'x'\nbase_url = '{base_url}'"))), expected);
    };
    check("https://api.example", "https://api.example");
    check("https://api.example/", "https://api.example");
    check("https://api.example/v1/", "https://api.example");
    check("https://api.example/api/v1", "https://api.example/api");
    check("http://127.0.0.1:8080/pp", "http://127.0.0.1:8080/pp");
}

#[test]
fn credentials_go_where_the_protocol_wants_them() {
    let check = |protocol: &str, expected: &str| {
        let entry = entry(&format!("name = 'x'\nbase_url = 'https://api.example'\n{protocol}"));
        let (name, value) = credential(&entry, "k").expect("a header");
        assert_eq!(format!("{name}: {}", value.to_str().unwrap()), expected);
        assert!(value.is_sensitive(), "it is printed nowhere");
    };
    check("", "authorization: Bearer k");
    check("protocol = 'openai'", "authorization: Bearer k");
    check("protocol = ['anthropic', 'openai']", "x-api-key: k");
    check("protocol = 'gemini'", "x-goog-api-key: k");
    let entry = entry("name = 'x'\nbase_url = 'https://api.example'");
    assert!(credential(&entry, "two\nlines").is_none(), "a key that would break the header is not sent");
}
