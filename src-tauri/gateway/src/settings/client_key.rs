//! Client keys: made once, shown once, then known by their hash only.
//!
//! Which request needs one, and in which header it comes, is the server's business.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use memchr::memmem;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::ClientKey;
use crate::secrets::redact::REDACTED;

/// What every client key begins with, so that people and secret scanners know it.
pub const PREFIX: &str = "pm-";

/// How many characters follow: 32 random bytes in base64url.
const LENGTH: usize = 43;

/// No key of ours is as long. Bounds what a stranger can have hashed.
const LONGEST: usize = 256;

/// Makes a client key: the key itself, to be shown this once, and what the settings keep of it.
pub fn mint(name: &str, today: &str) -> Result<(String, ClientKey), getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let plain = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
    let hash = Sha256::digest(&plain).iter().fold("sha256:".to_owned(), |hash, byte| format!("{hash}{byte:02x}"));
    Ok((plain, ClientKey { name: name.to_owned(), hash, created: Some(today.to_owned()) }))
}

/// The client keys in force, ready to be compared on each request.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<(String, [u8; 32])>,
}

impl Keyring {
    /// The keys of the settings. One whose hash is unreadable opens nothing.
    pub fn of(keys: &[ClientKey]) -> Keyring {
        Keyring { keys: keys.iter().filter_map(|key| Some((key.name.clone(), key.digest()?))).collect() }
    }

    /// One more.
    pub fn add(&mut self, key: &ClientKey) {
        self.keys.extend(key.digest().map(|digest| (key.name.clone(), digest)));
    }

    /// The name of the tool that a presented key belongs to.
    ///
    /// Every key is compared, and each in full: the time says neither whether one matched nor which.
    pub fn find(&self, presented: &str) -> Option<&str> {
        if presented.len() > LONGEST {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let index = position(self.keys.iter().map(|(_, hash)| hash), &digest)?;
        self.keys.get(index).map(|(name, _)| name.as_str())
    }
}

/// A text without anything that has a client key's shape: only their hashes are known here, but no word looks like one.
pub fn redact(text: &[u8]) -> Cow<'_, [u8]> {
    let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let (mut clean, mut done) = (Vec::new(), 0);
    for start in memmem::find_iter(text, PREFIX) {
        let rest = &text[start + PREFIX.len()..];
        if start >= done && rest.iter().take(LENGTH).filter(|byte| is_of_key(byte)).count() == LENGTH {
            clean.extend_from_slice(&text[done..start]);
            clean.extend_from_slice(REDACTED.as_bytes());
            done = start + PREFIX.len() + LENGTH;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    clean.extend_from_slice(&text[done..]);
    Cow::Owned(clean)
}

fn position<'k>(hashes: impl Iterator<Item = &'k [u8; 32]>, digest: &[u8; 32]) -> Option<usize> {
    let mut found = u64::MAX;
    for (index, hash) in hashes.enumerate() {
        // Eight bytes at a time: this runs for each key on each request.
        let difference = words(hash).zip(words(digest)).fold(0, |difference, (a, b)| difference | (a ^ b));
        found.conditional_assign(&(index as u64), difference.ct_eq(&0));
    }
    usize::try_from(found).ok().filter(|_| found != u64::MAX)
}

fn words(hash: &[u8; 32]) -> impl Iterator<Item = u64> {
    hash.as_chunks().0.iter().copied().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> (Vec<String>, Vec<ClientKey>) {
        (0..count).map(|index| mint(&format!("tool-{index}"), "2026-11-22").unwrap()).unzip()
    }

    #[test]
    fn a_minted_key_opens_and_its_hash_does_not() {
        let (plain, keys) = keys(3);
        let keyring = Keyring::of(&keys);
        for (plain, key) in plain.iter().zip(&keys) {
            assert_eq!(plain.len(), PREFIX.len() + 43, "32 random bytes in base64url");
            assert_eq!(keyring.find(plain), Some(key.name.as_str()));
            assert_eq!(keyring.find(&key.hash), None, "who reads the settings has no key");
            assert!(!key.hash.contains(&plain[PREFIX.len()..]));
        }
        assert_ne!(plain[0], plain[1]);
    }

    #[test]
    fn opens_for_nothing_else() {
        let (plain, keys) = keys(2);
        let keyring = Keyring::of(&keys);
        let nearly = |at: usize| {
            let mut wrong = plain[0].clone().into_bytes();
            wrong[at] ^= 1;
            String::from_utf8(wrong).unwrap()
        };
        let long = plain[0].repeat(100);
        for wrong in ["", "pm-", &nearly(0), &nearly(45), &plain[0][..45], &format!("{} ", plain[0]), &long] {
            assert_eq!(keyring.find(wrong), None);
        }
        assert_eq!(Keyring::default().find(&plain[0]), None);
    }

    #[test]
    fn an_unreadable_hash_opens_nothing() {
        for hash in ["", "sha256:", "sha256:zz", "md5:00", &format!("sha256:{}", "0".repeat(63))] {
            let key = ClientKey { name: "tool".into(), hash: hash.into(), created: None };
            assert_eq!(Keyring::of(&[key]).find(""), None);
        }
    }

    /// Time itself cannot be tested without flaking; that nothing is skipped can.
    #[test]
    fn compares_every_key_wherever_one_matches() {
        let hashes: Vec<[u8; 32]> = (0..10).map(|index| [index; 32]).collect();
        for digest in (0..11).map(|index| [index; 32]) {
            let mut compared = 0;
            let found = position(hashes.iter().inspect(|_| compared += 1), &digest);
            assert_eq!(compared, 10, "no way out before the last key");
            assert_eq!(found, hashes.iter().position(|hash| *hash == digest));
        }
    }

    /// `cargo test --release --lib -- --ignored --nocapture finding_takes`
    #[test]
    #[ignore = "a measurement"]
    fn finding_takes() {
        for count in [1, 5, 20, 100] {
            let (plain, keys) = keys(count);
            let keyring = Keyring::of(&keys);
            let start = std::time::Instant::now();
            for _ in 0..100_000 {
                std::hint::black_box(keyring.find(std::hint::black_box(&plain[0])));
            }
            println!("{count} keys: {} ns", start.elapsed().as_nanos() / 100_000);
        }
    }
}
