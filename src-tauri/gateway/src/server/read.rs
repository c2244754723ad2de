//! A request's body, read whole and within bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::error::Error;

/// A body must go on coming: so long without a byte and it is given up.
const BODY_PAUSE: Duration = Duration::from_secs(20);

/// The whole body, at most `limit` bytes.
pub(super) async fn read(encoding: Option<&HeaderValue>, body: Incoming, limit: usize) -> Result<Bytes, Error> {
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err(Error::WrongContentType { wanted: "plain, without a content encoding" });
    }
    let expected = usize::try_from(hyper::body::Body::size_hint(&body).lower()).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    let mut body = Limited::new(body, limit);
    let mut first: Option<Bytes> = None;
    let mut rest: Option<BytesMut> = None;
    loop {
        let frame = match tokio::time::timeout(BODY_PAUSE, body.frame()).await {
            Err(_) => return Err(Error::BodyLost),
            Ok(None) => break,
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => return Err(Error::BodyTooLarge { limit }),
            Ok(Some(Err(_))) => return Err(Error::BodyLost),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(bytes) = frame.into_data() else { continue };
        match (&mut rest, &first) {
            (Some(all), _) => all.extend_from_slice(&bytes),
            // Most bodies come in one piece, which is then never copied.
            (None, None) => first = Some(bytes),
            (None, Some(start)) => {
                // What is told ahead is believed only so far: a body that never comes must cost nothing.
                let mut all = BytesMut::with_capacity((start.len() + bytes.len()).max(expected.min(1 << 20)));
                all.extend_from_slice(start);
                all.extend_from_slice(&bytes);
                rest = Some(all);
            }
        }
    }
    Ok(rest.map(BytesMut::freeze).or(first).unwrap_or_default())
}
