//! AWS's signature, version 4, or for Bedrock its API key as a bearer.
//!
//! Which of the two, and with which keys, `keys` finds out; the signature itself is made by Amazon's own crate.

mod keys;
mod profile;
mod signature;

use std::time::SystemTime;

use bytes::Bytes;
use http::Request;

use super::{AuthorityError, Parts, Principal, unusable};
use crate::provider::hosted::AwsService;
use crate::secrets::Secret;
use keys::Proof;
use signature::Scope;

/// Signs a request. Returned is what an answer must not repeat.
pub(super) async fn sign<B>(
    parts: &Parts,
    service: AwsService,
    who: &Principal<'_>,
    request: &mut Request<B>,
    body: &[Bytes],
) -> Result<Option<Secret>, AuthorityError> {
    let region = who.account.setting("region").ok_or_else(|| unusable("it has no `region`"))?;
    let profile = who.account.setting("profile");
    match keys::find(&parts.environment, &parts.folders.home, service, profile, who.secret).await? {
        Proof::Bearer(token) => super::bearer(request, &token),
        Proof::Keys(keys) => {
            let scope = Scope { service: service.id(), region, at: SystemTime::now() };
            signature::sign(&keys, &scope, request, body)
                .map_err(|error| AuthorityError::Unusable(format!("the request cannot be signed: {error}")))?;
            Ok(Some(keys.session.unwrap_or(keys.secret)))
        }
    }
}
