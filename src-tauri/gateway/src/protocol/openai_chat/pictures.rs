//! Pictures, towards clients: `/v1/images/generations`, and `/v1/images/edits`, which is a form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::completion::DecodeError;
use crate::picture::{Picture, PictureRequest, Pictures};
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{form, media};

/// Reads a client's request.
pub(super) fn read_request(body: &[u8]) -> Result<PictureRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = PictureRequest {
        model: fields.string("model")?.unwrap_or_default(),
        prompt: fields.required("prompt")?,
        count: fields.u32("n")?.filter(|count| *count > 0),
        quality: fields.string("quality")?.filter(|word| !matches!(word.as_str(), "auto" | "standard" | "medium")),
        ..PictureRequest::default()
    };
    if let Some(size) = fields.string("size")?.filter(|size| size != "auto") {
        let read = size.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let read: Option<(u32, u32)> = read.filter(|(width, height)| *width > 0 && *height > 0);
        request.size = Some(read.ok_or_else(|| fields.wrong("size", "`auto`, or as `1024x1024`"))?);
    }
    request.format = match fields.string("output_format")?.as_deref() {
        None => None,
        Some(format @ ("png" | "jpeg" | "webp")) => Some(format.to_owned()),
        Some(_) => return Err(fields.wrong("output_format", "`png`, `jpeg` or `webp`")),
    };
    request.as_url = match fields.string("response_format")?.as_deref() {
        None | Some("b64_json") => false,
        Some("url") => true,
        Some(_) => return Err(fields.wrong("response_format", "`b64_json` or `url`")),
    };
    if fields.bool("stream")? == Some(true) {
        return Err(DecodeError::unsupported("stream", "its pictures come whole; leave `stream` out"));
    }
    // Without a stream no pieces are sent anyway.
    fields.take("partial_images");
    for (name, usual) in [("background", "auto"), ("moderation", "auto")] {
        if fields.string(name)?.is_some_and(|said| said != usual) {
            request.dropped.push(name.to_owned());
        }
    }
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// Reads a client's request for a picture from others. Its fields mean what those of the other request do.
pub(super) fn read_edit(body: &[u8]) -> Result<PictureRequest, DecodeError> {
    let mut fields = Map::new();
    let mut from = Vec::new();
    for part in form::parts(body)? {
        match part.name {
            "image" => {
                let base64 = STANDARD.encode(part.value);
                let known = part.mime.starts_with("image/");
                let mime = if known { part.mime } else { media::image_type(&base64) }.to_owned();
                from.push(Picture { mime, base64 });
            }
            "mask" => {
                let reason = "it draws over no mask; say in the prompt what is to be changed";
                return Err(DecodeError::unsupported("mask", reason));
            }
            name => {
                let text = part.text()?;
                let value = match name {
                    "n" | "partial_images" | "output_compression" => text.parse::<u32>().map(Value::from).ok(),
                    "stream" => Some(matches!(text, "true" | "True" | "1").into()),
                    _ => None,
                };
                fields.insert(name.to_owned(), value.unwrap_or_else(|| text.into()));
            }
        }
    }
    if from.is_empty() {
        return Err(DecodeError::Malformed("the form has no `image`".to_owned()));
    }
    // What is drawn from is always seen whole.
    fields.shift_remove("input_fidelity");
    let mut request = read_request(Value::Object(fields).to_string().as_bytes())?;
    request.from = from;
    Ok(request)
}

/// Writes pictures for a client.
pub(super) fn write(request: &PictureRequest, pictures: &Pictures, created: u64) -> Bytes {
    let data = pictures.pictures.iter().map(|picture| {
        if request.as_url { json!({"url": picture.data_url()}) } else { json!({"b64_json": picture.base64}) }
    });
    let mut body = Map::new();
    body.insert("created".into(), created.into());
    body.insert("data".into(), data.collect());
    if let Some(picture) = pictures.pictures.first() {
        body.insert("output_format".into(), picture.mime.trim_start_matches("image/").into());
    }
    if let Some(usage) = pictures.usage {
        let total = usage.input.saturating_add(usage.output);
        let told = json!({"input_tokens": usage.input, "output_tokens": usage.output, "total_tokens": total});
        body.insert("usage".into(), told);
    }
    Value::Object(body).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::Usage;
    use crate::picture::Picture;

    #[test]
    fn reads_what_clients_ask() {
        #[track_caller]
        fn check(more: &Value, expected: &str) {
            let mut body = json!({"model": "m", "prompt": "p"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let read = read_request(body.to_string().as_bytes()).map(|it| {
                format!("{:?} {:?} {:?} {:?} {} {:?}", it.count, it.size, it.quality, it.format, it.as_url, it.dropped)
            });
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{more}");
        }
        check(&json!({}), "None None None None false []");
        check(&json!({"n": 2, "size": "1536x1024"}), "Some(2) Some((1536, 1024)) None None false []");
        check(&json!({"size": "auto", "quality": "auto", "background": "auto"}), "None None None None false []");
        check(&json!({"quality": "hd", "style": "vivid"}), r#"None None Some("hd") None false ["style"]"#);
        check(&json!({"output_format": "jpeg", "response_format": "url"}), r#"None None None Some("jpeg") true []"#);
        let lost = json!({"background": "transparent", "user": "u"});
        check(&lost, r#"None None None None false ["background", "user"]"#);
        check(&json!({"size": "big"}), "`size` must be `auto`, or as `1024x1024`");
        check(&json!({"output_format": "gif"}), "`output_format` must be `png`, `jpeg` or `webp`");
        let words = "`stream` cannot be said to this model: its pictures come whole; leave `stream` out";
        check(&json!({"stream": true}), words);
        check(&json!({"prompt": null}), "`prompt` must be a string");
    }

    #[test]
    fn reads_a_form() {
        #[track_caller]
        fn check(parts: &[(&str, &str)], expected: &str) {
            let part = |(head, value): &(&str, &str)| {
                format!("--c\r\ncontent-disposition: form-data; name={head}\r\n\r\n{value}\r\n")
            };
            let body: String = parts.iter().map(part).chain(["--c--\r\n".to_owned()]).collect();
            let read = read_edit(body.as_bytes()).map(|it| {
                let from: Vec<String> = it.from.iter().map(|it| format!("{} {}", it.mime, it.base64)).collect();
                format!("{} {from:?} {:?} {:?}", it.prompt, it.count, it.dropped)
            });
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{parts:?}");
        }
        let (image, other) = ("image[]; filename=a\r\ncontent-type: image/webp", "image; filename=b");
        let asked = [(image, "abc"), (other, "\0"), ("prompt", "p"), ("n", "1"), ("user", "u")];
        check(&asked, r#"p ["image/webp YWJj", "image/png AA=="] Some(1) ["user"]"#);
        check(&[("prompt", "p")], "the form has no `image`");
        check(&[("image", "a"), ("n", "1")], "`prompt` must be a string");
        check(&[("image", "a"), ("prompt", "p"), ("n", "x")], "`n` must be a whole number");
        let mask =
            "`mask` cannot be said to this model: it draws over no mask; say in the prompt what is to be changed";
        check(&[("image", "a"), ("mask", "m"), ("prompt", "p")], mask);
        let stream = "`stream` cannot be said to this model: its pictures come whole; leave `stream` out";
        check(&[("image", "a"), ("prompt", "p"), ("stream", "true")], stream);
    }

    #[test]
    fn writes_what_clients_read() {
        let picture = Picture { mime: "image/png".into(), base64: "AAAA".into() };
        let usage = Some(Usage { input: 3, output: 9, ..Usage::default() });
        let drawn = Pictures { pictures: vec![picture], refused: None, usage };
        let written = |as_url| {
            let request = PictureRequest { as_url, ..PictureRequest::default() };
            serde_json::from_slice::<Value>(&write(&request, &drawn, 7)).unwrap()
        };
        let told = json!({"input_tokens": 3, "output_tokens": 9, "total_tokens": 12});
        let expected = json!({"created": 7, "data": [{"b64_json": "AAAA"}], "output_format": "png", "usage": told});
        assert_eq!(written(false), expected);
        assert_eq!(written(true)["data"][0], json!({"url": "data:image/png;base64,AAAA"}));
    }
}
