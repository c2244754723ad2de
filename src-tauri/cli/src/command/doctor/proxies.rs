//! Proxy variables that would capture what tools send to this machine.
//!
//! Pointsman itself never goes through a proxy to reach a runtime here; but a tool started from the same shell asks
//! Pointsman through the proxy, which cannot reach it. The proxy's address is never told: it may hold a password.

use pointsman_gateway::environment::Environment;

/// `HTTPS_PROXY` is left out: nothing here is asked with https.
const PROXIES: &[&str] = &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const HOSTS: &[&str] = &["127.0.0.1", "localhost"];

/// What is captured, and the way out.
pub(super) fn capturing(environment: &Environment) -> Option<String> {
    let proxy = PROXIES.iter().find(|name| environment.get(name).is_some())?;
    let spared = environment.get("no_proxy").or_else(|| environment.get("NO_PROXY")).unwrap_or_default();
    let spared: Vec<_> = spared.split(',').map(str::trim).collect();
    let spares = |host: &str| spared.iter().any(|entry| matches!(*entry, "*" | "127.0.0.0/8") || *entry == host);
    let captured: Vec<_> = HOSTS.iter().filter(|host| !spares(host)).copied().collect();
    if captured.is_empty() {
        return None;
    }
    Some(format!(
        "{proxy} is set and NO_PROXY does not name {}: tools started here may ask the proxy instead of Pointsman; \
         set NO_PROXY=localhost,127.0.0.1,::1",
        captured.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let told = capturing(&environment);
        match expected {
            None => assert_eq!(told, None, "{variables:?}"),
            Some(part) => assert!(told.as_ref().is_some_and(|told| told.contains(part)), "{variables:?}: {told:?}"),
        }
        assert!(!told.unwrap_or_default().contains("hunter2"), "a proxy's password is never shown");
    }

    #[test]
    fn proxies_that_capture_this_machine_are_told() {
        check(&[], None);
        check(&[("https_proxy", "http://proxy:1")], None);
        check(&[("HTTP_PROXY", "")], None);
        check(&[("HTTP_PROXY", "http://u:hunter2@proxy:1")], Some("HTTP_PROXY is set"));
        check(&[("http_proxy", "http://proxy:1"), ("no_proxy", "localhost")], Some("does not name 127.0.0.1:"));
        check(&[("http_proxy", "http://proxy:1"), ("NO_PROXY", "localhost, 127.0.0.1")], None);
        check(&[("all_proxy", "socks5://proxy:1"), ("NO_PROXY", "*")], None);
    }
}
