//! A runtime that costs next to nothing: it looks like llama.cpp's server and has its answers ready.
//!
//! A chat without a [`Wish`] in its prompt gets a fixed completion of about 1 kB. One with a wish gets that many
//! server-sent events at that pace; where it says so, the stream then stays open until `POST /bench/release`. Each event
//! carries the time at which it was made.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::listen;
use crate::process::monotonic;
use crate::surface::Wish;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

const MODELS: &str = r#"{"object":"list","data":[{"id":"bench","aliases":["bench"],"tags":[],"object":"model","created":1795313075,"owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":128256,"n_ctx":131072,"n_ctx_train":131072,"n_embd":2048,"n_params":1235814432,"size":1313251456,"ftype":"Q8_0"}}]}"#;
const PROPS: &str = r#"{"default_generation_settings":{"n_ctx":131072,"params":{}},"total_slots":4,"model_alias":"bench","model_path":"bench.gguf","chat_template":"","chat_template_caps":{"supports_tools":true},"modalities":{"vision":false,"audio":false},"build_info":"b9999-bench","is_sleeping":false}"#;
const NOT_FOUND: &str = r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#;
const ENDING: &str = concat!(
    r#"data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1795313075,"id":"chatcmpl-bench","model":"bench","object":"chat.completion.chunk"}"#,
    "\n\n",
    r#"data: {"choices":[],"created":1795313075,"id":"chatcmpl-bench","model":"bench","object":"chat.completion.chunk","usage":{"completion_tokens":100,"prompt_tokens":200,"total_tokens":300}}"#,
    "\n\ndata: [DONE]\n\n",
);

/// What precedes the time in an event.
pub(crate) const STAMP: &[u8] = br#""system_fingerprint":"t"#;

/// What each event says, as it stands in JSON, whatever the API.
pub(crate) const WORD: &[u8] = br#"" word""#;

/// Answers until the bench ends.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let (release, _) = watch::channel(());
    let completion = Bytes::from(completion());
    listen::serve(move |request| answer(request, completion.clone(), release.clone())).await
}

async fn answer(
    request: Request<Incoming>,
    completion: Bytes,
    release: watch::Sender<()>,
) -> Result<Answer, hyper::Error> {
    let mut answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/v1/models" | "/models") => json(MODELS.into()),
        (&Method::GET, "/props") => json(PROPS.into()),
        (&Method::GET, "/health" | "/v1/health") => json(r#"{"status":"ok"}"#.into()),
        (&Method::POST, "/bench/release") => {
            release.send_replace(());
            json("{}".into())
        }
        (&Method::POST, "/v1/chat/completions" | "/chat/completions") => {
            let body = request.into_body().collect().await?.to_bytes();
            match Wish::find(&body) {
                Some(wish) => events(wish, release.subscribe()),
                None => json(completion),
            }
        }
        _ => {
            let mut answer = json(NOT_FOUND.into());
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        }
    };
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("llama.cpp"));
    Ok(answer)
}

fn json(body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body).boxed_unsync());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    answer
}

fn events(wish: Wish, release: watch::Receiver<()>) -> Answer {
    let pace = (!wish.interval.is_zero()).then(|| {
        let mut pace = tokio::time::interval(wish.interval);
        // A late event must not make the next ones come in a burst: bursts are cheaper to forward.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pace
    });
    let frames = stream::unfold((0, pace, release), move |(sent, mut pace, mut release)| async move {
        let text = if sent < wish.chunks {
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            event()
        } else if sent == wish.chunks {
            if wish.hold {
                let _released = release.changed().await;
            }
            Bytes::from_static(ENDING.as_bytes())
        } else {
            return None;
        };
        Some((Ok(Frame::data(text)), (sent + 1, pace, release)))
    });
    let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer
}

fn event() -> Bytes {
    let time = monotonic().as_nanos();
    Bytes::from(
        format!(
            r#"data: {{"choices":[{{"finish_reason":null,"index":0,"delta":{{"content":" word"}}}}],"created":1795313075,"id":"chatcmpl-bench","model":"bench","system_fingerprint":"t{time}","object":"chat.completion.chunk"}}"#
        ) + "\n\n",
    )
}

fn completion() -> String {
    let text = "A pointsman sets the switches, so that each train finds its track. ".repeat(9);
    format!(
        r#"{{"choices":[{{"finish_reason":"stop","index":0,"message":{{"role":"assistant","content":"{text}"}}}}],"created":1795313075,"model":"bench","system_fingerprint":"b9999-bench","object":"chat.completion","usage":{{"completion_tokens":150,"prompt_tokens":200,"total_tokens":350}},"id":"chatcmpl-bench","timings":{{"prompt_n":200,"prompt_ms":12.5,"predicted_n":150,"predicted_ms":250.0}}}}"#
    )
}
