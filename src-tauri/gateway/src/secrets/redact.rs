//! Takes secrets out of what an upstream says.
//!
//! Some repeat the key that they refuse: in the message, in a header, in a stream. It is found as it is, in base64
//! (alone or inside something longer), and with any of its characters percent-encoded or escaped as in JSON. What is not
//! known beforehand is not looked for: no guessing at what resembles a key.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use zeroize::Zeroizing;

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// A shorter secret would be found in innocent words.
const SHORTEST: usize = 8;

/// The secrets to take out of one answer.
#[derive(Clone)]
pub struct Redactor {
    patterns: Vec<Pattern>,
    /// Whether a pattern can begin with a byte.
    begins: Box<[bool; 256]>,
}

/// One of the ways in which a secret is written.
#[derive(Clone)]
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    /// Whether its characters may be escaped.
    escaped: bool,
}

/// What stands at the beginning of some text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// All of it, in so many bytes.
    Whole(usize),
    /// The text ends before that can be told.
    Cut,
    /// Something else.
    Other,
}

impl Redactor {
    /// Takes out these secrets; those shorter than eight bytes are left.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Redactor {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut add = |bytes: Vec<u8>, escaped| {
            let pattern = Pattern { bytes: Zeroizing::new(bytes), escaped };
            if !patterns.iter().any(|known| known.bytes == pattern.bytes && known.escaped == escaped) {
                patterns.push(pattern);
            }
        };
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
            add(secret.into(), true);
            if secret.contains(['%', '\\']) {
                // What looks like an escape may be a part of the secret.
                add(secret.into(), false);
            }
            for offset in 0..3 {
                for engine in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
                    add(base64_after(offset, secret, engine), true);
                }
            }
        }
        let mut begins = Box::new([false; 256]);
        for pattern in &patterns {
            for byte in [pattern.bytes[0], b'%', b'\\'] {
                begins[usize::from(byte)] |= pattern.may_begin(byte);
            }
        }
        Redactor { patterns, begins }
    }

    /// The text without its secrets; borrowed where there is none.
    pub fn redact<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut clean = Vec::new();
        let mut done = 0;
        while let Some((start, Found::Whole(length))) = self.next(text, done, true) {
            clean.extend_from_slice(&text[done..start]);
            clean.extend_from_slice(REDACTED.as_bytes());
            done = start + length;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        clean.extend_from_slice(&text[done..]);
        Cow::Owned(clean)
    }

    /// The same for a text that comes in pieces.
    pub fn streaming(self) -> Streaming {
        Streaming { redactor: self, held: Zeroizing::default() }
    }

    /// The first secret from a place on, the longest where several begin; while more may follow, also the first place
    /// where one may have begun.
    fn next(&self, text: &[u8], from: usize, complete: bool) -> Option<(usize, Found)> {
        let mut at = from;
        loop {
            at += text.get(at..)?.iter().position(|byte| self.begins[usize::from(*byte)])?;
            let mut longest = Found::Other;
            for pattern in self.patterns.iter().filter(|pattern| pattern.may_begin(text[at])) {
                match (pattern.at(&text[at..]), longest) {
                    (Found::Cut, _) if !complete => return Some((at, Found::Cut)),
                    (Found::Whole(length), Found::Whole(known)) if length <= known => {}
                    (Found::Whole(length), _) => longest = Found::Whole(length),
                    (Found::Cut | Found::Other, _) => {}
                }
            }
            if longest != Found::Other {
                return Some((at, longest));
            }
            at += 1;
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secrets>")
    }
}

/// Takes secrets out of a stream, also those that come in several pieces.
#[derive(Debug)]
pub struct Streaming {
    redactor: Redactor,
    /// The end of what came, if it may be the beginning of a secret.
    held: Zeroizing<Vec<u8>>,
}

impl Streaming {
    /// What can be passed on now. A piece in which no secret ends or may begin is passed on as it is, without a copy.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let text = if self.held.is_empty() {
            piece
        } else {
            let mut text = std::mem::take(&mut *self.held);
            text.extend_from_slice(&piece);
            Bytes::from(text)
        };
        let mut clean = Vec::new();
        let mut done = 0;
        let end = loop {
            match self.redactor.next(&text, done, false) {
                Some((start, Found::Whole(length))) => {
                    clean.extend_from_slice(&text[done..start]);
                    clean.extend_from_slice(REDACTED.as_bytes());
                    done = start + length;
                }
                Some((start, _)) => break start,
                None => break text.len(),
            }
        };
        self.held.extend_from_slice(&text[end..]);
        if done == 0 {
            return text.slice(..end);
        }
        clean.extend_from_slice(&text[done..end]);
        Bytes::from(clean)
    }

    /// Goes on with another text: gives what it holds of this one, takes what it held of that.
    pub fn exchange(&mut self, held: &mut Zeroizing<Vec<u8>>) {
        std::mem::swap(&mut self.held, held);
    }

    /// What was still held, when nothing more comes.
    pub fn finish(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        Bytes::from(self.redactor.redact(&held).into_owned())
    }
}

impl Pattern {
    fn may_begin(&self, byte: u8) -> bool {
        self.bytes[0] == byte || self.escaped && matches!(byte, b'%' | b'\\')
    }

    fn at(&self, text: &[u8]) -> Found {
        if !self.escaped {
            return spelled(text, &self.bytes, |a, b| a == b);
        }
        let mut rest = text;
        for &byte in self.bytes.iter() {
            match character(rest, byte) {
                Found::Whole(length) => rest = &rest[length..],
                end => return end,
            }
        }
        Found::Whole(text.len() - rest.len())
    }
}

/// One character of a secret, as it is, or as `%2F`, `\u002f` or `\/`.
fn character(text: &[u8], byte: u8) -> Found {
    let escape = match text.first() {
        None => return Found::Cut,
        Some(b'%') => spelled(text, &[b'%', hex(byte >> 4), hex(byte)], u8::eq_ignore_ascii_case),
        Some(b'\\') => {
            let code = [b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte)];
            match spelled(text, &code, u8::eq_ignore_ascii_case) {
                Found::Other if !byte.is_ascii_alphanumeric() => spelled(text, &[b'\\', byte], |a, b| a == b),
                found => found,
            }
        }
        Some(_) => Found::Other,
    };
    match escape {
        Found::Other if text[0] == byte => Found::Whole(1),
        found => found,
    }
}

fn spelled(text: &[u8], form: &[u8], same: impl Fn(&u8, &u8) -> bool) -> Found {
    match text.iter().zip(form).all(|(a, b)| same(a, b)) {
        false => Found::Other,
        true if text.len() < form.len() => Found::Cut,
        true => Found::Whole(form.len()),
    }
}

fn hex(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble & 0xf)]
}

/// The characters that a secret makes in base64 after so many other bytes (modulo three), whatever stands around it.
fn base64_after(offset: usize, secret: &str, engine: &impl Engine) -> Vec<u8> {
    let padded = Zeroizing::new([&[0; 3][..offset], secret.as_bytes()].concat());
    let text = Zeroizing::new(engine.encode(&*padded));
    // Six bits a character; the first and the last may hold bits of the neighbours.
    text.as_bytes()[(offset * 8).div_ceil(6)..padded.len() * 8 / 6].to_vec()
}

#[cfg(test)]
mod tests;
