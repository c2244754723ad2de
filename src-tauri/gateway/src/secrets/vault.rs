//! Finds, keeps and forgets credentials, wherever each has its place.
//!
//! What was looked up once stays in memory, so that a request waits for no keychain and no disk. Who may have a
//! credential is decided by the caller: the vault hands it to nobody by itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::keychain::Keychain;
use super::redact::Redactor;
use super::{CredentialRef, Secret, SecretError, environment, file};
use crate::environment::{Environment, Folders};

/// Which keychain there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeychainMode {
    /// The system's.
    System,
    /// None, for a test or a portable installation.
    None,
}

/// A credential's new place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// As the settings write it.
    pub reference: CredentialRef,
    /// What a person should know about the place.
    pub note: String,
}

/// Every place where credentials are kept.
#[derive(Debug)]
pub struct Vault {
    folders: Folders,
    environment: Environment,
    keychain: Option<Keychain>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    secrets: HashMap<CredentialRef, Secret>,
    /// Grows with each change, so that what was looked up before one is not kept after it.
    generation: u64,
}

impl Vault {
    /// The places of one installation.
    pub fn new(folders: Folders, environment: Environment, keychain: KeychainMode) -> Vault {
        Vault {
            folders,
            environment,
            keychain: (keychain == KeychainMode::System).then(Keychain::new),
            cache: Mutex::default(),
        }
    }

    /// A credential; `None` where its place is empty.
    pub async fn lookup(&self, reference: &CredentialRef) -> Result<Option<Secret>, SecretError> {
        let generation = {
            let cache = self.cache();
            if let Some(secret) = cache.secrets.get(reference) {
                return Ok(Some(secret.clone()));
            }
            cache.generation
        };
        let secret = match reference {
            // In memory already.
            CredentialRef::Environment(name) => return environment::get(&self.environment, name),
            CredentialRef::Keychain(name) => match &self.keychain {
                Some(keychain) => keychain.get(name).await?,
                None => return Err(SecretError::KeychainAbsent),
            },
            CredentialRef::File(name) => {
                let name = name.clone();
                self.on_disk(move |path| file::get(path, &name)).await?
            }
        };
        if let Some(secret) = &secret {
            let mut cache = self.cache();
            if cache.generation == generation {
                cache.secrets.insert(reference.clone(), secret.clone());
            }
        }
        Ok(secret)
    }

    /// What takes every key out of a text that is known without asking for it: those that were used, and those that stand
    /// in the environment under one of these references.
    pub fn redactor<'r>(&self, references: impl Iterator<Item = &'r CredentialRef>) -> Redactor {
        let mut known: Vec<Secret> = self.cache().secrets.values().cloned().collect();
        known.extend(references.filter_map(|reference| match reference {
            CredentialRef::Environment(name) => environment::get(&self.environment, name).ok().flatten(),
            CredentialRef::Keychain(_) | CredentialRef::File(_) => None,
        }));
        Redactor::new(known.iter().map(Secret::expose))
    }

    /// Why the keychain cannot be used; `None` where it can, and where none is to be. Unless it is tried `thoroughly` it is
    /// only asked, which a locked one may answer.
    pub async fn keychain_problem(&self, thoroughly: bool) -> Option<SecretError> {
        let keychain = self.keychain.as_ref()?;
        if thoroughly { keychain.test().await.err() } else { keychain.look().await.err() }
    }

    /// Keeps a credential: in the keychain where one works, else in the credentials file.
    pub async fn store(&self, name: &str, secret: Secret) -> Result<Stored, SecretError> {
        let secret = Secret::checked(secret.expose().to_owned())?;
        let file: CredentialRef = format!("file:{name}").parse().map_err(|_| SecretError::BadName(name.to_owned()))?;
        let tested = match &self.keychain {
            Some(keychain) => match keychain.test().await {
                Ok(()) => Ok(keychain),
                Err(error) => Err(error),
            },
            None => Err(SecretError::KeychainAbsent),
        };
        let stored = match tested {
            Ok(keychain) => {
                keychain.set(name, secret).await?;
                let note = "kept in the system's keychain".to_owned();
                Stored { reference: CredentialRef::Keychain(name.to_owned()), note }
            }
            Err(reason) => {
                let entry = name.to_owned();
                self.on_disk(move |path| file::set(path, &entry, &secret)).await?;
                let path = self.folders.credentials();
                let note = format!("kept in {}, which only you can read: {reason}", path.display());
                Stored { reference: file, note }
            }
        };
        self.forget();
        Ok(stored)
    }

    /// Removes a credential from its place. What is not there is removed already.
    pub async fn remove(&self, reference: &CredentialRef) -> Result<(), SecretError> {
        match reference {
            CredentialRef::Environment(name) => return Err(SecretError::NotOurs(name.clone())),
            CredentialRef::Keychain(name) => match &self.keychain {
                Some(keychain) => keychain.delete(name).await?,
                None => return Err(SecretError::KeychainAbsent),
            },
            CredentialRef::File(name) => {
                let name = name.clone();
                self.on_disk(move |path| file::delete(path, &name)).await?;
            }
        }
        self.forget();
        Ok(())
    }

    /// Forgets what was looked up, not what is kept: after an endpoint refused a credential, or its place was edited.
    pub fn forget(&self) {
        let mut cache = self.cache();
        cache.generation += 1;
        cache.secrets.clear();
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let path = self.folders.credentials();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        done.unwrap_or(Err(SecretError::Interrupted))
    }
}

#[cfg(test)]
mod tests;
