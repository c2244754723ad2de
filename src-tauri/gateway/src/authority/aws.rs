//! AWS's signature, version 4, or for Bedrock its API key as a bearer.
//!
//! Which of the two, and where the keys come from, `keys` finds out; the signature itself is made by Amazon's own crate.

mod keys;
mod machine;
mod printed;
mod profile;
mod role;
mod sign_on;
mod signature;
mod source;

use std::iter;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use url::Url;

use super::{AuthorityError, Parts, Principal, unusable};
use crate::environment::Environment;
use crate::provider::hosted::AwsService;
use crate::secrets::Secret;
use keys::Proof;
use signature::Scope;
pub(super) use source::Session;

/// Signs a request. Returned is what an answer must not repeat.
pub(super) async fn sign<B>(
    parts: &Parts,
    service: AwsService,
    who: &Principal<'_>,
    request: &mut Request<B>,
    body: &[Bytes],
) -> Result<Vec<Secret>, AuthorityError> {
    let region = who.account.setting("region").ok_or_else(|| unusable("it has no `region`"))?;
    match keys::find(&parts.environment, &parts.folders.home, service, who).await? {
        Proof::Bearer(token) => super::bearer(request, &token),
        Proof::Source(source) => {
            let keys = source::keys(parts, who, region, source).await?;
            let scope = Scope { service: service.id(), region, at: SystemTime::now() };
            signature::sign(&keys, &scope, request, body)
                .map_err(|error| AuthorityError::Unusable(format!("the request cannot be signed: {error}")))?;
            Ok(iter::once(keys.secret).chain(keys.session).collect())
        }
    }
}

/// Whether a refusal is that of keys that ran out or were taken back.
pub(super) fn is_of_keys(status: StatusCode, headers: &HeaderMap) -> bool {
    let kind = headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kinds = ["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId"];
    status.is_client_error() && kinds.iter().any(|of_keys| kind.starts_with(of_keys))
}

/// Where a service that gives keys is: `AWS_ENDPOINT_URL_STS` and the like say otherwise, as they do to AWS's own tools.
fn service(environment: &Environment, id: &str, host: &str, region: &str) -> Result<Url, AuthorityError> {
    let variable = format!("AWS_ENDPOINT_URL_{id}");
    if let Some(url) = environment.get(&variable) {
        return Url::parse(url).map_err(|_| AuthorityError::Unusable(format!("{variable} is no address")));
    }
    // It stands in a host's name: nothing that could end there and lead a secret elsewhere.
    let fits = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = fits.then(|| Url::parse(&format!("https://{host}.{region}.{domain}")).ok()).flatten();
    url.ok_or_else(|| {
        AuthorityError::Unusable(format!("its profile names a region that is none: `{}`", region.escape_debug()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_services_are() {
        let check = |variables: &[(&str, &str)], region: &str, expected: &str| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let found = service(&variables.collect(), "SSO", "portal.sso", region);
            let found = found.map_or_else(|error| error.to_string(), String::from);
            assert_eq!(found, expected, "{region}");
        };
        check(&[], "eu-west-1", "https://portal.sso.eu-west-1.amazonaws.com/");
        check(&[], "cn-north-1", "https://portal.sso.cn-north-1.amazonaws.com.cn/");
        check(&[("AWS_ENDPOINT_URL_SSO", "https://vpce.example")], "eu-west-1", "https://vpce.example/");
        check(&[("AWS_ENDPOINT_URL_SSO", "nowhere")], "eu-west-1", "AWS_ENDPOINT_URL_SSO is no address");
        for evil in ["", "evil.example/", "x@evil.example#", "eu west"] {
            let said = format!("its profile names a region that is none: `{evil}`");
            check(&[], evil, &said);
        }
    }

    #[test]
    fn refusals_of_keys_are_told_from_others() {
        let check = |status: u16, kind: &str, expected: bool| {
            let headers = HeaderMap::from_iter([("x-amzn-errortype".parse().unwrap(), kind.parse().unwrap())]);
            assert_eq!(is_of_keys(StatusCode::from_u16(status).unwrap(), &headers), expected, "{status} {kind}");
        };
        check(403, "ExpiredTokenException:http://internal.amazon.com/coral/x/", true);
        check(403, "UnrecognizedClientException", true);
        check(403, "AccessDeniedException", false);
        check(429, "ThrottlingException", false);
        check(200, "ExpiredTokenException", false);
    }
}
