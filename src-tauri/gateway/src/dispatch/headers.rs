//! Which headers pass, in both directions.
//!
//! Upwards: no credential, cookie or address of the client, and nothing that belongs to its connection. Downwards: nothing
//! that belongs to the upstream's connection or sets a policy in our name. All else passes unchanged.

use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

use crate::routing::Target;

/// Says that a request went through Pointsman, so that a ring of gateways is seen.
pub(crate) const HOP: HeaderName = HeaderName::from_static("x-pointsman-hop");
/// This run's id, on every answer: probes of another Pointsman know us by it.
pub(crate) const INSTANCE: HeaderName = HeaderName::from_static("x-pointsman-instance");
/// One request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Who answered: `endpoint/model`.
pub(crate) const TARGET: HeaderName = HeaderName::from_static("x-pointsman-target");
/// Whether the answer was made on this machine.
pub(crate) const LOCAL: HeaderName = HeaderName::from_static("x-pointsman-local");
/// How many targets were tried.
pub(crate) const ATTEMPTS: HeaderName = HeaderName::from_static("x-pointsman-attempts");
/// What the target's protocol could not be told, by the client's own field names.
pub(crate) const DROPPED: HeaderName = HeaderName::from_static("x-pointsman-dropped");
/// Says that a count was estimated here and not made by a tokenizer.
pub(crate) const ESTIMATED: HeaderName = HeaderName::from_static("x-pointsman-estimated");

/// The most names in the header that tells what was dropped.
const MOST_DROPPED: usize = 24;

/// Says who answered, where, and how many were tried.
pub(crate) fn sign(headers: &mut HeaderMap, target: &Target, attempts: u8) {
    name(headers, &target.endpoint.id, &target.model.id);
    headers.insert(LOCAL, flag(target.local()));
    // Most often the first one answers, and a number is written out each time.
    let attempts = if attempts == 1 { HeaderValue::from_static("1") } else { HeaderValue::from(u16::from(attempts)) };
    headers.insert(ATTEMPTS, attempts);
}

/// Names a target.
pub(crate) fn name(headers: &mut HeaderMap, endpoint: &str, model: &str) {
    // Joined, not formatted: this runs for each request.
    if let Ok(name) = HeaderValue::from_maybe_shared(Bytes::from([endpoint, "/", model].concat())) {
        headers.insert(TARGET, name);
    }
}

/// Names what the target was not told.
pub(crate) fn dropped(headers: &mut HeaderMap, fields: &[String]) {
    if fields.is_empty() {
        return;
    }
    let mut names = fields.iter().take(MOST_DROPPED).map(String::as_str).collect::<Vec<_>>().join(", ");
    names.retain(|letter| letter.is_ascii_graphic() || letter == ' ');
    if let Ok(names) = HeaderValue::from_str(&names) {
        headers.insert(DROPPED, names);
    }
}

/// What goes up of a request's headers.
pub(crate) fn upwards(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    // With room for the host, the kind of body, the mark of this gateway and a credential.
    let mut kept = HeaderMap::with_capacity(headers.keys_len() + 4);
    for (name, value) in headers {
        if !stays_here(name.as_str()) && !named.contains(name) {
            kept.append(name, value.clone());
        }
    }
    kept
}

fn stays_here(name: &str) -> bool {
    hop_by_hop(name)
        || matches!(
            name,
            "host"
                | "authorization"
                | "x-api-key"
                | "api-key"
                | "x-goog-api-key"
                | "otari-key"
                | "cookie"
                | "origin"
                | "referer"
                | "forwarded"
                | "via"
                | "x-real-ip"
                | "x-client-ip"
                | "true-client-ip"
                | "cf-connecting-ip"
                | "content-length"
                | "expect"
                | "accept-encoding"
                | "x-pointsman-hop"
        )
        || name.starts_with("x-forwarded-")
        || name.starts_with("sec-")
        || name.starts_with("access-control-")
}

/// Removes what must not go down.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    let unwanted = |name: &HeaderName| {
        let name = name.as_str();
        hop_by_hop(name)
            || matches!(
                name,
                "set-cookie" | "set-cookie2" | "alt-svc" | "strict-transport-security" | "location" | "via"
            )
            || name.starts_with("access-control-")
            || name.starts_with("x-pointsman-")
            || name.starts_with("proxy-")
    };
    let gone: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name) || named.contains(name)).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

/// RFC 9110 section 7.6.1, and those that proxies still meet.
fn hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade"
    ) || name.starts_with("proxy-auth")
}

/// The headers that the `Connection` header names: they end where the connection does.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect()
}

/// `true` or `false`.
pub(crate) fn flag(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(passes: fn(&HeaderMap) -> HeaderMap, given: &[(&'static str, &'static str)], expected: &str) {
        let headers: HeaderMap = given
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let headers = passes(&headers);
        let mut kept: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept.join(" "), expected);
    }

    fn down(headers: &HeaderMap) -> HeaderMap {
        let mut headers = headers.clone();
        strip_response(&mut headers);
        headers
    }

    #[test]
    fn what_goes_up() {
        check(
            upwards,
            &[("host", "x"), ("content-type", "a"), ("anthropic-beta", "b"), ("user-agent", "c")],
            "anthropic-beta content-type user-agent",
        );
        check(
            upwards,
            &[("authorization", "x"), ("x-api-key", "x"), ("api-key", "x"), ("x-goog-api-key", "x"), ("cookie", "x")],
            "",
        );
        check(upwards, &[("x-forwarded-for", "x"), ("forwarded", "x"), ("origin", "x"), ("sec-fetch-site", "x")], "");
        check(upwards, &[("connection", "close, x-secret"), ("x-secret", "1"), ("x-kept", "1"), ("te", "x")], "x-kept");
        check(upwards, &[("proxy-authorization", "x"), ("transfer-encoding", "chunked"), ("upgrade", "h2c")], "");
    }

    #[test]
    fn what_comes_down() {
        check(
            down,
            &[("content-type", "a"), ("server", "llama.cpp"), ("x-request-id", "1")],
            "content-type server x-request-id",
        );
        check(down, &[("access-control-allow-origin", "*"), ("access-control-allow-credentials", "true")], "");
        check(down, &[("connection", "x-internal"), ("x-internal", "1"), ("keep-alive", "5")], "");
        check(down, &[("set-cookie", "a"), ("location", "http://evil"), ("x-pointsman-local", "true")], "");
    }
}
