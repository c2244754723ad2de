//! Where an account's keys at AWS come from, and how those are fetched that stand nowhere.
//!
//! What a profile means is `profile`'s business, and which source an account has is `keys`'. Fetched keys run out, and are
//! kept in memory until then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::super::exchange::UNSAID;
use super::super::question::apart;
use super::super::tokens::{Key, Moment, Token};
use super::super::{AuthorityError, Parts, Principal};
use super::keys::Keys;
use super::machine::{self, Machine};
use super::program::{self, Program};
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
    Program(Program),
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
        Source::Program(program) => program::fetch(parts, program).await,
        Source::Machine(machine) => machine::fetch(parts, *machine).await,
    }
}

impl Fetched {
    /// Keys that say until when they are good. `there` is what time it is for whoever gave them, who is right.
    pub(super) fn until(keys: Keys, until: Option<SystemTime>, there: Option<SystemTime>) -> Fetched {
        let here = SystemTime::now();
        let now = there.filter(|there| apart(here, *there)).unwrap_or(here);
        let life = until.map_or(UNSAID, |until| until.duration_since(now).unwrap_or_default());
        Fetched { keys, life }
    }
}

/// A moment as AWS writes it.
pub(super) fn moment(text: &str) -> Option<SystemTime> {
    // AWS's own command wrote `UTC` for a while.
    let text = text.trim().replace("UTC", "Z");
    let moment = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(moment).ok()
}

/// The same the other way round.
pub(super) fn written(moment: SystemTime) -> Option<String> {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    DateTime::from_secs(i64::try_from(seconds).ok()?).fmt(Format::DateTime).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_aws_writes_them() {
        let check = |text: &str, expected: Option<u64>| {
            let read = moment(text).map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(read, expected, "{text}");
        };
        check("2026-01-02T03:04:05Z", Some(1_767_323_045));
        check("2026-01-02T03:04:05.678Z", Some(1_767_323_045));
        check("2026-01-02T03:04:05UTC", Some(1_767_323_045));
        check("2026-01-02T05:04:05+02:00", Some(1_767_323_045));
        check("tomorrow", None);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        assert_eq!(written(at).as_deref(), Some("2026-01-02T03:04:05Z"));
    }

    #[test]
    fn how_long_keys_are_good_is_told_by_the_clock_that_is_right() {
        let check = |until: Option<i64>, there: Option<i64>, expected: u64, why: &str| {
            let now = SystemTime::now();
            let at = |seconds: i64| {
                let by = Duration::from_secs(seconds.unsigned_abs());
                if seconds < 0 { now - by } else { now + by }
            };
            let keys = Keys::new("A".to_owned(), "S".to_owned(), None);
            let life = Fetched::until(keys, until.map(at), there.map(at)).life.as_secs();
            assert!(life.abs_diff(expected) <= 2, "{why}: {life}");
        };
        check(Some(3600), None, 3600, "nobody tells another time");
        check(Some(3600), Some(3), 3600, "an answer takes a moment");
        check(Some(7200), Some(3600), 3600, "this clock is an hour late");
        check(Some(-3600), Some(-7200), 3600, "this clock is two hours early");
        check(Some(-5), None, 0, "they ran out");
        check(None, None, 300, "who does not say it is asked again soon");
    }
}
