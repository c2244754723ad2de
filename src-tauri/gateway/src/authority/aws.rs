//! AWS's signature, version 4.

use bytes::Bytes;
use http::Request;

use super::{AuthorityError, Parts, Principal, unusable};
use crate::provider::hosted::AwsService;
use crate::secrets::Secret;

/// Signs a request.
pub(super) async fn sign<B>(
    _parts: &Parts,
    _service: AwsService,
    _who: &Principal<'_>,
    _request: &mut Request<B>,
    _body: &[Bytes],
) -> Result<Option<Secret>, AuthorityError> {
    Err(unusable("AWS is not signed for yet"))
}
