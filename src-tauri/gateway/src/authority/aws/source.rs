//! Where an account's keys at AWS come from, and how those are fetched that stand nowhere.
//!
//! What a profile means is `profile`'s business, and which source an account has is `keys`'. Fetched keys run out, and are
//! kept in memory until then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::super::moment::life;
use super::super::tokens::{Key, Moment, Token};
use super::super::{AuthorityError, Parts, Principal};
use super::keys::Keys;
use super::machine::{self, Machine};
use super::printed::{self, Process};
use super::role::{self, Role};
use super::sign_on::{self, SignOn};

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// They stand somewhere.
    Keys(Keys),
    /// IAM Identity Center gives them to whoever signed on.
    SignOn(SignOn),
    /// STS gives them to whoever may take a role.
    Role {
        role: Role,
        /// Who takes it.
        by: Box<Source>,
    },
    /// STS gives them for a token of somebody else's, which stands in a file.
    WebIdentity { role: Role, token: PathBuf },
    /// A program of the user's prints them.
    Program(Process),
    /// The machine that it runs on gives them.
    Machine(Machine),
}

/// Keys that were fetched, and where.
pub(crate) struct Session {
    pub(super) keys: Keys,
    source: Source,
}

/// Keys, and how long they are good.
pub(super) struct Fetched {
    pub(super) keys: Keys,
    pub(super) life: Duration,
}

/// The keys of a source, fetched or still good.
pub(super) async fn keys(
    parts: &Parts,
    who: &Principal<'_>,
    region: &str,
    source: Source,
) -> Result<Keys, AuthorityError> {
    if let Source::Keys(keys) = source {
        return Ok(keys);
    }
    let key = Key::of(who);
    // A profile that was edited means something else.
    parts.sessions.forget_unless(&key, |session| session.source == source);
    let make = async {
        let since = Moment::now();
        let Fetched { keys, life } = fetch(parts, region, &source).await?;
        Ok(Token { it: Session { keys, source: source.clone() }, since, life })
    };
    let session: Arc<Token<Session>> = parts.sessions.get(key, Moment::now(), make).await?;
    Ok(session.it.keys.clone())
}

async fn fetch(parts: &Parts, region: &str, source: &Source) -> Result<Fetched, AuthorityError> {
    match source {
        Source::Keys(keys) => Ok(Fetched { keys: keys.clone(), life: Duration::MAX }),
        Source::SignOn(sign_on) => sign_on::fetch(parts, sign_on).await,
        Source::Role { role, by } => {
            let by = Box::pin(fetch(parts, region, by)).await?;
            role::take(parts, region, role, &by.keys).await
        }
        Source::WebIdentity { role, token } => role::take_by_token(parts, region, role, token).await,
        Source::Program(process) => printed::fetch(parts, process).await,
        Source::Machine(machine) => machine::fetch(parts, *machine).await,
    }
}

impl Fetched {
    /// Keys that say until when they are good. `there` is what time it is for whoever gave them, who is right.
    pub(super) fn until(keys: Keys, until: Option<SystemTime>, there: Option<SystemTime>) -> Fetched {
        Fetched { keys, life: life(until, there) }
    }
}
