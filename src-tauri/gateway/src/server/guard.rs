//! Who may ask: Host, Origin and client key, checked on every route before anything else.
//!
//! A web page that the user visits, a name that resolves to 127.0.0.1 and a program without a key are all kept apart
//! here, by exact comparison and by one extractor. It decides nothing about models: what a caller without a key may use
//! is `routing`'s rule.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Uri};

use crate::error::Error;
use crate::settings::client_key::Keyring;
use crate::settings::{ClientKey, RequireKey, Settings};

/// Headers in which a key stands alone.
static NAMED_KEYS: [HeaderName; 4] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("otari-key"),
];
/// What browsers say of where a request comes from.
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the settings say of callers, made once per change.
#[derive(Debug)]
pub struct Guard {
    port: u16,
    hosts: Vec<String>,
    origins: Vec<String>,
    keyring: Keyring,
    key_always: bool,
}

/// What a caller showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Nothing that is a key.
    None,
    /// A key that is none of ours. Tools that want some key send any; it opens nothing.
    Wrong,
    /// The key of this tool.
    Known(Arc<str>),
}

impl Guard {
    /// The rules for a gateway on `port`.
    pub fn new(settings: &Settings, port: u16) -> Guard {
        let extra = settings.allowed_hosts.iter().map(String::as_str);
        let bound = settings.bind.iter().filter(|ip| !ip.is_unspecified()).map(|ip| match ip {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let mut hosts: Vec<String> =
            ["127.0.0.1", "localhost", "[::1]"].into_iter().chain(extra).map(str::to_owned).collect();
        hosts.extend(bound);
        hosts.sort();
        hosts.dedup();
        // Port 80 is left out of a Host by every client.
        let mut spelled: Vec<String> = hosts.iter().map(|host| format!("{host}:{port}")).collect();
        if port == 80 {
            spelled.extend(hosts);
        }
        Guard {
            port,
            hosts: spelled,
            origins: settings.allowed_origins.clone(),
            keyring: Keyring::of(&settings.client_keys),
            key_always: settings.require_key == RequireKey::Always,
        }
    }

    /// The same with a key that stands in no settings.
    pub fn also(mut self, key: &ClientKey) -> Guard {
        self.keyring.add(key);
        self
    }

    /// The Host must be ours, once, exactly; so must the authority of an absolute URI.
    pub fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        let ours = |host: &str| self.hosts.iter().any(|known| known == host);
        let mut hosts = headers.get_all(HOST).iter();
        let fits = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
            (Some(Ok(host)), None) => ours(host) && uri.authority().is_none_or(|authority| ours(authority.as_str())),
            _ => false,
        };
        if fits { Ok(()) } else { Err(Error::ForeignHost { port: self.port }) }
    }

    /// The Origin must be absent or granted, and a browser must not say that another site asks. Returns the granted one.
    pub fn origin<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a HeaderValue>, Error> {
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => {
                // Images, scripts and forms of other sites carry no Origin on GET, but browsers say where they come from.
                let site = headers.get(&FETCH_SITE).map(HeaderValue::as_bytes);
                if matches!(site, Some(b"cross-site" | b"same-site")) { Err(Error::ForeignOrigin) } else { Ok(None) }
            }
            (Some(origin), None) if self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) => {
                Ok(Some(origin))
            }
            _ => Err(Error::ForeignOrigin),
        }
    }

    /// The caller's key, from whichever header the tool's API uses. A key in the query is none: queries end in logs.
    pub fn key(&self, headers: &HeaderMap) -> Key {
        let bearer = headers.get_all(AUTHORIZATION).iter().filter_map(|value| borne(value.to_str().ok()?));
        let named = NAMED_KEYS.iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
        // Otari's clients write the scheme before a key that stands alone, too.
        let named = named.map(|value| borne(value).unwrap_or(value));
        let mut key = Key::None;
        for shown in bearer.chain(named).filter(|shown| !shown.is_empty()) {
            match self.keyring.find(shown) {
                Some(name) => return Key::Known(name.into()),
                None => key = Key::Wrong,
            }
        }
        key
    }

    /// Whether this caller may ask anything at all.
    pub fn admit(&self, key: &Key) -> Result<(), Error> {
        match key {
            Key::Known(_) => Ok(()),
            Key::None if self.key_always => Err(Error::KeyMissing { why: "" }),
            Key::Wrong if self.key_always => Err(Error::KeyUnknown),
            Key::None | Key::Wrong => Ok(()),
        }
    }
}

/// The key behind `Bearer`.
fn borne(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// The answer's headers for a granted origin. No other origin is ever named, and never `*`.
pub fn grant(headers: &mut HeaderMap, origin: &HeaderValue, preflight: Option<&HeaderMap>) {
    headers.insert("access-control-allow-origin", origin.clone());
    headers.insert("vary", HeaderValue::from_static("origin"));
    let told = "x-pointsman-target, x-pointsman-local, x-pointsman-attempts, x-request-id";
    headers.insert("access-control-expose-headers", HeaderValue::from_static(told));
    if let Some(asked) = preflight {
        headers.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, DELETE"));
        if let Some(names) = asked.get("access-control-request-headers") {
            headers.insert("access-control-allow-headers", names.clone());
        }
        if asked.contains_key("access-control-request-private-network") {
            headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
        }
        headers.insert("access-control-max-age", HeaderValue::from_static("600"));
    }
}

/// Whether this is a browser asking for leave.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key("access-control-request-method")
}

#[cfg(test)]
mod tests;
