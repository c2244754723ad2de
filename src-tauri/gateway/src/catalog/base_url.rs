//! An endpoint's address, taken apart once: each request needs its parts as headers and URIs have them.

use std::ops::Deref;
use std::str::FromStr;

use http::HeaderValue;
use http::uri::{Authority, Scheme};
use url::Url;

/// Scheme, host, port and perhaps a path: `http://127.0.0.1:11434`, `https://lab.example/llm`. Reads as a [`Url`].
#[derive(Debug, Clone)]
pub struct BaseUrl {
    url: Url,
    address: Address,
    /// Where the path ends that stands before every request's own.
    path: usize,
}

/// A place that can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Host and, where it is not the scheme's own, port.
    pub authority: Authority,
    /// The same as the `Host` header has it.
    pub host: HeaderValue,
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAddress {
    /// It is no URL.
    #[error(transparent)]
    Malformed(#[from] url::ParseError),
    /// It is one, and names no place that HTTP can reach.
    #[error("it is no http:// or https:// address with a host")]
    NotHttp,
}

impl Address {
    /// A place by its scheme and authority; `None` if the authority is none.
    pub fn new(scheme: Scheme, authority: &str) -> Option<Address> {
        let authority: Authority = authority.parse().ok()?;
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        Some(Address { scheme, authority, host })
    }
}

impl BaseUrl {
    /// Where to connect.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The path before every request's own, without a slash at its end; most often empty.
    pub fn prefix(&self) -> &str {
        &self.url.path()[..self.path]
    }
}

impl TryFrom<Url> for BaseUrl {
    type Error = BadAddress;

    fn try_from(url: Url) -> Result<BaseUrl, BadAddress> {
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(BadAddress::NotHttp),
        };
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let address = Address::new(scheme, authority).ok_or(BadAddress::NotHttp)?;
        let path = url.path().trim_end_matches('/').len();
        Ok(BaseUrl { url, address, path })
    }
}

impl FromStr for BaseUrl {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<BaseUrl, BadAddress> {
        BaseUrl::try_from(Url::parse(text)?)
    }
}

impl Deref for BaseUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.url
    }
}

impl PartialEq for BaseUrl {
    fn eq(&self, other: &BaseUrl) -> bool {
        self.url == other.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<(&str, &str)>) {
        let base = url.parse::<BaseUrl>().ok();
        let parts = base.as_ref().map(|base| (base.address().authority.as_str(), base.prefix()));
        assert_eq!(parts, expected, "{url}");
    }

    #[test]
    fn an_address_comes_apart() {
        check("http://127.0.0.1:11434", Some(("127.0.0.1:11434", "")));
        check("http://[::1]:8080/", Some(("[::1]:8080", "")));
        check("https://lab.example/llm/", Some(("lab.example", "/llm")));
        check("https://LAB.example:443/a/b", Some(("lab.example", "/a/b")));
        // Nobody's password goes into a Host header.
        check("http://user:secret@lab.example:81", Some(("lab.example:81", "")));
        check("ftp://lab.example", None);
        check("lab.example", None);
    }
}
