//! The metadata servers of clouds' own machines, the only link-local addresses that are ever asked.
//!
//! Each gives its machine's credentials away to whoever reaches it, which is why no endpoint may have such an address.
//! Only `authority` asks them, and only for an account whose settings say so.

use crate::catalog::Address;

/// Where AWS's and Google's machines have theirs, and AWS's containers and Kubernetes' pods theirs.
const SERVERS: [&str; 5] = ["169.254.169.254", "[fd00:ec2::254]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// Whether this is one of them.
pub(super) fn is_one(address: &Address) -> bool {
    SERVERS.contains(&address.authority.as_str())
}

#[cfg(test)]
mod tests {
    use http::uri::Scheme;

    use super::*;

    #[test]
    fn no_other_address_is_one() {
        let check = |authority: &str, expected: bool| {
            let address = Address::new(Scheme::HTTP, authority).unwrap();
            assert_eq!(is_one(&address), expected, "{authority}");
        };
        check("169.254.169.254", true);
        check("169.254.170.2", true);
        check("[fd00:ec2::23]", true);
        check("169.254.169.254:8080", false);
        check("169.254.1.1", false);
        check("10.0.0.1", false);
        check("metadata.google.internal", false);
        check("169.254.169.254.example", false);
    }
}
