//! The signature of one request, by Amazon's own crate.
//!
//! Signed are the headers that AWS's SDKs sign: the host, the kind of body and of answer, and all that are AWS's own.
//! Others may change on the way.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signed};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderName, Request};
use sha2::{Digest as _, Sha256};

use super::keys::Keys;

/// For what a signature holds.
pub(super) struct Scope<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) at: SystemTime,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsigned {
    /// Amazon's crate does not take it.
    #[error("{0}")]
    Refused(String),
}

/// Headers that the signature itself makes.
const MADE: [&str; 3] = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// Signs a request whose address is complete: its host stands in its header. `body` is what will be sent, in order.
pub(super) fn sign<B>(
    keys: &Keys,
    scope: &Scope<'_>,
    request: &mut Request<B>,
    body: &[Bytes],
) -> Result<(), Unsigned> {
    let refused = |error: &dyn std::fmt::Display| Unsigned::Refused(error.to_string());
    // A client's own would be a second one.
    for name in MADE {
        request.headers_mut().remove(name);
    }
    let session = keys.session.as_ref().map(|session| session.expose().to_owned());
    let identity = Credentials::new(&keys.id, keys.secret.expose(), session, None, "pointsman").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| refused(&error))?
        .into();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(request.uri().authority().map(Authority::as_str)).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let address = format!("https://{host}{path}");
    let headers = request.headers().iter().filter(|(name, _)| is_signed(name));
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let mut hash = Sha256::new();
    body.iter().for_each(|piece| hash.update(piece));
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let signable = SignableRequest::new(request.method().as_str(), address, headers, SignableBody::Precomputed(hash))
        .map_err(|error| refused(&error))?;
    let (instructions, _) = signed(signable, &params).map_err(|error| refused(&error))?.into_parts();
    instructions.apply_to_request_http1x(request);
    if let Some(value) = request.headers_mut().get_mut(AUTHORIZATION) {
        value.set_sensitive(true);
    }
    Ok(())
}

fn is_signed(name: &HeaderName) -> bool {
    *name == HOST || *name == CONTENT_TYPE || *name == ACCEPT || name.as_str().starts_with("x-amz")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use http::Method;
    use serde_json::Value;

    use super::*;

    /// The moment at which AWS's SDK was made to sign: 2026-01-02 03:04:05.
    const AT: u64 = 1_767_323_045;
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// Signs what AWS's SDK signed: its signature and ours.
    fn signatures(capture: &Value) -> Option<(String, String)> {
        let text = |name: &str| capture[name].as_str();
        let theirs = capture["headers"]["authorization"].as_str().filter(|it| it.contains("Signature="))?;
        let (host, path) = text("url")?.strip_prefix("https://")?.split_once('/')?;
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(text("method")?.as_bytes()).ok()?;
        *request.uri_mut() = format!("/{path}").parse().ok()?;
        request.headers_mut().insert(HOST, host.parse().ok()?);
        for (name, value) in capture["headers"].as_object()?.iter().filter(|(name, _)| *name != "authorization") {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request.headers_mut().insert(name, value.as_str()?.parse().ok()?);
        }
        // What is signed and what is not: a client's own header stays out of it.
        request.headers_mut().insert("x-request-id", "7".parse().ok()?);
        let session = capture["headers"]["x-amz-security-token"].as_str().map(str::to_owned);
        let keys = Keys::new("AKIDEXAMPLE".to_owned(), SECRET.to_owned(), session);
        let service = theirs.split('/').nth(3)?;
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(AT);
        let body = text("signed_body")?.to_owned();
        let (one, other) = body.split_at(body.len() / 2);
        let pieces = [one, other].map(|piece| Bytes::copy_from_slice(piece.as_bytes()));
        sign(&keys, &Scope { service, region: "us-east-1", at }, &mut request, &pieces).unwrap();
        let ours = request.headers()[AUTHORIZATION].to_str().ok()?.to_owned();
        Some((ours, theirs.to_owned()))
    }

    #[test]
    fn what_awss_own_sdk_signs_is_signed_alike() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
        let mut compared = 0;
        for provider in ["bedrock", "sagemaker"] {
            for file in std::fs::read_dir(captures.join(provider)).unwrap() {
                let path = file.unwrap().path();
                let capture: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                let Some((ours, theirs)) = signatures(&capture) else { continue };
                assert_eq!(ours, theirs, "{}", path.display());
                compared += 1;
            }
        }
        assert!(compared > 20, "{compared} signatures of boto3's were compared");
    }

    #[test]
    fn a_clients_own_signature_is_no_part_of_it() {
        let mut request = Request::new(());
        *request.uri_mut() = "/model/m/converse?a=b%20c".parse().unwrap();
        for (name, value) in [("host", "localhost:1"), ("x-amz-date", "x"), ("x-amz-security-token", "theirs")] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let keys = Keys::new("A".to_owned(), "S".to_owned(), None);
        let scope = Scope { service: "bedrock", region: "eu-west-1", at: SystemTime::UNIX_EPOCH };
        sign(&keys, &scope, &mut request, &[]).unwrap();
        let headers = request.headers();
        assert_eq!(headers["x-amz-date"], "19700101T000000Z");
        assert!(!headers.contains_key("x-amz-security-token"));
        assert!(headers[AUTHORIZATION].is_sensitive());
        let told = headers[AUTHORIZATION].to_str().unwrap();
        assert!(told.starts_with("AWS4-HMAC-SHA256 Credential=A/19700101/eu-west-1/bedrock/aws4_request, "), "{told}");
        assert!(told.contains("SignedHeaders=host;x-amz-date, Signature="), "{told}");
    }
}
