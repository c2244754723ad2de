//! The clients for other machines: one for each word on private networks.
//!
//! A name is looked up when a connection is made, and connections are kept. Since each word has connections of its own, one
//! that was made while `allow_private` stood in the settings is not used once it does not, and neither is one of another
//! endpoint at the same name. Which addresses are meant is `address`' business.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{SendError, deepest};
use crate::address::Resolver;

/// Both. Clones share them.
#[derive(Clone)]
pub(super) struct Elsewhere {
    limit: Duration,
    public: reqwest::Client,
    /// Made when it is first needed: most people have nothing in a private network, and all would carry its certificates.
    private: Arc<OnceLock<Result<reqwest::Client, String>>>,
}

impl Elsewhere {
    /// No connections yet; each is given up if it is not there within `limit`.
    pub(super) fn new(limit: Duration) -> Result<Elsewhere, reqwest::Error> {
        Ok(Elsewhere { limit, public: client(limit, false)?, private: Arc::default() })
    }

    /// The one to whom names do not resolve that lead into a private network.
    pub(super) fn public(&self) -> &reqwest::Client {
        &self.public
    }

    /// The one that goes there, too.
    pub(super) fn private(&self) -> Result<&reqwest::Client, SendError> {
        let made = self.private.get_or_init(|| client(self.limit, true).map_err(|error| deepest(&error)));
        made.as_ref().map_err(|reason| SendError::Connect(reason.clone()))
    }
}

fn client(limit: Duration, allow_private: bool) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limit)
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(Resolver::new(allow_private)))
        .build()
}
