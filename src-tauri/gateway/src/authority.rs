//! Proves to a cloud who asks, where a key in a header does not: tokens that run out, and signatures.
//!
//! One door for requests, key checks and lists alike. What a row needs is its [`Auth`]; each kind has its own file.
//! Tokens are kept in memory only, made anew before they run out, and never logged. Which account asks is the caller's
//! business, and where its stored secret lies the vault's.

mod aws;
mod client;
mod exchange;
mod google;
mod ibm;
mod moment;
mod program;
mod question;
mod tokens;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use url::Url;

use crate::address::Bounds;
use crate::environment::{Environment, Folders};
use crate::provider::hosted::{Account, Auth};
use crate::secrets::Secret;
use crate::upstream::Upstream;
use tokens::{Bearer, Key, Token, Tokens};

/// Everything that is needed to prove it. Clones share their tokens.
#[derive(Clone)]
pub struct Authority(Arc<Parts>);

struct Parts {
    upstream: Upstream,
    environment: Environment,
    folders: Folders,
    tokens: Tokens<Bearer>,
    sessions: Tokens<aws::Session>,
    /// Held by the one request that renews what a sign-on left.
    renewal: tokio::sync::Mutex<()>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// The account.
    pub account: &'a Account,
    /// Where it is asked.
    pub base: &'a Url,
    /// How far that may be, which holds for no one else who is asked.
    pub bounds: Bounds,
    /// What is kept for it, as it is kept; none where it is to be found on this machine.
    pub secret: Option<&'a str>,
}

/// Why it cannot be proved. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// A token would have to be fetched, and local-only mode is on.
    #[error("a token for it would be fetched from {0}, and local-only mode is on")]
    LocalOnly(String),
    /// There is nothing to prove it with, or it cannot be read.
    #[error("{0}")]
    Unusable(String),
    /// Whoever makes tokens refuses.
    #[error("{by} refuses a token ({status}): {says}")]
    Refused {
        /// Its host.
        by: String,
        /// What it answered.
        status: u16,
        /// In its words.
        says: String,
    },
    /// Whoever makes tokens does not answer.
    #[error("{by} gives no token: {reason}")]
    Silent {
        /// Its host.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Authority {
    /// Knows no token yet.
    pub fn new(upstream: Upstream, environment: Environment, folders: Folders) -> Authority {
        let (tokens, sessions, renewal) = Default::default();
        Authority(Arc::new(Parts { upstream, environment, folders, tokens, sessions, renewal }))
    }

    /// Puts to a request what its provider wants to see. `body` is what will be sent, in order. Returned is what an answer
    /// must not repeat, beside what is kept for the account.
    pub async fn authorize<B>(
        &self,
        who: &Principal<'_>,
        request: &mut Request<B>,
        body: &[Bytes],
    ) -> Result<Vec<Secret>, AuthorityError> {
        let token = match who.account.auth {
            // Whoever makes a request puts a key into its header.
            None | Some(Auth::Key(_)) => return Ok(Vec::new()),
            Some(Auth::Aws { service }) => return aws::sign(&self.0, service, who, request, body).await,
            Some(Auth::Google) => google::token(&self.0, who).await?,
            Some(Auth::Entra { key, scope }) => match client::named(who)? {
                Some(client) => client::entra(&self.0, who, &client, scope).await?,
                None => {
                    let header = key.carrying(client::key(who)?);
                    let (name, value) = header.ok_or_else(|| unusable("no header can carry its key"))?;
                    request.headers_mut().insert(name, value);
                    return Ok(Vec::new());
                }
            },
            Some(Auth::IbmIam) => ibm::token(&self.0, who).await?,
            Some(Auth::Databricks) => match client::named(who)? {
                Some(client) => client::databricks(&self.0, who, &client).await?,
                None => return bearer(request, &Secret::new(client::key(who)?.to_owned())),
            },
        };
        put(request, &token)
    }

    /// Hears how a request, begun at `asked`, was answered. Whether asking once more makes sense, since it was refused for
    /// its token, which is an older one and may have been taken back.
    pub fn refused<B>(&self, who: &Principal<'_>, answer: &Response<B>, asked: Instant) -> bool {
        let Parts { tokens, sessions, .. } = &*self.0;
        let status = answer.status();
        match who.account.auth {
            Some(Auth::Aws { .. }) => {
                aws::is_of_keys(status, answer.headers()) && sessions.forget(&Key::of(who), asked)
            }
            None | Some(Auth::Key(_) | Auth::Google | Auth::Entra { .. } | Auth::IbmIam | Auth::Databricks) => {
                status == StatusCode::UNAUTHORIZED && tokens.forget(&Key::of(who), asked)
            }
        }
    }
}

fn put<B>(request: &mut Request<B>, token: &Token<Bearer>) -> Result<Vec<Secret>, AuthorityError> {
    if let Some((name, value)) = &token.it.beside {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    bearer(request, &token.it.secret)
}

fn bearer<B>(request: &mut Request<B>, secret: &Secret) -> Result<Vec<Secret>, AuthorityError> {
    let value = HeaderValue::try_from(format!("Bearer {}", secret.expose()));
    let mut value = value.map_err(|_| unusable("no header can carry its token"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(vec![secret.clone()])
}

fn unusable(reason: &str) -> AuthorityError {
    AuthorityError::Unusable(reason.to_owned())
}

/// How long a token may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
