//! A request and its answer between protocols that differ: surface -> hub -> upstream and back.
//!
//! The request is read once, however many targets are tried, and written anew for each. A whole answer is collected and
//! turned; a stream is `translated`'s. What the target cannot be told is named in a header; what would change the meaning
//! is refused. Which protocol a target is asked in is `plan`'s decision.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use super::ask::Ask;
use super::attempt::Answer;
use super::collect::{MOST_BYTES, MOST_ERROR_BYTES, collect};
use super::keeper::Keeper;
use super::translated::{Translated, Translating};
use super::{AnswerBody, Inbound, context, estimate, headers, refused};
use crate::completion::{CompletionRequest, DecodeError, Usage};
use crate::embedding::EmbeddingRequest;
use crate::error::Error;
use crate::picture::PictureRequest;
use crate::protocol::codec::frames::Framing;
use crate::protocol::codec::{self, Surface, Upstream};
use crate::protocol::shape::Shape;
use crate::protocol::{Operation, Protocol, Speaks};
use crate::rerank::RerankRequest;
use crate::routing::Target;
use crate::speech::SpeechRequest;
use crate::usage::Outcome;
use crate::usage::recorder::Recorder;

/// A request that was read into the hub.
pub(super) struct Translation {
    surface: &'static dyn Surface,
    operation: Operation,
    question: Question,
}

enum Question {
    Chat(Box<CompletionRequest>),
    Vectors(EmbeddingRequest),
    Order(RerankRequest),
    Picture(PictureRequest),
    Speech(SpeechRequest),
}

/// A request to one target, and what its answer must be read with.
pub(super) struct Posed {
    /// What is sent.
    pub(super) ask: Ask<'static>,
    upstream: &'static dyn Upstream,
    /// How a cloud changes its answers.
    shape: Option<Shape>,
    pub(super) dropped: Vec<String>,
}

/// The media type of most answers.
const JSON: &str = "application/json";

/// A whole answer in the client's protocol.
struct Turned {
    body: Bytes,
    usage: Option<Usage>,
    /// What it is billed by, where that is no tokens.
    units: Option<u32>,
    /// Its media type.
    kind: &'static str,
}

impl Turned {
    fn json(body: Bytes, usage: Option<Usage>) -> Turned {
        Turned { body, usage, units: None, kind: JSON }
    }
}

/// How an answer goes on.
pub(super) struct Onward<'a> {
    pub(super) target: &'a Target,
    pub(super) idle: Duration,
    pub(super) recorder: Recorder,
    /// Who keeps it, if somebody does.
    pub(super) keeper: Option<Box<Keeper>>,
}

impl Translation {
    /// The client's request, read when the first target needs it.
    pub(super) fn once<'t>(known: &'t mut Option<Translation>, inbound: &Inbound) -> Result<&'t Translation, Error> {
        if known.is_none() {
            *known = Some(Translation::read(inbound)?);
        }
        known.as_ref().ok_or(Error::Internal)
    }

    fn read(inbound: &Inbound) -> Result<Translation, Error> {
        let surface = codec::surface(inbound.protocol).ok_or(Error::Internal)?;
        let (operation, path) = (inbound.operation, inbound.path());
        let body = match &inbound.memory {
            Some(memory) => memory.for_hub(&inbound.body)?,
            None => inbound.body.clone(),
        };
        let question = match operation {
            Operation::Embeddings | Operation::SingleEmbedding => {
                surface.decode_embedding(operation, path, &body).map(Question::Vectors)
            }
            Operation::Rerank => surface.decode_rerank(&body).map(Question::Order),
            Operation::Images | Operation::ImageEdit => surface.decode_picture(operation, &body).map(Question::Picture),
            Operation::Speech => surface.decode_speech(&body).map(Question::Speech),
            Operation::Chat
            | Operation::Completion
            | Operation::CountTokens
            | Operation::Transcription
            | Operation::Translation
            | Operation::Moderation
            | Operation::Raw
            | Operation::ShowModel => {
                surface.decode_request(operation, path, &body).map(|chat| Question::Chat(Box::new(chat)))
            }
        };
        let question = question.map_err(|error| told(&error))?;
        Ok(Translation { surface, operation, question })
    }

    /// Writes it for a target.
    pub(super) fn pose(&self, inbound: &Inbound, target: &Target, speaks: &Speaks) -> Result<Posed, Error> {
        let upstream = codec::upstream(speaks.protocol);
        let model = &target.model;
        let described = codec::Target {
            model: model.id.to_string(),
            runtime: target.endpoint.origin.runtime().unwrap_or_default().to_owned(),
            tools: model.capabilities.tools,
            vision: model.capabilities.vision,
            reasoning: model.capabilities.reasoning,
            context: model.context.effective,
            max_output: model.terms.as_ref().and_then(|terms| terms.max_output),
        };
        let cannot = || Error::Internal;
        let (encoded, asked, stream, mut dropped) = match &self.question {
            Question::Chat(chat) if self.operation == Operation::CountTokens => {
                let encoded = upstream.encode_counting(chat, &described).ok_or_else(cannot)?;
                (encoded, Operation::CountTokens, false, chat.dropped.clone())
            }
            Question::Chat(chat) => {
                let mut chat = Cow::Borrowed(&**chat);
                if speaks.protocol == Protocol::Ollama
                    && let Some(size) = context::wanted(&chat, inbound, model)
                {
                    chat.to_mut().context = Some(size);
                }
                let encoded = upstream.encode_request(&chat, &described);
                (encoded, Operation::Chat, chat.stream, chat.dropped.clone())
            }
            Question::Vectors(vectors) => {
                let encoded = upstream.encode_embedding(vectors, &described).ok_or_else(cannot)?;
                (encoded, Operation::Embeddings, false, Vec::new())
            }
            Question::Order(order) => {
                let encoded = upstream.encode_rerank(order, &described).ok_or_else(cannot)?;
                (encoded, Operation::Rerank, false, order.dropped.clone())
            }
            Question::Picture(picture) => {
                let encoded = upstream.encode_picture(picture, &described).ok_or_else(cannot)?;
                (encoded, self.operation, false, picture.dropped.clone())
            }
            Question::Speech(speech) => {
                let encoded = upstream.encode_speaking(speech, &described).ok_or_else(cannot)?;
                (encoded, Operation::Speech, false, speech.dropped.clone())
            }
        };
        let encoded = encoded.map_err(|error| told(&error))?;
        let path = match speaks.shape {
            // How its stream is framed, its codec says in the query.
            Some(Shape::VertexGemini) if asked == Operation::Chat => upstream.path(asked, &model.id, stream),
            None => upstream.path(asked, &model.id, stream),
            Some(shape) => shape.path(asked, &model.id, stream),
        };
        let path = path.ok_or_else(cannot)?;
        dropped.extend(encoded.dropped);
        dropped.dedup();
        let path = speaks.at(&path);
        let mut ask = Ask::translated(inbound, target, speaks, (asked, path), encoded.body);
        dropped.append(&mut ask.dropped);
        Ok(Posed { ask, upstream, shape: speaks.shape, dropped })
    }

    /// The answer in the client's protocol. An error comes back with the recorder: nothing was sent to the client yet.
    pub(super) async fn answer(
        &self,
        posed: &Posed,
        answer: Answer,
        onward: Onward<'_>,
    ) -> Result<Response<AnswerBody>, (Error, Recorder)> {
        let status = answer.response.status();
        if let Question::Chat(chat) = &self.question
            && chat.stream
            && status.is_success()
            && !is_whole(answer.response.headers(), posed.upstream)
        {
            return self.stream(chat, posed, answer, onward).await;
        }
        let Onward { target, idle, mut recorder, keeper } = onward;
        match self.turned(posed, answer, target, idle, keeper.as_deref()).await {
            Ok(Turned { body, usage, units, kind }) => {
                recorder.answered(200, None);
                recorder.count(usage.as_ref(), 1);
                recorder.units(units);
                recorder.said(&body);
                recorder.ended(Outcome::Complete, None, None);
                let mut response = whole(body, kind);
                sign(response.headers_mut(), &posed.dropped, target, recorder.attempts());
                Ok(response)
            }
            Err(error) => Err((error, recorder)),
        }
    }

    async fn stream(
        &self,
        chat: &CompletionRequest,
        posed: &Posed,
        answer: Answer,
        onward: Onward<'_>,
    ) -> Result<Response<AnswerBody>, (Error, Recorder)> {
        let Onward { target, idle, recorder, keeper } = onward;
        let attempts = recorder.attempts();
        let stream = Translated::begin(Translating {
            encoder: self.surface.encoder(self.operation, chat),
            decoder: posed.upstream.decoder(),
            answer,
            target: target.clone(),
            idle,
            recorder,
            keeper,
        })
        .await
        .map_err(|failed| *failed)?;
        let mut response = Response::new(AnswerBody::Translated(Box::new(stream)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.surface.stream_type(chat)));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        sign(headers, &posed.dropped, target, attempts);
        Ok(response)
    }

    /// A whole answer as the surface's body.
    async fn turned(
        &self,
        posed: &Posed,
        mut answer: Answer,
        target: &Target,
        idle: Duration,
        keeper: Option<&Keeper>,
    ) -> Result<Turned, Error> {
        let (upstream, status) = (posed.upstream, answer.response.status());
        if !status.is_success() {
            let retry_after = answer.response.headers().get(RETRY_AFTER).cloned();
            let body = collect(&mut answer, idle, MOST_ERROR_BYTES).await.unwrap_or_default();
            return Err(refused::by_status(upstream, target, status, retry_after, &body));
        }
        let body = collect(&mut answer, idle, MOST_BYTES).await.map_err(|lost| lost.of(target, idle))?;
        let body = match posed.shape {
            Some(shape) => shape.read(self.operation, body),
            None => body,
        };
        let unread = |error: DecodeError| refused::in_body(upstream, target, &body, &error);
        match &self.question {
            Question::Chat(_) if self.operation == Operation::CountTokens => {
                let count = upstream.decode_count(&body);
                let count = count.ok_or_else(|| unread(DecodeError::Malformed("it is no count of tokens".into())))?;
                Ok(Turned::json(self.surface.encode_count(count), None))
            }
            Question::Chat(chat) => {
                let mut completion = upstream.decode_completion(&body).map_err(unread)?;
                completion.created.get_or_insert_with(now);
                if completion.model.is_empty() {
                    completion.model = target.model.id.to_string();
                }
                if completion.id.is_empty() {
                    completion.id = unnamed();
                }
                if chat.stream {
                    let reason = "a stream was asked for and a whole answer came";
                    return Err(refused::unreadable(target, reason));
                }
                if keeper.is_some() {
                    completion.id = Keeper::id();
                }
                let body = self.surface.encode_completion(self.operation, chat, &completion);
                let body = keeper.map_or_else(|| body.clone(), |keeper| keeper.whole(body.clone()));
                Ok(Turned::json(body, completion.usage))
            }
            Question::Vectors(vectors) => {
                let made = upstream.decode_embeddings(&body).map_err(unread)?;
                if made.vectors.len() != vectors.input.len() {
                    return Err(refused::unreadable(target, "it has not one vector for each text"));
                }
                Ok(Turned::json(self.surface.encode_embeddings(self.operation, vectors, &made), made.usage))
            }
            Question::Order(order) => {
                let mut made = upstream.decode_ranking(&body).map_err(unread)?.checked(order);
                let made =
                    made.as_mut().ok_or_else(|| refused::unreadable(target, "it orders what it was not sent"))?;
                if made.id.is_empty() {
                    made.id = unnamed();
                }
                let body = self.surface.encode_ranking(order, made);
                Ok(Turned { units: made.search_units, ..Turned::json(body, made.usage) })
            }
            Question::Picture(picture) => {
                let made = upstream.decode_pictures(&body).map_err(unread)?;
                if let Some(reason) = &made.refused {
                    return Err(refused::withheld(target, reason));
                }
                let body = self.surface.encode_pictures(picture, &made, now());
                Ok(Turned { units: u32::try_from(made.pictures.len()).ok(), ..Turned::json(body, made.usage) })
            }
            Question::Speech(speech) => {
                let made = upstream.decode_spoken(&body).map_err(unread)?;
                let (kind, body) = self.surface.encode_speech(speech, &made);
                Ok(Turned { body, usage: made.usage, units: None, kind })
            }
        }
    }

    /// A count without asking anybody, marked as an estimate.
    pub(super) fn estimate(&self, target: &Target, recorder: &mut Recorder) -> Response<AnswerBody> {
        let tokens = match &self.question {
            Question::Chat(chat) => estimate::tokens(chat),
            // Nobody counts the tokens of what is no chat.
            Question::Vectors(_) | Question::Order(_) | Question::Picture(_) | Question::Speech(_) => 0,
        };
        recorder.answered(200, None);
        recorder.ended(Outcome::Complete, None, None);
        let mut response = whole(self.surface.encode_count(tokens), JSON);
        sign(response.headers_mut(), &[], target, recorder.attempts());
        response.headers_mut().insert(headers::ESTIMATED, headers::flag(true));
        response
    }
}

fn whole(body: Bytes, kind: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Whether a whole answer came where a stream of events was asked for: most often an error with a status of success.
fn is_whole(headers: &HeaderMap, upstream: &dyn Upstream) -> bool {
    let json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    json && upstream.decoder().framing() != Framing::Lines
}

/// Says who answered and what it was not told.
fn sign(headers: &mut HeaderMap, dropped: &[String], target: &Target, attempts: u8) {
    headers::sign(headers, target, attempts);
    headers::dropped(headers, dropped);
}

fn told(error: &DecodeError) -> Error {
    match error {
        DecodeError::Malformed(reason) => Error::BadRequest { reason: reason.clone() },
        DecodeError::Unsupported { .. } => Error::Unsayable { reason: error.to_string() },
    }
}

/// An id for an answer that came without one: Bedrock's have none, and clients tell answers apart by theirs.
pub(super) fn unnamed() -> String {
    format!("msg_{}", uuid::Uuid::new_v4().simple())
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
