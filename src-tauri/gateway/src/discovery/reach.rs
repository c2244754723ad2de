//! The way to an endpoint of the catalog, for whoever must tell it something: the address and the credential with which
//! its models are asked for.

use std::time::Duration;

use http::HeaderMap;

use super::client::{self, Reach, Site};
use super::{Credentials, configured};
use crate::authority::Authority;
use crate::catalog::{Endpoint, Origin};
use crate::settings::Settings;

/// Where and how it is asked; else why it cannot be. In local-only mode, nothing that leaves this machine.
pub(crate) async fn site(
    endpoint: &Endpoint,
    settings: &Settings,
    credentials: &Credentials,
    authority: &Authority,
    patience: Duration,
) -> Result<Site, String> {
    if !endpoint.local && settings.local_only {
        return Err(format!("local-only mode is on, and {} is not on this machine", endpoint.id));
    }
    match &endpoint.origin {
        Origin::Discovered { .. } => Ok(Site {
            base: endpoint.base_url.as_str().trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
            signer: None,
            patience,
            reach: Reach::Loopback(client::loopback()),
        }),
        Origin::Configured { .. } => {
            let entry = settings.endpoints.iter().find(|entry| *entry.name == *endpoint.id);
            let entry = entry.ok_or_else(|| format!("the settings have no endpoint `{}` any more", endpoint.id))?;
            configured::site(entry, credentials, authority, patience).await
        }
        Origin::BuiltIn => Err("the built-in runtime has no address of its own".to_owned()),
    }
}
