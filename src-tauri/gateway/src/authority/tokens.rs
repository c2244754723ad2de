//! Tokens in memory: each used until shortly before it runs out, and made by one request at a time.
//!
//! Nothing here knows what a token is and how it is made. Time is told by the caller, from two clocks: one that nobody sets, and one
//! that goes on while the machine sleeps.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::{AuthorityError, Principal};
use crate::secrets::Secret;

/// A token is made anew so long before it runs out, or a quarter of its life if that is less.
const EARLY: Duration = Duration::from_secs(300);
/// More accounts than anybody has; beyond it, those whose tokens ran out are forgotten.
const MOST: usize = 64;

/// All of one kind.
pub(super) struct Tokens<T>(Mutex<HashMap<Key, Arc<Slot<T>>>>);

/// Whose token it is: an account, the place that it asks, and what it proves itself with, none of which can be read from
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) steady: Instant,
    pub(super) wall: SystemTime,
}

/// A token, and how long it is one.
pub(super) struct Token<T> {
    /// The token itself.
    pub(super) it: T,
    /// When it was asked for.
    pub(super) since: Moment,
    /// How long it is good.
    pub(super) life: Duration,
}

/// A token that a header carries as it is.
pub(super) struct Bearer {
    pub(super) secret: Secret,
    /// A header that goes along with it.
    pub(super) beside: Option<(HeaderName, HeaderValue)>,
}

struct Slot<T> {
    kept: Mutex<Kept<T>>,
    /// Held by the one request that has a token made.
    turn: tokio::sync::Mutex<()>,
}

struct Kept<T> {
    token: Option<Arc<Token<T>>>,
    /// The last refusal, for those who waited for it.
    refusal: Option<(Moment, AuthorityError)>,
}

impl Key {
    pub(super) fn of(who: &Principal<'_>) -> Key {
        let mut digest = Sha256::new();
        let settings = who.account.settings().iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let secret = if who.secret.is_some() { "kept" } else { "found" };
        let parts = [&*who.account.id, who.base.as_str(), secret, who.secret.unwrap_or_default()];
        for part in parts.into_iter().chain(settings) {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        Key(digest.finalize().into())
    }
}

impl Moment {
    pub(super) fn now() -> Moment {
        Moment { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago it was, by the clock that says more: the one that is set may go back, the other stops in sleep.
    fn until(self, now: Moment) -> Duration {
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        now.steady.saturating_duration_since(self.steady).max(wall)
    }
}

impl<T> Token<T> {
    fn left(&self, now: Moment) -> Duration {
        self.life.saturating_sub(self.since.until(now))
    }

    fn is_fresh(&self, now: Moment) -> bool {
        self.left(now) > EARLY.min(self.life / 4)
    }
}

impl<T> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("life", &self.life).finish_non_exhaustive()
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot { kept: Mutex::new(Kept { token: None, refusal: None }), turn: tokio::sync::Mutex::default() }
    }
}

impl<T> Slot<T> {
    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self) -> Option<Arc<Token<T>>> {
        self.kept().token.clone()
    }
}

impl<T> Default for Tokens<T> {
    fn default() -> Tokens<T> {
        Tokens(Mutex::default())
    }
}

impl<T> Tokens<T> {
    /// The token of `key`; `make` makes one, and is left alone where that is not needed.
    pub(super) async fn get(
        &self,
        key: Key,
        now: Moment,
        make: impl Future<Output = Result<Token<T>, AuthorityError>>,
    ) -> Result<Arc<Token<T>>, AuthorityError> {
        let slot = self.slot(key, now);
        let old = slot.token().filter(|token| !token.left(now).is_zero());
        let _turn = match old.as_ref() {
            Some(token) if token.is_fresh(now) => return Ok(Arc::clone(token)),
            // Another request sees to it, and the old one is still good.
            Some(token) => match slot.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(Arc::clone(token)),
            },
            None => slot.turn.lock().await,
        };
        // Whoever waited has what came of it meanwhile, good or bad.
        {
            let kept = slot.kept();
            if let Some(token) = kept.token.as_ref().filter(|token| token.is_fresh(now)) {
                return Ok(Arc::clone(token));
            }
            if let Some((at, refusal)) = &kept.refusal
                && at.steady >= now.steady
            {
                return Err(refusal.clone());
            }
        }
        match make.await {
            Ok(token) => {
                let token = Arc::new(token);
                let mut kept = slot.kept();
                kept.token = Some(Arc::clone(&token));
                kept.refusal = None;
                Ok(token)
            }
            Err(error) => match old {
                Some(old) => {
                    tracing::warn!(%error, "a token could not be renewed; the old one is still good");
                    Ok(old)
                }
                None => {
                    slot.kept().refusal = Some((Moment::now(), error.clone()));
                    Err(error)
                }
            },
        }
    }

    /// Forgets a token that was refused, if it was made before `asked`. Whether it was: a new one may fare better.
    pub(super) fn forget(&self, key: &Key, asked: Instant) -> bool {
        let Some(slot) = self.slots().get(key).map(Arc::clone) else { return false };
        let mut kept = slot.kept();
        match &kept.token {
            Some(token) if token.since.steady < asked => {
                kept.token = None;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Forgets a token that is not what is wanted any more.
    pub(super) fn forget_unless(&self, key: &Key, fits: impl FnOnce(&T) -> bool) {
        let Some(slot) = self.slots().get(key).map(Arc::clone) else { return };
        let mut kept = slot.kept();
        if kept.token.as_ref().is_some_and(|token| !fits(&token.it)) {
            kept.token = None;
        }
    }

    fn slot(&self, key: Key, now: Moment) -> Arc<Slot<T>> {
        let mut slots = self.slots();
        if slots.len() >= MOST && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.token().is_some_and(|token| !token.left(now).is_zero()));
        }
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Arc<Slot<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
