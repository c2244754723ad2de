//! Speech, towards clients: `/v1/audio/speech`.

use bytes::Bytes;

use crate::completion::DecodeError;
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::speech::{Speech, SpeechRequest};

/// Reads a client's request.
pub(super) fn read_request(body: &[u8]) -> Result<SpeechRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = SpeechRequest {
        model: fields.required("model")?,
        input: fields.required("input")?,
        // One of one's own is an object there.
        voice: if fields.is_text("voice") { fields.string("voice")? } else { None },
        format: fields.string("response_format")?,
        ..SpeechRequest::default()
    };
    if fields.string("stream_format")?.is_some_and(|format| format == "sse") {
        return Err(DecodeError::unsupported("stream_format", "its sound comes whole; leave `stream_format` out"));
    }
    if fields.f64("speed")?.is_some_and(|speed| (speed - 1.0).abs() > f64::EPSILON) {
        note(&mut request.dropped, "speed");
    }
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// Writes a sound for a client, with its media type. Samples alone are what OpenAI calls `pcm`.
pub(super) fn write(request: &SpeechRequest, speech: &Speech) -> (&'static str, Bytes) {
    match request.format.as_deref() {
        Some("pcm") => ("audio/pcm", speech.pcm.clone().into()),
        Some(_) | None => ("audio/wav", speech.wav().into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn reads_what_clients_ask() {
        #[track_caller]
        fn check(more: &Value, expected: &str) {
            let mut body = json!({"model": "m", "input": "i"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let read = read_request(body.to_string().as_bytes());
            let read = read.map(|it| format!("{:?} {:?} {:?}", it.voice, it.format, it.dropped));
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{more}");
        }
        check(&json!({"voice": "alloy", "response_format": "wav"}), r#"Some("alloy") Some("wav") []"#);
        check(&json!({"speed": 1.0, "stream_format": "audio"}), "None None []");
        check(&json!({"speed": 2, "instructions": "Whisper."}), r#"None None ["speed", "instructions"]"#);
        check(&json!({"voice": {"id": "v"}}), r#"None None ["voice"]"#);
        let words = "`stream_format` cannot be said to this model: its sound comes whole; leave `stream_format` out";
        check(&json!({"stream_format": "sse"}), words);
        check(&json!({"input": 7}), "`input` must be a string");
    }
}
