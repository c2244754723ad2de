//! A scripted server for tests: canned answers on a free port, and a record of what was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

/// An answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Canned {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Canned {
    pub(super) fn json(status: u16, body: impl Into<String>) -> Canned {
        Canned {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn text(status: u16, body: &str) -> Canned {
        Canned { status, headers: vec![("content-type", "text/plain".to_owned())], body: body.to_owned() }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Canned {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// Answers by path and query, and one for all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub paths: BTreeMap<&'static str, Canned>,
    pub otherwise: Canned,
}

impl Script {
    /// A server that answers these paths, and anything else in its own way.
    pub(super) fn new<const N: usize>(paths: [(&'static str, Canned); N], otherwise: Canned) -> Script {
        Script { paths: paths.into(), otherwise }
    }

    /// The same header on every answer.
    pub(super) fn always(mut self, name: &'static str, value: &str) -> Script {
        for answer in self.paths.values_mut().chain([&mut self.otherwise]) {
            answer.headers.push((name, value.to_owned()));
        }
        self
    }
}

/// A server that lives as long as this.
pub(super) struct Fake {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<String>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
    _alive: DropGuard,
}

impl Fake {
    /// Starts on a free port of 127.0.0.1.
    pub(super) async fn start(script: Script) -> Fake {
        Fake::start_at("127.0.0.1:0", script).await
    }

    /// Starts at an address.
    pub(super) async fn start_at(address: &str, script: Script) -> Fake {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(Mutex::new(script));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let headers = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let (served, noted, seen) = (Arc::clone(&script), Arc::clone(&asked), Arc::clone(&headers));
        let stopped = stop.clone();
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let (served, noted, seen) = (Arc::clone(&served), Arc::clone(&noted), Arc::clone(&seen));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (served, noted, seen) = (Arc::clone(&served), Arc::clone(&noted), Arc::clone(&seen));
                    async move {
                        let path = request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned();
                        let method = request.method().clone();
                        seen.lock().unwrap().push(request.headers().clone());
                        let body = request.into_body().collect().await?.to_bytes();
                        noted
                            .lock()
                            .unwrap()
                            .push(format!("{method} {path} {}", String::from_utf8_lossy(&body)).trim().to_owned());
                        let script = served.lock().unwrap().clone();
                        let canned = script.paths.get(&*path).unwrap_or(&script.otherwise).clone();
                        let mut response = Response::new(Full::new(Bytes::from(canned.body)));
                        *response.status_mut() = canned.status.try_into().expect("a status");
                        for (name, value) in canned.headers {
                            response.headers_mut().append(name, value.parse().expect("a header"));
                        }
                        Ok::<_, hyper::Error>(response)
                    }
                });
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(connection);
            }
        }));
        Fake { address, script, asked, headers, _alive: stop.drop_guard() }
    }

    /// What was asked, in order: `GET /v1/models`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The headers of all that was asked.
    pub(super) fn headers(&self) -> Vec<HeaderMap> {
        self.headers.lock().unwrap().clone()
    }

    /// Answers differently from now on.
    pub(super) fn becomes(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }
}

const TAGS: &str = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","modified_at":"2026-05-10T08:06:48-07:00","size":4683075271,"digest":"0a8c","details":{"parent_model":"","format":"gguf","family":"qwen3","families":["qwen3"],"parameter_size":"8.2B","quantization_level":"Q4_K_M","context_length":40960,"embedding_length":4096},"capabilities":["completion","tools","thinking"]}]}"#;

/// Ollama, as runtimes.md 2.1 and 3.1 show it.
pub(super) fn ollama(version: &str) -> Script {
    let status = r#"{"cloud":{"disabled":false,"source":"none"}}"#;
    let list = r#"{"object":"list","data":[{"id":"qwen3:8b","object":"model","created":1,"owned_by":"library"}]}"#;
    let mut script = Script::new(
        [
            ("/", Canned::text(200, "Ollama is running")),
            ("/v1/models", Canned::json(200, list)),
            ("/api/version", Canned::json(200, format!(r#"{{"version":"{version}"}}"#))),
            ("/api/status", Canned::json(200, status)),
            ("/api/tags", Canned::json(200, TAGS)),
            ("/api/ps", Canned::json(200, r#"{"models":[]}"#)),
        ],
        Canned::text(404, "404 page not found"),
    );
    if version < "0.16.2" {
        script.paths.remove("/api/status");
    }
    script
}

/// LM Studio: every unknown path is 200.
pub(super) fn lmstudio() -> Script {
    let models =
        r#"{"models":[{"type":"llm","publisher":"google","key":"google/gemma-4-26b-a4b","loaded_instances":[]}]}"#;
    let list = r#"{"object":"list","data":[{"id":"google/gemma-4-26b-a4b","object":"model","owned_by":"organization_owner"}]}"#;
    let script = Script::new(
        [
            ("/lmstudio-greeting", Canned::json(200, r#"{"lmstudio":true}"#)),
            ("/api/v1/models", Canned::json(200, models)),
            ("/v1/models", Canned::json(200, list)),
        ],
        Canned::json(200, r#"{"error":"Unexpected endpoint or method. (GET /)"}"#),
    );
    script.always("x-powered-by", "Express")
}

/// llama.cpp with one model.
pub(super) fn llamacpp() -> Script {
    let list = r#"{"object":"list","data":[{"id":"tiny-Q8_0.gguf","aliases":["tiny-Q8_0.gguf"],"object":"model","created":1795313075,"owned_by":"llamacpp","meta":{"n_ctx":512,"n_ctx_train":2048}}]}"#;
    let props = r#"{"default_generation_settings":{"n_ctx":512},"total_slots":4,"model_path":"/m/tiny.gguf","build_info":"b10573-abcdef0"}"#;
    let missing = r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#;
    let script = Script::new(
        [("/v1/models", Canned::json(200, list)), ("/props?autoload=false", Canned::json(200, props))],
        Canned::json(404, missing),
    );
    script.always("server", "llama.cpp")
}

/// llama.cpp that still loads.
pub(super) fn loading() -> Script {
    let body = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    Script::new([], Canned::json(503, body)).always("server", "llama.cpp")
}

/// vLLM.
pub(super) fn vllm() -> Script {
    let list = r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","object":"model","created":1764182158,"owned_by":"vllm","root":"Qwen/Qwen3-8B","parent":null,"max_model_len":40960}]}"#;
    let script = Script::new(
        [("/v1/models", Canned::json(200, list)), ("/version", Canned::json(200, r#"{"version":"0.33.0"}"#))],
        Canned::json(404, r#"{"detail":"Not Found"}"#),
    );
    script.always("server", "uvicorn")
}
