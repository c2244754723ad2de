//! Reads what a GGUF file says about itself.
//!
//! Only the header is read: the metadata, and the table of tensors as far as it tells whether the file is whole. No
//! weight is read, nothing is mapped into memory, and nothing here knows where models lie or what they are called.
//!
//! Any program may have put the file there, so no number in it is believed: each is held against the size of the file
//! first, strings that nobody wants are passed over without being kept, and what is kept is short.

mod header;
mod input;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

pub use header::{ChatTemplate, Header, PerLayer};
use input::{Input, STRING, Value};

/// Above this a key is taken for damage.
const LONGEST_KEY: u64 = 64 << 10;
/// Longer keys exist, but none that we look for.
const LONGEST_WANTED_KEY: u64 = 256;
/// Chat templates are searched this far. The longest known is about 30 KiB.
const TEMPLATE_SEARCHED: u64 = 1 << 20;
/// A file with several architectures' keys is odd; this many entries are kept, the rest passed over.
const MOST_KEPT: usize = 128;
/// Honest files have some fifty entries and a few thousand tensors.
const MOST_ENTRIES: u64 = 1 << 16;
const MOST_TENSORS: u64 = 1 << 18;

/// Why a file's header cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The system did not let us read it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A folder, a pipe or a device. A pipe must not even be opened: that would wait for its other end.
    #[error("is not a regular file")]
    NotAFile,
    /// The first four bytes are not `GGUF`.
    #[error("is not a GGUF file")]
    NotGguf,
    /// llama.cpp refuses such a file on the machines that Pointsman runs on.
    #[error("was made for big-endian machines and cannot run on this one")]
    BigEndian,
    /// Newer than every known version.
    #[error("has GGUF version {0}, and only versions 1 to 3 are known")]
    Version(u32),
    /// It ends before its own header says that it should.
    #[error("ends too early: the download or the copy is unfinished")]
    Truncated,
    /// The header goes on for longer than any honest one.
    #[error("has a header without an end")]
    Endless,
    /// The bytes are not what the format allows.
    #[error("is damaged: {0}")]
    Malformed(&'static str),
}

/// Reads the header of the file at `path`.
pub fn read_header(path: &Path) -> Result<Header, GgufError> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(GgufError::NotAFile);
    }
    read(File::open(path)?, metadata.len())
}

/// Reads a header from any source whose length is known.
pub fn read(source: impl Read + Seek, file_size: u64) -> Result<Header, GgufError> {
    let mut input = Input::new(source, file_size);

    if file_size < 8 || input.bytes::<4>()? != *b"GGUF" {
        return Err(GgufError::NotGguf);
    }
    let version = input.u32()?;
    match version {
        1..=3 => input.narrow = version == 1,
        // Read the wrong way round, a small version number has its digits in the upper half.
        _ if version != 0 && version & 0xffff == 0 => return Err(GgufError::BigEndian),
        _ => return Err(GgufError::Version(version)),
    }
    let tensors = input.count()?;
    let entries = input.count()?;
    // The shortest entry is an empty key, a type and one byte; the shortest tensor has no name and no dimensions.
    input.has_room(entries, if input.narrow { 9 } else { 13 })?;
    input.has_room(tensors, if input.narrow { 20 } else { 24 })?;
    if entries > MOST_ENTRIES || tensors > MOST_TENSORS {
        return Err(GgufError::Endless);
    }

    let mut facts = Facts::default();
    for _ in 0..entries {
        entry(&mut input, &mut facts)?;
    }
    let last_tensor = last_offset(&mut input, tensors)?;
    let alignment = facts.number("general.alignment").unwrap_or(32).max(1);
    if let Some(offset) = last_tensor {
        let data = input.at.checked_next_multiple_of(alignment).and_then(|start| start.checked_add(offset));
        // One byte past where the last tensor starts is not proof that it is whole, but what a download leaves behind
        // is nearly always shorter than that.
        if data.is_none_or(|start| start >= file_size) {
            return Err(GgufError::Truncated);
        }
    }
    Ok(header::from_facts(&facts, tensors, file_size))
}

/// One key and its value: kept where somebody wants it, else passed over.
fn entry<R: Read + Seek>(input: &mut Input<R>, facts: &mut Facts) -> Result<(), GgufError> {
    let length = input.count()?;
    if length > LONGEST_KEY {
        return Err(GgufError::Malformed("a key of more than 64 KiB"));
    }
    let key = if length <= LONGEST_WANTED_KEY {
        Some(input.kept(length)?)
    } else {
        input.skip(length)?;
        None
    };
    let kind = input.u32()?;
    let key = key.and_then(|key| String::from_utf8(key).ok());

    match key {
        Some(key) if key == "tokenizer.chat_template" && kind == STRING => {
            facts.chat_template.search(&input.start_of_string(TEMPLATE_SEARCHED)?);
            Ok(())
        }
        Some(key) if key.starts_with("tokenizer.chat_template.") && kind == STRING => {
            facts.chat_template.present = true;
            facts.chat_template.tools |= key.ends_with(".tool_use");
            input.skip_value(kind)
        }
        Some(key) if header::is_wanted(&key) && facts.values.len() < MOST_KEPT => {
            // The first of two equal keys counts, as nothing says which one llama.cpp would have refused.
            if let Some(value) = input.value(kind)? {
                facts.values.entry(key).or_insert(value);
            }
            Ok(())
        }
        _ => input.skip_value(kind),
    }
}

/// Where the last tensor's data starts, counted from the start of all data.
fn last_offset<R: Read + Seek>(input: &mut Input<R>, tensors: u64) -> Result<Option<u64>, GgufError> {
    let mut last = None;
    for _ in 0..tensors {
        input.skip_string()?;
        let dimensions = u64::from(input.u32()?);
        if dimensions > 8 {
            return Err(GgufError::Malformed("a tensor of more than eight dimensions"));
        }
        input.skip(dimensions * if input.narrow { 4 } else { 8 })?;
        input.skip(4)?;
        last = last.max(Some(input.u64()?));
    }
    Ok(last)
}

/// What was worth keeping of a header.
#[derive(Default)]
struct Facts {
    values: BTreeMap<String, Value>,
    chat_template: ChatTemplate,
}

impl Facts {
    fn number(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::Number(number) => Some(*number),
            Value::Numbers(_) | Value::Text(_) => None,
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.values.get(key)? {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Text(_) | Value::Number(_) | Value::Numbers(_) => None,
        }
    }
}
