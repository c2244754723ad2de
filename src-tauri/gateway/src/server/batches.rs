//! What came of a batch, as Otari has it: `GET /v1/batches/ID/results`, which no provider has in this form.
//!
//! The provider is asked for the batch, and then for what it wrote: a file of OpenAI's, Anthropic's own results. Each
//! answer is told as OpenAI's chat has it, whoever gave it. Batches themselves are passed on by `proxy`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Response, Uri};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Shared, refuse};
use super::body::Body;
use super::infer::nobody;
use crate::catalog::{Endpoint, Model, ModelState};
use crate::completion::CompletionRequest;
use crate::dispatch::Inbound;
use crate::error::Error;
use crate::ingress::peek::Peek;
use crate::protocol::codec::{self, fault};
use crate::protocol::{Operation, Protocol, anthropic};
use crate::routing::Target;
use crate::usage::recorder::Recorder;

/// The largest file that is read.
const MOST: usize = 128 << 20;
/// How Anthropic's batches are named, and nobody else's.
const ANTHROPICS: &str = "msgbatch_";

/// The batch whose results a path below `/v1` asks for, and in which protocol it is held.
pub(super) fn asked(path: &str) -> Option<(&str, Protocol)> {
    let id = path.strip_prefix("/batches/")?.strip_suffix("/results").filter(|id| is_plain(id))?;
    Some((id, if id.starts_with(ANTHROPICS) { Protocol::Anthropic } else { Protocol::OpenAiChat }))
}

/// Who is asked for them, and for whom.
pub(super) struct Asking<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) client: Arc<str>,
    pub(super) agent: Option<HeaderValue>,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) protocol: Protocol,
    /// What stands there before the protocol's own paths.
    pub(super) prefix: String,
}

/// A batch, as far as it decides what is read next.
#[derive(Deserialize)]
struct Batch {
    #[serde(alias = "processing_status")]
    status: String,
    #[serde(default)]
    output_file_id: Option<String>,
    #[serde(default)]
    error_file_id: Option<String>,
}

impl Asking<'_> {
    /// All that came of the batch `id`.
    pub(super) async fn results(&self, id: &str) -> Response<Body> {
        match self.written(id).await {
            Ok(lines) => {
                let read = if self.protocol == Protocol::Anthropic { of_anthropic } else { of_openai };
                let results: Vec<Value> = lines
                    .iter()
                    .flat_map(|file| file.split(|byte| *byte == b'\n'))
                    .filter_map(|line| read(&serde_json::from_slice(line).ok()?))
                    .collect();
                let body = json!({"results": results}).to_string();
                let mut response = Response::new(Body::Whole(body.into()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(response) => *response,
        }
    }

    /// The files of JSON lines that a batch which is done has written.
    async fn written(&self, id: &str) -> Result<Vec<Bytes>, Box<Response<Body>>> {
        let anthropics = self.protocol == Protocol::Anthropic;
        let at = if anthropics { format!("/messages/batches/{id}") } else { format!("/batches/{id}") };
        let batch: Option<Batch> = serde_json::from_slice(&self.get(&at).await?).ok();
        let Some(batch) = batch else { return Err(self.refuse(&self.unreadable("it tells no state of the batch"))) };
        let status = batch.status.to_ascii_lowercase();
        let paths: Vec<String> = match &*status {
            "ended" if anthropics => vec![format!("{at}/results")],
            // One that ended early has answers too, as far as it came.
            "completed" | "expired" | "cancelled" if !anthropics => {
                let files = [batch.output_file_id, batch.error_file_id].into_iter().flatten();
                let files: Vec<String> = files.filter(|file| !file.is_empty()).collect();
                if !files.iter().all(|file| is_plain(file)) {
                    return Err(self.refuse(&self.unreadable("it names a file that cannot be asked for")));
                }
                files.iter().map(|file| format!("/files/{file}/content")).collect()
            }
            _ => {
                let status = status.chars().filter(|sign| sign.is_ascii_graphic()).take(40).collect();
                return Err(self.refuse(&Error::BatchUnfinished { id: id.to_owned(), status }));
            }
        };
        let mut written = Vec::new();
        for path in paths {
            written.push(self.get(&path).await?);
        }
        Ok(written)
    }

    /// What the provider has at a path; else its refusal.
    async fn get(&self, path: &str) -> Result<Bytes, Box<Response<Body>>> {
        let path = format!("{}{path}", self.prefix);
        let (usage, live) = (self.shared.usage.clone(), self.shared.live.clone());
        let asked = format!("{}{path}", self.endpoint.id).into();
        let mut recorder = Recorder::new(usage, live, Protocol::OpenAiChat, Operation::Raw, asked);
        let agent = self.agent.as_ref().and_then(|agent| agent.to_str().ok());
        recorder.client(Some(Arc::clone(&self.client)), agent);
        let mut headers = HeaderMap::new();
        headers.extend(self.agent.clone().map(|agent| (USER_AGENT, agent)));
        if self.protocol == Protocol::Anthropic {
            let version = HeaderValue::from_static(anthropic::VERSION);
            headers.insert(HeaderName::from_static("anthropic-version"), version);
        }
        let endpoint = Arc::clone(&self.endpoint);
        let model = Model::named("-", Arc::clone(&endpoint.id), endpoint.local);
        let target = Target { endpoint, model: Arc::new(Model { state: ModelState::Hosted, ..model }) };
        let inbound = Inbound {
            protocol: self.protocol,
            operation: Operation::Raw,
            uri: Uri::default(),
            headers,
            query: None,
            body: Bytes::new(),
            peek: Peek::nothing(),
            context: None,
            memory: None,
        };
        let answer = self.shared.dispatch.pass(Method::GET, path, inbound, &target, recorder).await;
        let answer = answer.map_err(|unanswered| Box::new(nobody(self.shared, Protocol::OpenAiChat, &unanswered)))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|_| self.refuse(&self.unreadable("its answer broke off, or is too large")))?.to_bytes();
        if parts.status.is_success() {
            return Ok(body);
        }
        Err(self.refuse(&Error::Refused {
            endpoint: Arc::clone(&self.endpoint.id),
            status: parts.status.as_u16(),
            code: None,
            said: fault::read(&body).message,
            retry_after: parts.headers.get(http::header::RETRY_AFTER).cloned(),
        }))
    }

    fn unreadable(&self, reason: &str) -> Error {
        Error::BadAnswer { endpoint: Arc::clone(&self.endpoint.id), status: 200, reason: reason.to_owned() }
    }

    fn refuse(&self, error: &Error) -> Box<Response<Body>> {
        Box::new(refuse(self.shared, Protocol::OpenAiChat, error))
    }
}

/// Whether an id can stand in a path as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"-_:".contains(&sign))
}

/// One line of a file of OpenAI's.
fn of_openai(line: &Value) -> Option<Value> {
    let (response, status) = (&line["response"], line["response"]["status_code"].as_u64());
    let fault = match &line["error"] {
        Value::Null if status.is_none_or(|status| (200..300).contains(&status)) => Value::Null,
        Value::Null => told(&response["body"]["error"], status),
        error => told(error, status),
    };
    let result = if fault.is_null() { &response["body"] } else { &Value::Null };
    Some(one(line.get("custom_id")?, result, &fault))
}

/// One line of Anthropic's results.
fn of_anthropic(line: &Value) -> Option<Value> {
    let (id, result) = (line.get("custom_id")?, &line["result"]);
    let kind = result["type"].as_str().unwrap_or_default();
    if kind != "succeeded" {
        // The error stands in a message of an error, as in an answer of its own.
        let within = &result["error"]["error"];
        let fault = if within.is_null() {
            json!({"code": kind, "message": format!("the request was not answered: {kind}")})
        } else {
            json!({"code": within["type"], "message": within["message"]})
        };
        return Some(one(id, &Value::Null, &fault));
    }
    let message = codec::upstream(Protocol::Anthropic).decode_completion(result["message"].to_string().as_bytes());
    let written = message.ok().and_then(|message| {
        let surface = codec::surface(Protocol::OpenAiChat)?;
        let body = surface.encode_completion(Operation::Chat, &CompletionRequest::default(), &message);
        serde_json::from_slice(&body).ok()
    });
    Some(match written {
        Some(result) => one(id, &result, &Value::Null),
        None => one(id, &Value::Null, &json!({"code": "unreadable", "message": "the answer cannot be read"})),
    })
}

fn one(id: &Value, result: &Value, error: &Value) -> Value {
    json!({"custom_id": id, "result": result, "error": error})
}

/// An error of OpenAI's with a code, which some leave out.
fn told(error: &Value, status: Option<u64>) -> Value {
    let code = [&error["code"], &error["type"]].into_iter().find_map(Value::as_str).map(str::to_owned);
    let code = code.or(status.map(|status| status.to_string())).unwrap_or_else(|| "failed".to_owned());
    json!({"code": code, "message": error["message"].as_str().unwrap_or("it does not say why")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_batch() {
        let check = |path: &str, expected: Option<(&str, Protocol)>| assert_eq!(asked(path), expected, "{path}");
        check("/batches/batch_1/results", Some(("batch_1", Protocol::OpenAiChat)));
        check("/batches/msgbatch_01/results", Some(("msgbatch_01", Protocol::Anthropic)));
        check("/batches/batch_1", None);
        check("/batches/results", None);
        check("/batches//results", None);
        check("/batches/a/b/results", None);
        check("/batches/%2e%2e/results", None);
        check("/batches/../results", None);
    }

    #[test]
    fn lines_of_openais() {
        #[track_caller]
        fn check(line: &Value, result: &Value, error: &Value) {
            let expected = json!({"custom_id": "a", "result": result, "error": error});
            assert_eq!(of_openai(line), Some(expected), "{line}");
        }
        let line =
            |response: Value, error: Value| json!({"id": "x", "custom_id": "a", "response": response, "error": error});
        let body = json!({"id": "c", "choices": []});
        check(&line(json!({"status_code": 200, "body": body}), Value::Null), &body, &Value::Null);
        let refused = json!({"status_code": 400, "body": {"error": {"code": null, "type": "bad", "message": "no"}}});
        check(&line(refused, Value::Null), &Value::Null, &json!({"code": "bad", "message": "no"}));
        let bare = json!({"status_code": 500, "body": "x"});
        check(&line(bare, Value::Null), &Value::Null, &json!({"code": "500", "message": "it does not say why"}));
        let late = json!({"code": "batch_expired", "message": "late"});
        check(&line(Value::Null, late.clone()), &Value::Null, &late);
        assert_eq!(of_openai(&json!({})), None);
    }

    #[test]
    fn lines_of_anthropics() {
        let message = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 3, "output_tokens": 2}});
        let line = |result: Value| of_anthropic(&json!({"custom_id": "a", "result": result})).expect("a line");
        let told = line(json!({"type": "succeeded", "message": message}));
        assert_eq!(told["result"]["choices"][0]["message"]["content"], "hello", "{told}");
        assert_eq!((&told["result"]["usage"]["prompt_tokens"], &told["error"]), (&json!(3), &Value::Null));
        let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}});
        let told = line(json!({"type": "errored", "error": error}));
        assert_eq!((&told["result"], &told["error"]["code"]), (&Value::Null, &json!("invalid_request_error")));
        assert_eq!(line(json!({"type": "expired"}))["error"]["code"], "expired");
    }
}
