//! The system's keychain: Secret Service, macOS's keychain, Windows' credential manager.
//!
//! Asking a locked one waits until a person unlocks it, perhaps for ever, so each call has a thread of its own, at most
//! one at a time, and nobody waits long for it. Whether a credential belongs here is the vault's business.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyring::{Entry, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::{Secret, SecretError};

/// The name under which entries stand.
const SERVICE: &str = "pointsman";

/// An entry that is made and removed to see whether that works.
const CANARY: &str = "canary";

/// How long a call may take. One that works takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The system's keychain, which may be locked or absent.
#[derive(Debug)]
pub(super) struct Keychain {
    turn: Arc<Semaphore>,
    /// When the call in progress began.
    began: Arc<Mutex<Option<Instant>>>,
    works: AtomicBool,
    patience: Duration,
}

impl Keychain {
    pub(super) fn new() -> Keychain {
        Keychain::with_patience(PATIENCE)
    }

    fn with_patience(patience: Duration) -> Keychain {
        let turn = Arc::new(Semaphore::new(1));
        Keychain { turn, began: Arc::default(), works: AtomicBool::new(false), patience }
    }

    /// An entry; `None` where there is none.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        let name = name.to_owned();
        self.ask(move || match entry(&name)?.get_password() {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Makes or replaces an entry.
    pub(super) async fn set(&self, name: &str, secret: Secret) -> Result<(), SecretError> {
        let name = name.to_owned();
        self.ask(move || entry(&name)?.set_password(secret.expose())).await
    }

    /// Removes an entry, if there is one.
    pub(super) async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let name = name.to_owned();
        self.ask(move || match entry(&name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
        .await
    }

    /// Whether it answers. One that works was asked before.
    pub(super) async fn look(&self) -> Result<(), SecretError> {
        if self.works.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.get(CANARY).await.map(drop)
    }

    /// Whether it keeps what it is given: a keychain without a collection answers "no such entry" to everything and
    /// looks healthy. Once it worked it is not tried again.
    pub(super) async fn test(&self) -> Result<(), SecretError> {
        if self.works.load(Ordering::Relaxed) {
            return Ok(());
        }
        let kept = self
            .ask(|| {
                let entry = entry(CANARY)?;
                entry.set_password(CANARY)?;
                let kept = entry.get_password()?;
                entry.delete_credential()?;
                Ok(kept == CANARY)
            })
            .await?;
        if !kept {
            return Err(SecretError::Keychain("it does not keep what it is given".to_owned()));
        }
        self.works.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Not one of tokio's blocking threads: the runtime waits for those when it stops.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, SecretError> {
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        if began.is_some_and(|began| began.elapsed() >= self.patience) {
            return Err(SecretError::KeychainLocked);
        }
        let began = Arc::clone(&self.began);
        let answer = async {
            let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| SecretError::KeychainLocked)?;
            let (answer, answered) = oneshot::channel();
            let ask = move || {
                let call = Call::begin(began, turn);
                let given = question();
                drop(call);
                let _ = answer.send(given);
            };
            std::thread::Builder::new()
                .name("keychain".to_owned())
                .spawn(ask)
                .map_err(|error| SecretError::Keychain(error.to_string()))?;
            answered.await.map_err(|_| SecretError::Keychain("it broke off".to_owned()))?.map_err(told)
        };
        timeout(self.patience, answer).await.unwrap_or(Err(SecretError::KeychainLocked))
    }
}

/// A call in progress, ended also by a panic.
struct Call {
    began: Arc<Mutex<Option<Instant>>>,
    _turn: OwnedSemaphorePermit,
}

impl Call {
    fn begin(began: Arc<Mutex<Option<Instant>>>, turn: OwnedSemaphorePermit) -> Call {
        *began.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Call { began, _turn: turn }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn entry(name: &str) -> Result<Entry, Error> {
    Entry::new(SERVICE, name)
}

/// What an error means to the user. Its own text may hold what was stored, so it is told only where it cannot.
fn told(error: Error) -> SecretError {
    match error {
        Error::NoDefaultStore => SecretError::KeychainAbsent,
        Error::NoStorageAccess(_) => SecretError::KeychainLocked,
        Error::PlatformFailure(cause) => SecretError::Keychain(cause.to_string()),
        Error::NotSupportedByStore(what) => SecretError::Keychain(what),
        Error::TooLong(what, limit) => SecretError::Keychain(format!("the {what} is longer than {limit} characters")),
        _ => SecretError::Keychain("the entry is not one that Pointsman wrote".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_locked_keychain_costs_one_thread_and_no_second_wait() {
        let keychain = Keychain::with_patience(Duration::from_millis(20));
        let (unlock, locked) = mpsc::channel::<()>();
        let answer = keychain.ask(move || Ok(locked.recv().is_ok())).await;
        assert!(matches!(answer, Err(SecretError::KeychainLocked)));

        let asked = keychain.ask(|| -> Result<(), Error> { panic!("asked a second time while the first call waits") });
        assert!(matches!(asked.await, Err(SecretError::KeychainLocked)));

        unlock.send(()).unwrap();
        let _free = keychain.turn.acquire().await.unwrap();
        assert!(keychain.began.lock().unwrap().is_none(), "the call has ended, so the next one may ask");
    }

    #[tokio::test]
    async fn a_call_that_panics_is_only_a_failure() {
        let keychain = Keychain::new();
        let answer = keychain.ask(|| -> Result<(), Error> { panic!("on purpose") }).await;
        assert!(matches!(answer, Err(SecretError::Keychain(_))));
        assert!(keychain.ask(|| Ok(true)).await.unwrap(), "the turn was given back");
        assert!(keychain.began.lock().unwrap().is_none(), "and does not count as a call that never ended");
    }

    #[test]
    fn messages_hold_nothing_stored() {
        let secret = b"sk-canary-0123456789".to_vec();
        for error in [Error::BadEncoding(secret.clone()), Error::BadDataFormat(secret, "cause".into())] {
            assert!(!told(error).to_string().contains("canary"));
        }
    }
}
