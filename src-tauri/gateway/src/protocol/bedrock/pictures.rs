//! Pictures, by each vendor's own body: Amazon's models take a size in dots, Stability's a shape.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::completion::{DecodeError, Encoded};
use crate::picture::{Picture, PictureRequest, Pictures};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, fault, media};

/// The shapes of Stability's pictures.
const SHAPES: [(u32, u32); 9] = [(1, 1), (2, 3), (3, 2), (4, 5), (5, 4), (9, 16), (16, 9), (9, 21), (21, 9)];
/// The most of Amazon's pictures in an answer.
const MOST: u32 = 5;

/// Writes a request.
pub(super) fn encode(request: &PictureRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let model = target.model.to_ascii_lowercase();
    let mut dropped = Vec::new();
    let body = if model.contains("nova-canvas") || model.contains("titan-image") {
        amazons(request, &mut dropped)?
    } else if model.contains("stability.") {
        stabilitys(request, &mut dropped)?
    } else {
        let reason = "it draws nothing; ask a model that does, as `amazon.nova-canvas-v1:0`";
        return Err(DecodeError::unsupported("prompt", reason));
    };
    Ok(Encoded { body: Value::Object(body).to_string().into(), dropped })
}

fn amazons(request: &PictureRequest, dropped: &mut Vec<String>) -> Result<Map<String, Value>, DecodeError> {
    let count = request.count.unwrap_or(1);
    if count > MOST {
        let reason = format!("it draws {MOST} pictures a request at most; ask several times");
        return Err(DecodeError::unsupported("n", reason));
    }
    if request.format.as_deref().is_some_and(|format| format != "png") {
        note(dropped, "output_format");
    }
    let mut config = Map::from_iter([("numberOfImages".to_owned(), count.into())]);
    if let Some((width, height)) = request.size {
        config.insert("width".to_owned(), width.into());
        config.insert("height".to_owned(), height.into());
    }
    match request.quality.as_deref() {
        Some("hd" | "high") => drop(config.insert("quality".to_owned(), "premium".into())),
        Some(_) => note(dropped, "quality"),
        None => {}
    }
    let mut body = Map::new();
    body.insert("taskType".to_owned(), "TEXT_IMAGE".into());
    body.insert("textToImageParams".to_owned(), json!({"text": request.prompt}));
    body.insert("imageGenerationConfig".to_owned(), config.into());
    Ok(body)
}

fn stabilitys(request: &PictureRequest, dropped: &mut Vec<String>) -> Result<Map<String, Value>, DecodeError> {
    if request.count.is_some_and(|count| count > 1) {
        return Err(DecodeError::unsupported("n", "it draws one picture a request; ask several times"));
    }
    let mut body = Map::from_iter([("prompt".to_owned(), Value::from(request.prompt.as_str()))]);
    if let Some(((width, height), same)) = request.nearest(&SHAPES) {
        if !same {
            note(dropped, "size");
        }
        body.insert("aspect_ratio".to_owned(), format!("{width}:{height}").into());
    }
    match request.format.as_deref() {
        Some(format @ ("png" | "jpeg")) => drop(body.insert("output_format".to_owned(), format.into())),
        Some(_) => note(dropped, "output_format"),
        None => {}
    }
    if request.quality.is_some() {
        note(dropped, "quality");
    }
    Ok(body)
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    images: Option<Vec<String>>,
    /// Amazon's reason for fewer pictures than were asked for.
    #[serde(default)]
    error: Option<String>,
    /// Stability's, a picture each.
    #[serde(default)]
    finish_reasons: Option<Vec<Option<String>>>,
}

/// Reads pictures.
pub(super) fn decode(body: &[u8]) -> Result<Pictures, DecodeError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| DecodeError::Malformed(fault::event(body, &error).message))?;
    let reason = answer.finish_reasons.into_iter().flatten().flatten().next().or(answer.error);
    let pictures = answer.images.into_iter().flatten().filter(|base64| !base64.is_empty());
    let pictures: Vec<Picture> =
        pictures.map(|base64| Picture { mime: media::image_type(&base64).to_owned(), base64 }).collect();
    if pictures.is_empty() && reason.is_none() {
        let told = super::answer::error(body).message;
        return Err(DecodeError::Malformed(if told.is_empty() { "it has no picture in it".into() } else { told }));
    }
    let refused = reason.filter(|_| pictures.is_empty());
    Ok(Pictures { pictures, refused, usage: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendors_body() {
        #[track_caller]
        fn check(model: &str, request: PictureRequest, expected: &str, lost: &str) {
            let request = PictureRequest { prompt: "p".into(), ..request };
            let written = encode(&request, &Target { model: model.into(), ..Target::default() });
            let dropped = written.as_ref().map(|it| it.dropped.join(",")).unwrap_or_default();
            let body = written.map(|it| String::from_utf8(it.body.to_vec()).unwrap());
            assert_eq!(body.unwrap_or_else(|error| error.to_string()), expected, "{model} {request:?}");
            assert_eq!(dropped, lost, "{model} {request:?}");
        }
        let canvas = |config: &str| {
            format!(
                r#"{{"taskType":"TEXT_IMAGE","textToImageParams":{{"text":"p"}},"imageGenerationConfig":{config}}}"#
            )
        };
        let (nova, core) = ("amazon.nova-canvas-v1:0", "us.stability.stable-image-core-v1:1");
        let any = PictureRequest::default;
        check(nova, any(), &canvas(r#"{"numberOfImages":1}"#), "");
        let sized = PictureRequest { count: Some(2), size: Some((1280, 720)), quality: Some("hd".into()), ..any() };
        let whole = r#"{"numberOfImages":2,"width":1280,"height":720,"quality":"premium"}"#;
        check(nova, sized.clone(), &canvas(whole), "");
        let low = PictureRequest { quality: Some("low".into()), format: Some("webp".into()), ..any() };
        check(nova, low.clone(), &canvas(r#"{"numberOfImages":1}"#), "output_format,quality");
        let words = "`n` cannot be said to this model: it draws 5 pictures a request at most; ask several times";
        check(nova, PictureRequest { count: Some(6), ..any() }, words, "");
        check(core, any(), r#"{"prompt":"p"}"#, "");
        let shaped = PictureRequest { count: None, quality: None, format: Some("jpeg".into()), ..sized.clone() };
        check(core, shaped, r#"{"prompt":"p","aspect_ratio":"16:9","output_format":"jpeg"}"#, "");
        check(core, low, r#"{"prompt":"p"}"#, "output_format,quality");
        let words = "`n` cannot be said to this model: it draws one picture a request; ask several times";
        check(core, sized, words, "");
        let words = "`prompt` cannot be said to this model: it draws nothing; ask a model that does, as `amazon.nova-canvas-v1:0`";
        check("amazon.nova-pro-v1:0", any(), words, "");
    }

    #[test]
    fn reads_answers() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            let read = decode(body.as_bytes()).map(|drawn| {
                let pictures: Vec<&str> = drawn.pictures.iter().map(|it| it.mime.as_str()).collect();
                format!("{pictures:?} {:?}", drawn.refused)
            });
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{body}");
        }
        check(r#"{"images":["iVBO","/9j/"],"error":null}"#, r#"["image/png", "image/jpeg"] None"#);
        check(r#"{"images":["iVBO"],"error":"1 was filtered"}"#, r#"["image/png"] None"#);
        check(r#"{"error":"All were filtered"}"#, r#"[] Some("All were filtered")"#);
        let filtered = r#"{"seeds":[1],"finish_reasons":["Filter reason: prompt"],"images":[""]}"#;
        check(filtered, r#"[] Some("Filter reason: prompt")"#);
        check(r#"{"seeds":[1],"finish_reasons":[null],"images":["iVBO"]}"#, r#"["image/png"] None"#);
        check(r#"{"message":"no such model"}"#, "no such model");
    }
}
