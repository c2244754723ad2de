//! What a provider's headers say of its limits: how long to wait after a refusal, and how much is left before one.
//!
//! The headers are OpenAI's (`x-ratelimit-*`), which most took over, and Anthropic's (`anthropic-ratelimit-*`). What is left is
//! kept for whoever shows it, by endpoint, and decides nothing: a provider's own 429 does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};

use crate::catalog::EndpointId;

/// What is left of a provider's limits, as its last answer told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Allowance {
    /// Requests that may still be made.
    pub requests: Option<u64>,
    /// Of so many.
    pub requests_limit: Option<u64>,
    /// Tokens that may still be used.
    pub tokens: Option<u64>,
    /// Of so many.
    pub tokens_limit: Option<u64>,
}

/// The last word of each endpoint. Clones share one table.
#[derive(Debug, Clone, Default)]
pub struct Allowances(Arc<Mutex<HashMap<EndpointId, Allowance>>>);

impl Allowances {
    /// Keeps what an answer's headers say, if they say anything.
    pub(super) fn note(&self, endpoint: &EndpointId, headers: &HeaderMap) {
        if let Some(allowance) = Allowance::read(headers) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(endpoint), allowance);
        }
    }

    /// What an endpoint said last.
    pub fn of(&self, endpoint: &str) -> Option<Allowance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned()
    }
}

impl Allowance {
    fn read(headers: &HeaderMap) -> Option<Allowance> {
        let number = |names: [&str; 2]| names.iter().find_map(|name| text(headers, name)?.parse().ok());
        let allowance = Allowance {
            requests: number(["x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"]),
            requests_limit: number(["x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit"]),
            tokens: number(["x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-remaining"]),
            tokens_limit: number(["x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit"]),
        };
        (allowance.requests.is_some() || allowance.tokens.is_some()).then_some(allowance)
    }
}

/// How long a provider asks to wait: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), OpenAI's
/// `retry-after-ms`, else when the limit that is used up begins anew.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(milliseconds) = text(headers, "retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(milliseconds));
    }
    if let Some(told) = text(headers, RETRY_AFTER.as_str()) {
        return told.parse().ok().map(Duration::from_secs).or_else(|| {
            let date = httpdate::parse_http_date(told).ok()?;
            Some(date.duration_since(SystemTime::now()).unwrap_or_default())
        });
    }
    let resets = ["requests", "tokens"].into_iter().filter_map(|what| {
        let used_up = text(headers, &format!("x-ratelimit-remaining-{what}")) == Some("0");
        used_up.then(|| text(headers, &format!("x-ratelimit-reset-{what}")).and_then(span))?
    });
    resets.max()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads `1s`, `6m0s`, `7.66s`, `120ms`, `1h2m3s` as Go and OpenAI write them.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|sign: char| sign.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ms" => number / 1e3,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            "d" => number * 86_400.0,
            _ => return None,
        };
        sum = sum.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        given.iter().map(header).collect()
    }

    #[test]
    fn how_long_to_wait() {
        #[track_caller]
        fn check(given: &[(&'static str, &'static str)], expected: Option<u64>) {
            assert_eq!(retry_after(&headers(given)), expected.map(Duration::from_millis), "{given:?}");
        }
        check(&[], None);
        check(&[("retry-after", "17")], Some(17_000));
        check(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], Some(0));
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "2"), ("retry-after-ms", "1250")], Some(1_250));
        check(&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")], Some(360_000));
        check(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "120ms")], Some(120));
        check(&[("x-ratelimit-remaining-tokens", "7"), ("x-ratelimit-reset-tokens", "120ms")], None);
        check(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s")], Some(7_660));
        check(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "later")], None);
    }

    #[test]
    fn what_is_left() {
        #[track_caller]
        fn check(given: &[(&'static str, &'static str)], expected: Option<[Option<u64>; 4]>) {
            let seen = Allowance::read(&headers(given));
            let seen = seen.map(|it| [it.requests, it.requests_limit, it.tokens, it.tokens_limit]);
            assert_eq!(seen, expected, "{given:?}");
        }
        check(&[], None);
        check(&[("x-ratelimit-limit-requests", "60")], None);
        check(
            &[("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59")],
            Some([Some(59), Some(60), None, None]),
        );
        check(
            &[
                ("anthropic-ratelimit-requests-remaining", "49"),
                ("anthropic-ratelimit-tokens-limit", "40000"),
                ("anthropic-ratelimit-tokens-remaining", "38000"),
            ],
            Some([Some(49), None, Some(38_000), Some(40_000)]),
        );
        check(&[("x-ratelimit-remaining-requests", "many")], None);
    }
}
