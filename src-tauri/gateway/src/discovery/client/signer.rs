//! Proves to a provider who asks for its list, where a key in a header does not.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use url::Url;

use super::Fault;
use crate::address::Bounds;
use crate::authority::{Authority, Principal};
use crate::provider::hosted::Account;
use crate::secrets::Secret;

/// An account with all that proves it.
#[derive(Clone)]
pub(crate) struct Signer {
    /// Who makes tokens and signatures.
    pub authority: Authority,
    /// The account.
    pub account: Arc<Account>,
    /// Where it is asked.
    pub base: Url,
    /// How far that may be.
    pub bounds: Bounds,
    /// What is kept for it.
    pub secret: Option<Secret>,
}

impl Signer {
    pub(super) async fn sign<B>(&self, request: &mut Request<B>, body: Bytes) -> Result<(), Fault> {
        let secret = self.secret.as_ref().map(Secret::expose);
        let who = Principal { account: &self.account, base: &self.base, bounds: self.bounds, secret };
        // In a box: most questions need none, and all of them would carry the room for it.
        Box::pin(self.authority.authorize(&who, request, &[body])).await.map_err(Fault::Unproved)?;
        Ok(())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("account", &self.account.id).finish_non_exhaustive()
    }
}
