//! Speech of Gemini's models that speak, by `:generateContent`. They give samples alone, of which a WAV file is made here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::made;
use crate::completion::{DecodeError, Encoded};
use crate::protocol::codec::dropped::note;
use crate::speech::{Speech, SpeechRequest};

/// The voices, as Google's documentation lists them.
const VOICES: [&str; 30] = [
    "Zephyr",
    "Puck",
    "Charon",
    "Kore",
    "Fenrir",
    "Leda",
    "Orus",
    "Aoede",
    "Callirrhoe",
    "Autonoe",
    "Enceladus",
    "Iapetus",
    "Umbriel",
    "Algieba",
    "Despina",
    "Erinome",
    "Algenib",
    "Rasalgethi",
    "Laomedeia",
    "Achernar",
    "Alnilam",
    "Schedar",
    "Gacrux",
    "Pulcherrima",
    "Achird",
    "Zubenelgenubi",
    "Vindemiatrix",
    "Sadachbia",
    "Sadaltager",
    "Sulafat",
];
/// The voice where none is named that Google has.
const USUAL: &str = "Kore";
/// Samples a second, where the answer does not say it.
const RATE: u32 = 24_000;

/// Writes a request.
pub(super) fn write_request(request: &SpeechRequest) -> Result<Encoded, DecodeError> {
    if let Some(format) = request.format.as_deref().filter(|format| !matches!(*format, "wav" | "pcm")) {
        let reason = format!("Gemini's speech is given as `wav` or `pcm` and not as `{format}`; ask for one of them");
        return Err(DecodeError::unsupported("response_format", reason));
    }
    let mut dropped = Vec::new();
    let wanted = request.voice.as_deref().unwrap_or(USUAL);
    let voice = VOICES.iter().find(|voice| voice.eq_ignore_ascii_case(wanted)).copied();
    if voice.is_none() {
        // One of OpenAI's: another speaks.
        note(&mut dropped, "voice");
    }
    let body = json!({
        "contents": [{"parts": [{"text": request.input}], "role": "user"}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice.unwrap_or(USUAL)}}},
        },
    });
    Ok(Encoded { body: body.to_string().into(), dropped })
}

/// Reads samples. Google calls them `audio/L16`; their lower byte comes first all the same.
pub(super) fn read(body: &[u8]) -> Result<Speech, DecodeError> {
    let made = made::read(body)?;
    let malformed = |what: String| DecodeError::Malformed(format!("it holds no sound: {what}"));
    let Some(first) = made.blobs.first() else {
        return Err(malformed(made.refused.unwrap_or_else(|| "nothing was said".to_owned())));
    };
    let kind = first.mime_type.to_ascii_lowercase();
    if !kind.starts_with("audio/l16") && !kind.starts_with("audio/pcm") {
        return Err(malformed(format!("it is `{}`", first.mime_type)));
    }
    let rate = kind.split(';').find_map(|part| part.trim().strip_prefix("rate=")?.parse().ok());
    let mut pcm = Vec::new();
    for blob in &made.blobs {
        let bytes = STANDARD.decode(&blob.data).map_err(|error| malformed(error.to_string()))?;
        pcm.extend(bytes);
    }
    Ok(Speech { pcm, rate: rate.unwrap_or(RATE), usage: made.usage })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn writes_requests() {
        #[track_caller]
        fn check(voice: Option<&str>, format: Option<&str>, expected: &str, lost: &[&str]) {
            let (voice, format) = (voice.map(str::to_owned), format.map(str::to_owned));
            let request = SpeechRequest { input: "i".into(), voice, format, ..SpeechRequest::default() };
            let written = write_request(&request);
            let dropped = written.as_ref().map(|it| it.dropped.clone()).unwrap_or_default();
            let voice = written.map(|it| {
                let body: Value = serde_json::from_slice(&it.body).unwrap();
                let at = "/generationConfig/speechConfig/voiceConfig/prebuiltVoiceConfig/voiceName";
                body.pointer(at).and_then(Value::as_str).unwrap().to_owned()
            });
            assert_eq!(voice.unwrap_or_else(|error| error.to_string()), expected, "{request:?}");
            assert_eq!(dropped, lost, "{request:?}");
        }
        check(None, None, "Kore", &[]);
        check(Some("puck"), Some("wav"), "Puck", &[]);
        check(Some("alloy"), Some("pcm"), "Kore", &["voice"]);
        let words = "`response_format` cannot be said to this model: Gemini's speech is given as `wav` or `pcm` and not \
                     as `mp3`; ask for one of them";
        check(None, Some("mp3"), words, &[]);
    }

    #[test]
    fn reads_answers() {
        #[track_caller]
        fn check(mime: &str, data: &str, expected: &str) {
            let part = json!({"inlineData": {"mimeType": mime, "data": data}});
            let body = json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}).to_string();
            let read = read(body.as_bytes()).map(|speech| format!("{:?} {}", speech.pcm, speech.rate));
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{mime} {data}");
        }
        check("audio/L16;codec=pcm;rate=24000", "AQI=", "[1, 2] 24000");
        check("audio/L16; rate=16000", "AQI=", "[1, 2] 16000");
        check("audio/pcm", "AQI=", "[1, 2] 24000");
        check("audio/mpeg", "AQI=", "it holds no sound: it is `audio/mpeg`");
        check("audio/pcm", "", "it holds no sound: STOP");
        assert!(read(br#"{"error":{"message":"no such model"}}"#).unwrap_err().to_string().contains("no such model"));
    }
}
