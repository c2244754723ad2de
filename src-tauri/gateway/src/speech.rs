//! The hub's speech: words spoken, between protocols that differ.

use super::completion::Usage;

/// What is to be said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpeechRequest {
    /// The name asked for; an encoder writes the target's name instead.
    pub model: String,
    /// The words.
    pub input: String,
    /// In whose voice.
    pub voice: Option<String>,
    /// `wav`, `pcm`, `mp3`, ...; absent = whatever can be made.
    pub format: Option<String>,
    /// What the client said that this form has no place for, by its own field names.
    pub dropped: Vec<String>,
}

/// What was said: one channel of 16-bit samples, the lower byte first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Speech {
    /// The samples.
    pub pcm: Vec<u8>,
    /// How many samples there are a second.
    pub rate: u32,
    /// Token counts, where told.
    pub usage: Option<Usage>,
}

impl Speech {
    /// As a WAV file.
    pub fn wav(&self) -> Vec<u8> {
        let length = u32::try_from(self.pcm.len()).unwrap_or(u32::MAX);
        let mut file = Vec::with_capacity(self.pcm.len() + 44);
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&length.saturating_add(36).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt ");
        file.extend_from_slice(&16_u32.to_le_bytes());
        // Plain samples, one channel.
        file.extend_from_slice(&[1, 0, 1, 0]);
        file.extend_from_slice(&self.rate.to_le_bytes());
        file.extend_from_slice(&self.rate.saturating_mul(2).to_le_bytes());
        // Bytes and bits of a sample.
        file.extend_from_slice(&[2, 0, 16, 0]);
        file.extend_from_slice(b"data");
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&self.pcm);
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_in_it() {
        let speech = Speech { pcm: vec![1, 2, 3, 4], rate: 24_000, usage: None };
        let expected = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\x04\0\0\0\x01\x02\x03\x04";
        assert_eq!(speech.wav(), expected);
    }
}
