//! Which addresses an endpoint of the settings may have.
//!
//! A name is resolved first and then each address is checked, at the moment of connecting, so that a name which changes
//! its mind gains nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

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
pub(super) fn refusal(ip: IpAddr, allow_private: bool) -> Option<&'static str> {
    let ip = ip.to_canonical();
    match ip {
        _ if ip.is_unspecified() || ip.is_multicast() => Some("the address is no machine's"),
        // Metadata services of clouds live here and give credentials away.
        IpAddr::V4(v4) if v4.is_link_local() || v4.is_broadcast() => Some("link-local addresses are never asked"),
        _ if is_private(ip) && !allow_private => {
            Some("the address is in a private network; set `allow_private = true` on this endpoint to use it")
        }
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
pub(super) struct Resolver {
    /// Whether an address may be in a private network.
    pub allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|address| refusal(address.ip(), allow_private));
            // One address that is not allowed spoils the name: it is the other half of a rebinding attack.
            if let Some(reason) = refused {
                return Err(io::Error::other(reason).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
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
