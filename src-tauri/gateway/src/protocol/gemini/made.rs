//! What a model made that is no text: the answer in which a picture or a sound stands.

use serde::Deserialize;

use crate::completion::{DecodeError, Usage};
use crate::protocol::codec::fault;

/// A picture's or a sound's bytes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    #[serde(default)]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) data: String,
}

/// What was made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) blobs: Vec<Blob>,
    /// Why nothing was, where that is told: in a word of Google's or in the model's own.
    pub(super) refused: Option<String>,
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counts>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    inline_data: Option<Blob>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    #[serde(default)]
    prompt_token_count: u32,
    #[serde(default)]
    candidates_token_count: u32,
    thoughts_token_count: Option<u32>,
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Made, DecodeError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(fault::event(body, &error).message))?;
    if answer.candidates.is_none() && answer.prompt_feedback.is_none() {
        let told = fault::read(body).message;
        return Err(DecodeError::Malformed(if told.is_empty() { "the answer has no candidates".into() } else { told }));
    }
    let mut made = Made {
        usage: answer.usage_metadata.map(|counts| Usage {
            input: counts.prompt_token_count,
            output: counts.candidates_token_count.saturating_add(counts.thoughts_token_count.unwrap_or(0)),
            reasoning: counts.thoughts_token_count,
            ..Usage::default()
        }),
        ..Made::default()
    };
    let feedback = answer.prompt_feedback;
    made.refused = feedback.and_then(|feedback| feedback.block_reason_message.or(feedback.block_reason));
    for candidate in answer.candidates.into_iter().flatten() {
        let mut words = String::new();
        for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
            // Drafts of a model that thinks are no answer.
            if part.thought {
                continue;
            }
            words.extend(part.text);
            made.blobs.extend(part.inline_data.filter(|blob| !blob.data.is_empty()));
        }
        let words = Some(words).filter(|words| !words.is_empty());
        let reason = words.or(candidate.finish_message).or(candidate.finish_reason);
        made.refused = made.refused.or(reason);
    }
    if !made.blobs.is_empty() {
        made.refused = None;
    }
    Ok(made)
}
