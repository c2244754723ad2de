//! Which addresses an endpoint may have, and the one resolver that holds every name to it.
//!
//! A name is resolved first and then each address is checked, at the moment of connecting, so that a name which changes
//! its mind gains nothing. Who connects is `upstream`'s and `discovery`'s business.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far from this machine an endpoint may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// Nowhere else.
    Machine,
    /// Where everybody could ask it.
    Public,
    /// In a private network, too.
    Private,
}

impl Bounds {
    /// Those of an endpoint whose settings say so.
    pub fn of(local: bool, allow_private: bool) -> Bounds {
        match (local, allow_private) {
            (true, _) => Bounds::Machine,
            (false, false) => Bounds::Public,
            (false, true) => Bounds::Private,
        }
    }
}

/// Why an address may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Forbidden {
    /// No machine can have it.
    Nobodys,
    /// Metadata services of clouds live there and give credentials away.
    LinkLocal,
    /// A name that is not this machine's leads to it.
    Loopback,
    /// A private network's.
    Private,
}

impl Forbidden {
    /// The reason with the way out, as a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Forbidden::Nobodys => "the address is no machine's",
            Forbidden::LinkLocal => "link-local addresses are never asked",
            Forbidden::Loopback => {
                "the address is this machine's own; set `allow_private = true` on this endpoint to use it"
            }
            Forbidden::Private => {
                "the address is in a private network; set `allow_private = true` on this endpoint to use it"
            }
        }
    }
}

/// Whether requests to this URL stay on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
        // Names below `localhost` may be asked of a name server, and lead anywhere.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Why an address elsewhere may not be asked, if so.
pub(crate) fn refusal(ip: IpAddr, allow_private: bool) -> Option<Forbidden> {
    let ip = ip.to_canonical();
    match ip {
        _ if ip.is_unspecified() || ip.is_multicast() => Some(Forbidden::Nobodys),
        IpAddr::V4(v4) if v4.is_link_local() || v4.is_broadcast() => Some(Forbidden::LinkLocal),
        _ if allow_private => None,
        _ if ip.is_loopback() => Some(Forbidden::Loopback),
        _ if is_private(ip) => Some(Forbidden::Private),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // 100.64.0.0/10 is shared by carriers and by overlay networks; 0.0.0.0/8 means this network.
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_loopback() || shared || a == 0
        }
        IpAddr::V6(v6) => {
            // An IPv4 address inside a translated one is judged by itself.
            let translated = (v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0]).then(|| {
                let [.., a, b, c, d] = v6.octets();
                Ipv4Addr::new(a, b, c, d)
            });
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || translated.is_some_and(|v4| v4.is_link_local() || is_private(IpAddr::V4(v4)))
        }
    }
}

/// Resolves names to allowed addresses only.
pub(crate) struct Resolver {
    allow_private: bool,
    /// The system's proxies, whose names are no endpoint's: they stand in private networks as a rule.
    proxies: Arc<[String]>,
}

impl Resolver {
    /// A resolver for clients that go by the system's proxies.
    pub(crate) fn new(allow_private: bool) -> Resolver {
        let matcher = Matcher::from_system();
        // Under `.invalid` there is nobody for whom an exception could have been made.
        let probes = ["http://pointsman.invalid/", "https://pointsman.invalid/"].map(Uri::from_static);
        let proxies = probes.iter().filter_map(|probe| Some(matcher.intercept(probe)?.uri().host()?.to_owned()));
        Resolver { allow_private, proxies: proxies.collect() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        let free = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !free {
                judge(&found, allow_private)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One address that is not allowed spoils the name: it is the other half of a rebinding attack.
fn judge(found: &[SocketAddr], allow_private: bool) -> Result<(), Forbidden> {
    found.iter().find_map(|address| refusal(address.ip(), allow_private)).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, without: bool, with: bool) {
        let ip: IpAddr = ip.parse().unwrap();
        assert_eq!(refusal(ip, false).is_none(), without, "{ip}");
        assert_eq!(refusal(ip, true).is_none(), with, "{ip} with allow_private");
    }

    #[test]
    fn private_addresses_want_a_word() {
        check("93.184.216.34", true, true);
        check("2606:2800:220:1::1", true, true);
        check("10.1.2.3", false, true);
        check("192.168.0.9", false, true);
        check("172.31.0.1", false, true);
        check("100.100.1.1", false, true);
        check("127.0.0.1", false, true);
        check("::1", false, true);
        check("fd00::1", false, true);
        check("fe80::1", false, true);
        check("::ffff:10.0.0.1", false, true);
        check("64:ff9b::a00:1", false, true);
        check("169.254.169.254", false, false);
        check("::ffff:169.254.169.254", false, false);
        check("0.0.0.0", false, false);
        check("::", false, false);
        check("224.0.0.1", false, false);
        check("255.255.255.255", false, false);
    }

    #[test]
    fn one_bad_address_spoils_a_name() {
        let check = |found: &[&str], expected: Option<Forbidden>| {
            let found: Vec<SocketAddr> = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
            assert_eq!(judge(&found, false).err(), expected, "{found:?}");
        };
        check(&["93.184.216.34", "2606:2800:220:1::1"], None);
        check(&["93.184.216.34", "127.0.0.1"], Some(Forbidden::Loopback));
        check(&["93.184.216.34", "::1"], Some(Forbidden::Loopback));
        check(&["93.184.216.34", "192.168.0.9"], Some(Forbidden::Private));
        check(&["fd00::1"], Some(Forbidden::Private));
        check(&["169.254.169.254", "10.0.0.1"], Some(Forbidden::LinkLocal));
        check(&["0.0.0.0"], Some(Forbidden::Nobodys));
        check(&[], None);
    }

    #[test]
    fn loopback_urls() {
        let check = |url: &str, expected| assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        check("http://127.0.0.1:8080", true);
        check("http://[::1]:8080", true);
        check("http://localhost:8080", true);
        check("http://127.9.9.9", true);
        check("http://2130706433", true);
        check("http://localhost.example", false);
        check("http://a.localhost", false);
        check("http://10.0.0.1", false);
    }
}
