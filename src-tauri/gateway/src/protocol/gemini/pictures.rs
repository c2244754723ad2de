//! Pictures: of Gemini's own models by `:generateContent`, of Imagen by `:predict`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::made;
use crate::completion::{DecodeError, Encoded};
use crate::picture::{Picture, PictureRequest, Pictures};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::{Target, fault, media};

/// The shapes of Gemini's pictures.
const SHAPES: [(u32, u32); 10] = [(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)];
/// The shapes of Imagen's.
const IMAGENS: [(u32, u32); 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];
/// The most of Imagen's pictures in an answer.
const MOST: u32 = 4;

/// Whether a model is asked by `:predict`.
pub(super) fn predicts(model: &str) -> bool {
    model.trim_start_matches("models/").starts_with("imagen")
}

/// Writes a request.
pub(super) fn write_request(request: &PictureRequest, target: &Target) -> Result<Encoded, DecodeError> {
    let mut dropped = Vec::new();
    if request.quality.is_some() {
        note(&mut dropped, "quality");
    }
    let imagen = predicts(&target.model);
    let shapes: &[(u32, u32)] = if imagen { &IMAGENS } else { &SHAPES };
    let shape = request.nearest(shapes).map(|((width, height), same)| {
        if !same {
            note(&mut dropped, "size");
        }
        format!("{width}:{height}")
    });
    let finer = fineness(request, target, &mut dropped);
    let body = if imagen {
        if !request.from.is_empty() {
            let reason = "Imagen draws from words alone; ask one of Gemini's own models that draw";
            return Err(DecodeError::unsupported("image", reason));
        }
        predict(request, shape, finer)?
    } else {
        if request.format.as_deref().is_some_and(|format| format != "png") {
            note(&mut dropped, "output_format");
        }
        generate(request, shape, finer)?
    };
    Ok(Encoded { body: body.to_string().into(), dropped })
}

/// How fine it is to be, where that is finer than the usual and the model knows it.
fn fineness(request: &PictureRequest, target: &Target, dropped: &mut Vec<String>) -> Option<&'static str> {
    let model = &target.model;
    let wanted = match request.longest() {
        0..=1999 => return None,
        2000..=3499 => "2K",
        _ => "4K",
    };
    let most = if predicts(model) {
        if model.contains("imagen-4") && !model.contains("fast") { Some("2K") } else { None }
    } else if model.contains("gemini-2") {
        None
    } else {
        Some(wanted)
    };
    if most != Some(wanted) {
        note(dropped, "size");
    }
    most
}

fn generate(request: &PictureRequest, shape: Option<String>, finer: Option<&str>) -> Result<Value, DecodeError> {
    if request.count.is_some_and(|count| count > 1) {
        return Err(DecodeError::unsupported("n", "it draws one picture a request; ask several times"));
    }
    let mut config = Map::from_iter([("responseModalities".to_owned(), json!(["IMAGE"]))]);
    let mut image = Map::new();
    image.extend(shape.map(|shape| ("aspectRatio".to_owned(), shape.into())));
    image.extend(finer.map(|finer| ("imageSize".to_owned(), finer.into())));
    if !image.is_empty() {
        config.insert("imageConfig".to_owned(), image.into());
    }
    let seen = request.from.iter().map(|it| json!({"inlineData": {"mimeType": it.mime, "data": it.base64}}));
    let parts: Vec<Value> = seen.chain([json!({"text": request.prompt})]).collect();
    let turn = json!({"parts": parts, "role": "user"});
    Ok(json!({"contents": [turn], "generationConfig": config}))
}

fn predict(request: &PictureRequest, shape: Option<String>, finer: Option<&str>) -> Result<Value, DecodeError> {
    let count = request.count.unwrap_or(1);
    if count > MOST {
        let reason = format!("it draws {MOST} pictures a request at most; ask several times");
        return Err(DecodeError::unsupported("n", reason));
    }
    let mut parameters = Map::from_iter([("sampleCount".to_owned(), count.into())]);
    parameters.extend(shape.map(|shape| ("aspectRatio".to_owned(), shape.into())));
    parameters.extend(finer.map(|finer| ("sampleImageSize".to_owned(), finer.into())));
    let mime = request.format.as_deref().map(|format| json!({"mimeType": format!("image/{format}")}));
    parameters.extend(mime.map(|mime| ("outputOptions".to_owned(), mime)));
    Ok(json!({"instances": [{"prompt": request.prompt}], "parameters": parameters}))
}

#[derive(Debug, Deserialize)]
struct Predicted {
    predictions: Vec<Prediction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prediction {
    bytes_base64_encoded: Option<String>,
    mime_type: Option<String>,
    rai_filtered_reason: Option<String>,
}

/// Reads pictures, of either.
pub(super) fn read(body: &[u8]) -> Result<Pictures, DecodeError> {
    let picture = |mime: String, base64: String| {
        let mime = if mime.is_empty() { media::image_type(&base64).to_owned() } else { mime };
        Picture { mime, base64 }
    };
    if let Ok(Predicted { predictions }) = serde_json::from_slice(body) {
        let mut drawn = Pictures::default();
        for Prediction { bytes_base64_encoded: base64, mime_type: mime, rai_filtered_reason: reason } in predictions {
            drawn.pictures.extend(base64.map(|base64| picture(mime.unwrap_or_default(), base64)));
            drawn.refused = drawn.refused.or(reason);
        }
        if !drawn.pictures.is_empty() {
            drawn.refused = None;
        }
        return Ok(drawn);
    }
    // What Imagen refuses to draw is an empty object.
    if body.trim_ascii() == b"{}" {
        return Ok(Pictures { refused: Some("it says nothing of why".to_owned()), ..Pictures::default() });
    }
    let made = made::read(body)?;
    let pictures: Vec<Picture> = made.blobs.into_iter().map(|blob| picture(blob.mime_type, blob.data)).collect();
    if pictures.is_empty() && made.refused.is_none() {
        let told = fault::read(body).message;
        return Err(DecodeError::Malformed(if told.is_empty() { "it has no picture in it".into() } else { told }));
    }
    Ok(Pictures { pictures, refused: made.refused, usage: made.usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_requests() {
        #[track_caller]
        fn check(model: &str, request: PictureRequest, expected: &str, lost: &str) {
            let request = PictureRequest { prompt: "p".into(), ..request };
            let written = write_request(&request, &Target { model: model.into(), ..Target::default() });
            let dropped = written.as_ref().map(|it| it.dropped.join(",")).unwrap_or_default();
            let config = written.map(|it| {
                let body: Value = serde_json::from_slice(&it.body).unwrap();
                body.get("generationConfig").or(body.get("parameters")).unwrap().to_string()
            });
            assert_eq!(config.unwrap_or_else(|error| error.to_string()), expected, "{model} {request:?}");
            assert_eq!(dropped, lost, "{model} {request:?}");
        }
        let gemini = "gemini-3.1-flash-image";
        let sized = |width, height| PictureRequest { size: Some((width, height)), ..PictureRequest::default() };
        check(gemini, PictureRequest::default(), r#"{"responseModalities":["IMAGE"]}"#, "");
        let wide = r#"{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"16:9"}}"#;
        check(gemini, sized(1792, 1024), wide, "");
        check(gemini, sized(1000, 560), wide, "");
        check(gemini, sized(1900, 1000), wide, "size");
        let fine = r#"{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}}"#;
        check(gemini, sized(2048, 2048), fine, "");
        let plain = r#"{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1"}}"#;
        check("gemini-2.5-flash-image", sized(2048, 2048), plain, "size");
        let hd = PictureRequest { quality: Some("hd".into()), format: Some("webp".into()), ..sized(512, 512) };
        check(gemini, hd, plain, "quality,output_format");
        let from = vec![Picture { mime: "image/png".into(), base64: "AAAA".into() }];
        let edit = PictureRequest { from, ..PictureRequest::default() };
        check(gemini, edit.clone(), r#"{"responseModalities":["IMAGE"]}"#, "");
        let words = "`image` cannot be said to this model: Imagen draws from words alone; ask one of Gemini's own models \
                     that draw";
        check("imagen-4.0-generate-001", edit, words, "");
        let two = PictureRequest { count: Some(2), ..PictureRequest::default() };
        let words = "`n` cannot be said to this model: it draws one picture a request; ask several times";
        check(gemini, two.clone(), words, "");
        check("imagen-4.0-generate-001", two, r#"{"sampleCount":2}"#, "");
        let many = PictureRequest { count: Some(9), ..PictureRequest::default() };
        let words = "`n` cannot be said to this model: it draws 4 pictures a request at most; ask several times";
        check("imagen-4.0-generate-001", many, words, "");
        let jpeg = PictureRequest { format: Some("jpeg".into()), ..sized(2048, 2048) };
        let options = r#""outputOptions":{"mimeType":"image/jpeg"}}"#;
        let fine = format!(r#"{{"sampleCount":1,"aspectRatio":"1:1","sampleImageSize":"2K",{options}"#);
        check("imagen-4.0-ultra-generate-001", jpeg, &fine, "");
    }

    #[test]
    fn reads_answers() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            let read = read(body.as_bytes()).map(|drawn| {
                let pictures: Vec<String> =
                    drawn.pictures.iter().map(|it| format!("{} {}", it.mime, it.base64)).collect();
                format!("{pictures:?} {:?} {:?}", drawn.refused, drawn.usage.map(|usage| (usage.input, usage.output)))
            });
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{body}");
        }
        check(
            r#"{"candidates":[{"content":{"parts":[{"text":"Here."},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},
                "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1290}}"#,
            r#"["image/png AA=="] None Some((4, 1290))"#,
        );
        let draft = r#"{"candidates":[{"content":{"parts":[{"thought":true,"inlineData":{"data":"AA=="}}]},"finishReason":"NO_IMAGE"}]}"#;
        check(draft, r#"[] Some("NO_IMAGE") None"#);
        let words = r#"{"candidates":[{"content":{"parts":[{"text":"I cannot."}]},"finishReason":"STOP"}]}"#;
        check(words, r#"[] Some("I cannot.") None"#);
        check(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, r#"[] Some("SAFETY") None"#);
        check(
            r#"{"predictions":[{"bytesBase64Encoded":"/9j/","mimeType":"image/jpeg"},{"raiFilteredReason":"unsafe"}]}"#,
            r#"["image/jpeg /9j/"] None None"#,
        );
        check(r#"{"predictions":[{"raiFilteredReason":"unsafe"}]}"#, r#"[] Some("unsafe") None"#);
        check("{}", r#"[] Some("it says nothing of why") None"#);
        check(r#"{"error":{"code":400,"message":"no such model"}}"#, "no such model");
    }
}
