//! Reads GGUF's numbers, strings and arrays, and passes over them.
//!
//! Every length is held against the size of the file before a byte is read or kept for it. Which keys matter, and what
//! they mean, is not known here.

use std::io::{self, BufReader, Read, Seek};

use super::GgufError;

/// Above this a string is taken for damage. The longest honest one is a tokenizer in JSON, a few MiB.
const LONGEST_STRING: u64 = 16 << 20;
/// Names and labels are cut here.
pub(super) const TEXT_KEPT: u64 = 1 << 10;
/// The longest honest header (a quarter of a million tokens and twice as many merges) is some 20 MiB. Without an end, a sparse file of
/// nothing but empty strings would keep us reading for minutes.
pub(super) const LONGEST_HEADER: u64 = 64 << 20;
/// A list with one number for each layer is kept up to this length.
pub(super) const MOST_LAYERS: u64 = 4096;

/// A value that somebody has a use for.
pub(super) enum Value {
    Number(u64),
    Numbers(Vec<u32>),
    Text(String),
}

pub(super) const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// How many bytes a value of this type takes, where that is fixed.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// The bytes of the file, and how far we are in them.
pub(super) struct Input<R> {
    inner: BufReader<R>,
    pub(super) at: u64,
    file_size: u64,
    /// Version 1 counts in 32 bits where later ones take 64.
    pub(super) narrow: bool,
}

impl<R: Read + Seek> Input<R> {
    pub(super) fn new(source: R, file_size: u64) -> Input<R> {
        Input { inner: BufReader::with_capacity(64 << 10, source), at: 0, file_size, narrow: false }
    }

    /// Fails unless `length` more bytes lie ahead.
    fn ahead(&self, length: u64) -> Result<u64, GgufError> {
        let end = self.at.checked_add(length).ok_or(GgufError::Truncated)?;
        if end > self.file_size {
            return Err(GgufError::Truncated);
        }
        if end > LONGEST_HEADER {
            return Err(GgufError::Endless);
        }
        Ok(end)
    }

    /// Fails where `count` things of at least `width` bytes cannot lie in the rest of the file.
    pub(super) fn has_room(&self, count: u64, width: u64) -> Result<(), GgufError> {
        let room = self.file_size.saturating_sub(self.at);
        if count.checked_mul(width).is_none_or(|bytes| bytes > room) {
            return Err(GgufError::Truncated);
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, length: u64) -> Result<(), GgufError> {
        let end = self.ahead(length)?;
        self.inner.seek_relative(i64::try_from(length).map_err(|_| GgufError::Endless)?)?;
        self.at = end;
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), GgufError> {
        let end = self.ahead(buffer.len() as u64)?;
        self.inner.read_exact(buffer).map_err(|error| match error.kind() {
            // It was cut while we read it.
            io::ErrorKind::UnexpectedEof => GgufError::Truncated,
            _ => GgufError::Io(error),
        })?;
        self.at = end;
        Ok(())
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut buffer = [0; N];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    /// Callers hold `length` against a limit of their own first.
    pub(super) fn kept(&mut self, length: u64) -> Result<Vec<u8>, GgufError> {
        self.ahead(length)?;
        let mut buffer = vec![0; usize::try_from(length).map_err(|_| GgufError::Endless)?];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// A length or a count.
    pub(super) fn count(&mut self) -> Result<u64, GgufError> {
        if self.narrow { Ok(u64::from(self.u32()?)) } else { self.u64() }
    }

    fn string_length(&mut self) -> Result<u64, GgufError> {
        let length = self.count()?;
        self.ahead(length)?;
        if length > LONGEST_STRING { Err(GgufError::Malformed("a string of more than 16 MiB")) } else { Ok(length) }
    }

    pub(super) fn skip_string(&mut self) -> Result<(), GgufError> {
        let length = self.string_length()?;
        self.skip(length)
    }

    /// The first `limit` bytes of a string; the rest is passed over.
    pub(super) fn start_of_string(&mut self, limit: u64) -> Result<Vec<u8>, GgufError> {
        let length = self.string_length()?;
        let kept = self.kept(length.min(limit))?;
        self.skip(length.saturating_sub(limit))?;
        Ok(kept)
    }

    pub(super) fn skip_value(&mut self, kind: u32) -> Result<(), GgufError> {
        match kind {
            STRING => self.skip_string(),
            ARRAY => {
                let (element, count) = self.array()?;
                self.skip_elements(element, count)
            }
            _ => self.skip(width(kind).ok_or(GgufError::Malformed("a value of an unknown type"))?),
        }
    }

    /// The type and number of an array's elements, which are known to fit in the file.
    fn array(&mut self) -> Result<(u32, u64), GgufError> {
        let element = self.u32()?;
        let count = self.count()?;
        let least = match element {
            STRING if self.narrow => 4,
            STRING => 8,
            // llama.cpp knows no arrays of arrays either.
            _ => width(element).ok_or(GgufError::Malformed("an array of an unknown type"))?,
        };
        self.has_room(count, least)?;
        Ok((element, count))
    }

    fn skip_elements(&mut self, element: u32, count: u64) -> Result<(), GgufError> {
        if let Some(width) = width(element) {
            return self.skip(count.checked_mul(width).ok_or(GgufError::Truncated)?);
        }
        for _ in 0..count {
            self.skip_string()?;
        }
        Ok(())
    }

    /// A value as far as we have a use for its kind: fractions, negative numbers and lists of strings are passed over.
    pub(super) fn value(&mut self, kind: u32) -> Result<Option<Value>, GgufError> {
        match kind {
            STRING => {
                let text = self.start_of_string(TEXT_KEPT)?;
                Ok(Some(Value::Text(String::from_utf8_lossy(&text).into_owned())))
            }
            ARRAY => {
                let (element, count) = self.array()?;
                if count > MOST_LAYERS || width(element).is_none() {
                    self.skip_elements(element, count)?;
                    return Ok(None);
                }
                let mut numbers = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
                for _ in 0..count {
                    let number = self.number(element)?.and_then(|number| u32::try_from(number).ok());
                    numbers.push(number.unwrap_or_default());
                }
                Ok(Some(Value::Numbers(numbers)))
            }
            _ => Ok(self.number(kind)?.map(Value::Number)),
        }
    }

    fn number(&mut self, kind: u32) -> Result<Option<u64>, GgufError> {
        Ok(match kind {
            0 | 7 => Some(u64::from(u8::from_le_bytes(self.bytes()?))),
            1 => u64::try_from(i8::from_le_bytes(self.bytes()?)).ok(),
            2 => Some(u64::from(u16::from_le_bytes(self.bytes()?))),
            3 => u64::try_from(i16::from_le_bytes(self.bytes()?)).ok(),
            4 => Some(u64::from(self.u32()?)),
            5 => u64::try_from(i32::from_le_bytes(self.bytes()?)).ok(),
            10 => Some(self.u64()?),
            11 => u64::try_from(i64::from_le_bytes(self.bytes()?)).ok(),
            _ => {
                self.skip_value(kind)?;
                None
            }
        })
    }
}
