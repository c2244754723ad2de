//! Credentials: where they are kept, and the one type that carries them.
//!
//! A [`Secret`] goes from here to one header. It cannot be serialized or printed, and its memory is wiped when dropped.
//! Client keys, which tools send to Pointsman, are another thing: `settings` keeps their hashes.

pub mod redact;
mod vault;

mod environment;
mod file;
mod keychain;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use vault::{KeychainMode, Stored, Vault};

use crate::replace::Fault;

/// A credential in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a credential over.
    pub fn new(value: String) -> Secret {
        Secret(Zeroizing::new(value))
    }

    /// Takes over what a person or a file gave: without space around it, and only if a header can carry it.
    pub fn checked(value: String) -> Result<Secret, SecretError> {
        let value = Zeroizing::new(value);
        // A key file is JSON of several lines, which mean nothing.
        let lines = Zeroizing::new(if value.trim_start().starts_with('{') {
            value.replace(['\r', '\n', '\t'], " ")
        } else {
            String::new()
        });
        let trimmed = if lines.is_empty() { value.trim() } else { lines.trim() };
        if trimmed.is_empty() || !trimmed.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(SecretError::Unfit);
        }
        Ok(Secret::new(trimmed.to_owned()))
    }

    /// The credential itself, for the header that carries it and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Where a credential is kept, as the settings write it: `env:NAME`, `keychain:NAME`, `file:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CredentialRef {
    /// An environment variable of Pointsman's own process.
    Environment(String),
    /// An entry in the system's keychain, under Pointsman's name.
    Keychain(String),
    /// An entry in Pointsman's own credentials file (mode 0600), for machines where no keychain runs.
    File(String),
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialRef::Environment(name) => write!(f, "env:{name}"),
            CredentialRef::Keychain(name) => write!(f, "keychain:{name}"),
            CredentialRef::File(name) => write!(f, "file:{name}"),
        }
    }
}

impl From<CredentialRef> for String {
    fn from(reference: CredentialRef) -> String {
        reference.to_string()
    }
}

/// A reference that is none. The message never repeats the text: people paste keys here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key is referred to as `env:NAME`, `keychain:NAME` or `file:NAME`, never written out in the settings")]
pub struct NotAReference;

impl FromStr for CredentialRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<CredentialRef, NotAReference> {
        let (place, name) = text.split_once(':').ok_or(NotAReference)?;
        let fits = !name.is_empty()
            && name.len() <= 128
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        match place {
            _ if !fits => Err(NotAReference),
            "env" => Ok(CredentialRef::Environment(name.to_owned())),
            "keychain" => Ok(CredentialRef::Keychain(name.to_owned())),
            "file" => Ok(CredentialRef::File(name.to_owned())),
            _ => Err(NotAReference),
        }
    }
}

impl TryFrom<String> for CredentialRef {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<CredentialRef, NotAReference> {
        text.parse()
    }
}

/// Why a credential cannot be had, kept or removed. No message ever holds one.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No keychain answers.
    #[error(
        "no keychain runs here; start one and then Pointsman again, or keep the key with `env:NAME` or `file:NAME`"
    )]
    KeychainAbsent,
    /// It waits for a person.
    #[error("the keychain is locked; unlock it and try again")]
    KeychainLocked,
    /// It failed otherwise.
    #[error("the keychain failed: {0}")]
    Keychain(String),
    /// Others can read the credentials file.
    #[error("others can read {path}, so it is not used; run `chmod 600 {path}`, and have its keys replaced", path = .0.display())]
    Exposed(PathBuf),
    /// The credentials file is no TOML.
    #[error("{} has a mistake in line {line}; each line is `name = \"key\"`", .path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The credentials file cannot be read or written.
    #[error(transparent)]
    File(#[from] Fault),
    /// No header carries it.
    #[error("a key is one line of printable ASCII characters; this one is empty or has others")]
    Unfit,
    /// A name that cannot be one.
    #[error("`{}` cannot name a key: 1 to 128 letters, digits, `_`, `-` and `.`", .0.escape_debug())]
    BadName(String),
    /// An environment variable.
    #[error("{0} is an environment variable: unset it where Pointsman is started")]
    NotOurs(String),
    /// Pointsman stopped meanwhile.
    #[error("Pointsman stopped before it was done")]
    Interrupted,
}
