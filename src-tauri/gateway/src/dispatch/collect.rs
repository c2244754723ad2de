//! A whole answer, collected: what is turned into another protocol is turned at once.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::attempt::Answer;
use crate::error::Error;
use crate::routing::Target;

/// The largest whole answer that is turned: vectors for a thousand texts are tens of megabytes as JSON.
pub(super) const MOST_BYTES: usize = 128 << 20;
/// The largest error that is read.
pub(super) const MOST_ERROR_BYTES: usize = 1 << 20;

/// Why an answer was not collected.
pub(super) enum Lost {
    Broke,
    Silent,
    TooLarge,
}

impl Lost {
    /// The error to tell.
    pub(super) fn of(&self, target: &Target, idle: Duration) -> Error {
        let endpoint = Arc::clone(&target.endpoint.id);
        match self {
            Lost::Broke => Error::BrokeOff { endpoint },
            Lost::Silent => Error::TimedOut { endpoint, waited: idle },
            Lost::TooLarge => {
                let reason = format!("its answer is larger than {MOST_BYTES} bytes");
                Error::BadAnswer { endpoint, status: 200, reason }
            }
        }
    }
}

/// The whole body, our credential taken out.
pub(super) async fn collect(answer: &mut Answer, idle: Duration, most: usize) -> Result<Bytes, Lost> {
    // Most answers come in one piece, which is then never copied.
    let mut first = answer.first.take();
    let mut all = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(idle, answer.response.body_mut().frame()).await {
            Err(_) => return Err(Lost::Silent),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Lost::Broke),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(bytes) = frame.into_data() else { continue };
        if let Some(first) = first.take() {
            all.extend_from_slice(&first);
        }
        if all.len() + bytes.len() > most {
            return Err(Lost::TooLarge);
        }
        all.extend_from_slice(&bytes);
    }
    let all = first.unwrap_or_else(|| all.freeze());
    Ok(match answer.redactor.as_ref().map(|redactor| redactor.redact(&all)) {
        Some(Cow::Owned(clean)) => clean.into(),
        Some(Cow::Borrowed(_)) | None => all,
    })
}
