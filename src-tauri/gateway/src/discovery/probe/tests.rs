//! What each answer means, and which paths a server sees.

use std::time::Duration;

use super::*;
use crate::discovery::client;
use crate::discovery::fake::{self, Canned, Fake, Script};

/// What a server is, as a line: `ollama ready 0.33.0`.
async fn seen(fake: &Fake, expected: &Expected) -> String {
    let table = RuntimeSpec::table().expect("runtimes.toml can be read");
    let site = Site::local(&client::loopback(), fake.address, "", Duration::from_secs(5));
    match probe(&site, &table, expected, "ours").await {
        Finding::Runtime(identity) => {
            let version = identity.version.map(|version| format!(" {version}")).unwrap_or_default();
            format!("{} {:?}{version}", table[identity.row].id, identity.meaning)
        }
        Finding::Own => "ourselves".to_owned(),
        Finding::Pointsman => "another Pointsman".to_owned(),
        Finding::Other { looked_like, .. } => format!("other {}", looked_like.unwrap_or_default()).trim().to_owned(),
        Finding::Silent(fault) => format!("silent: {fault}"),
    }
}

fn row(id: &str) -> usize {
    let table = RuntimeSpec::table().expect("runtimes.toml can be read");
    table.iter().position(|spec| &*spec.id == id).expect("a row")
}

fn hinted(ids: &[&str]) -> Expected {
    Expected { hinted: ids.iter().map(|id| row(id)).collect(), ..Expected::default() }
}

#[track_caller]
fn check(script: Script, hints: &[&str], expected: &str, paths: &[&str]) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        let fake = Fake::start(script).await;
        assert_eq!(seen(&fake, &hinted(hints)).await, expected, "at {at}");
        let asked = fake.asked();
        let asked: Vec<&str> = asked.iter().map(|it| it.strip_prefix("GET ").expect("only GET")).collect();
        assert_eq!(asked, paths, "the paths that it sees, at {at}");
    }
}

#[tokio::test]
async fn runtimes_are_recognised() {
    let ollama = ["/v1/models", "/api/version", "/api/status", "/"];
    check(fake::ollama("0.33.0"), &["ollama"], "ollama Ready 0.33.0", &ollama).await;
    check(fake::ollama("0.33.0"), &[], "ollama Ready 0.33.0", &ollama).await;
    check(fake::ollama("0.15.9"), &[], "ollama Ready 0.15.9", &ollama).await;
    check(fake::llamacpp(), &[], "llamacpp Ready b10573-abcdef0", &["/v1/models", "/props?autoload=false"]).await;
    check(fake::vllm(), &[], "vllm Ready 0.33.0", &["/v1/models", "/version"]).await;
    check(fake::loading(), &[], "llamacpp Starting", &["/v1/models"]).await;
}

#[tokio::test]
async fn lm_studio_sees_no_paths_of_others() {
    check(fake::lmstudio(), &["lmstudio"], "lmstudio Ready", &["/lmstudio-greeting", "/api/v1/models"]).await;
    let elsewhere = ["/v1/models", "/lmstudio-greeting", "/api/v1/models"];
    check(fake::lmstudio(), &[], "lmstudio Ready", &elsewhere).await;
    check(
        fake::lmstudio(),
        &["vllm", "lemonade"],
        "lmstudio Ready",
        &["/v1/models", "/live", "/lmstudio-greeting", "/api/v1/models"],
    )
    .await;
    let mut old = fake::lmstudio();
    old.paths.remove("/api/v1/models");
    check(old, &["lmstudio"], "lmstudio Ready", &["/lmstudio-greeting", "/api/v1/models", "/v1/models"]).await;
    let refused = Canned::json(401, r#"{"error":{"type":"invalid_request","code":"invalid_api_key","message":"x"}}"#);
    let mut closed = fake::lmstudio();
    closed.paths.insert("/api/v1/models", refused.clone());
    closed.paths.insert("/v1/models", refused);
    check(closed.clone(), &["lmstudio"], "lmstudio NeedsKey", &["/lmstudio-greeting", "/api/v1/models", "/v1/models"])
        .await;
    check(closed, &[], "lmstudio NeedsKey", &["/v1/models", "/lmstudio-greeting"]).await;
}

#[tokio::test]
async fn a_port_of_the_apps_process_sees_the_greeting_alone() {
    let fake = Fake::start(Script::new([], Canned::text(404, ""))).await;
    let expected = Expected { process: Some(row("lmstudio")), only: true, ..Expected::default() };
    assert_eq!(seen(&fake, &expected).await, "other");
    assert_eq!(fake.asked(), ["GET /lmstudio-greeting"]);
}

#[tokio::test]
async fn an_app_whose_server_is_off() {
    let app = Script::new(
        [
            ("/lmstudio-greeting", Canned::json(200, r#"{"lmstudio":true}"#)),
            ("/lms-status", Canned::json(200, r#"{"package":"lms","version":"0.4.25"}"#)),
        ],
        Canned::text(404, ""),
    );
    let fake = Fake::start(app).await;
    let expected = Expected { control: true, only: true, ..hinted(&["lmstudio"]) };
    assert_eq!(seen(&fake, &expected).await, "lmstudio ServerOff");
    assert_eq!(fake.asked(), ["GET /lmstudio-greeting", "GET /lms-status"]);
}

#[tokio::test]
async fn keys_are_wanted() {
    let llamacpp =
        Canned::json(401, r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#);
    check(Script::new([], llamacpp).always("server", "llama.cpp"), &[], "llamacpp NeedsKey", &["/v1/models"]).await;
    let vllm = Script::new(
        [
            ("/v1/models", Canned::json(401, r#"{"error":"Unauthorized"}"#)),
            ("/version", Canned::json(200, r#"{"version":"0.33.0"}"#)),
            ("/metrics", Canned::text(200, "# HELP\nvllm:num_requests_running 0\n")),
        ],
        Canned::json(404, r#"{"detail":"Not Found"}"#),
    );
    check(vllm, &[], "vllm NeedsKey", &["/v1/models", "/version", "/metrics"]).await;
}

#[tokio::test]
async fn llamafile_is_not_llama_cpp() {
    let props = |body: &str| {
        let mut script = fake::llamacpp();
        script.paths.insert("/props?autoload=false", Canned::json(200, body).with("server", "llama.cpp"));
        script
    };
    let paths = ["/v1/models", "/props?autoload=false"];
    check(props(r#"{"build_info":"b1775854028-5e9c63546"}"#), &[], "llamafile Ready b1775854028-5e9c63546", &paths)
        .await;
    check(props(r#"{"build_info":"b1-x","model_path":"/zip/a.gguf"}"#), &[], "llamafile Ready b1-x", &paths).await;
    check(props(r#"{"build_info":"b0-unknown","model_path":"a.gguf"}"#), &[], "llamacpp Ready b0-unknown", &paths)
        .await;
    // While it loads only its process tells.
    let fake = Fake::start(fake::loading()).await;
    let expected = Expected { process: Some(row("llamafile")), ..Expected::default() };
    assert_eq!(seen(&fake, &expected).await, "llamafile Starting");
}

#[tokio::test]
async fn who_imitates_ollama_is_not_ollama() {
    let mut without_status = fake::ollama("0.33.0");
    without_status.paths.remove("/api/status");
    check(without_status, &[], "other OpenAI-compatible server", &["/v1/models", "/api/version", "/api/status"]).await;
    let kobold = fake::ollama("0.7.0").always("server", "ConcedoLlamaForKoboldServer");
    check(kobold, &["ollama"], "other ConcedoLlamaForKoboldServer", &["/v1/models", "/api/extra/version"]).await;
    let mut says_else = fake::ollama("0.15.0");
    says_else.paths.insert("/", Canned::text(200, "Some Gateway is running"));
    check(
        says_else,
        &["ollama"],
        "other OpenAI-compatible server",
        &["/v1/models", "/api/version", "/api/status", "/"],
    )
    .await;
}

#[tokio::test]
async fn pointsmen_are_left_alone() {
    check(fake::ollama("0.33.0").always("x-pointsman-instance", "ours"), &["ollama"], "ourselves", &["/v1/models"])
        .await;
    check(fake::vllm().always("x-pointsman-instance", "theirs"), &["ollama"], "another Pointsman", &["/v1/models"])
        .await;
}

#[tokio::test]
async fn development_servers_are_not_runtimes() {
    let page =
        Canned { status: 200, headers: vec![("content-type", "text/html".to_owned())], body: "<html>".to_owned() };
    check(Script::new([], page), &["vllm", "llamacpp"], "other", &["/v1/models"]).await;
    let json_as_text = Canned::text(200, r#"{"data":[{"id":"m","owned_by":"vllm"}]}"#);
    check(Script::new([], json_as_text), &[], "other", &["/v1/models"]).await;
    check(Script::new([], Canned::json(200, "[]")), &[], "other", &["/v1/models"]).await;
    check(
        Script::new([], Canned::json(200, r#"{"data":[{"id":7,"owned_by":"vllm"}]}"#)),
        &[],
        "other",
        &["/v1/models"],
    )
    .await;
    let moved =
        Canned { status: 302, headers: vec![("location", "http://127.0.0.1:1/".to_owned())], body: String::new() };
    check(Script::new([], moved), &[], "other", &["/v1/models"]).await;
    let https = Canned::text(400, "Client sent an HTTP request to an HTTPS server.\n");
    check(Script::new([], https), &[], "other", &["/v1/models"]).await;
    let squeezed = Canned::json(200, r#"{"data":[{"id":"m","owned_by":"vllm"}]}"#).with("content-encoding", "gzip");
    check(Script::new([], squeezed), &[], "other", &["/v1/models"]).await;
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let endless = Canned::json(200, format!(r#"{{"data":[{{"id":"{}"}}]}}"#, "a".repeat(client::LARGEST)));
    check(Script::new([], endless).always("server", "llama.cpp"), &["ollama"], "other", &["/v1/models"]).await;
}

#[tokio::test]
async fn what_was_known_is_asked_first() {
    let fake = Fake::start(fake::lmstudio()).await;
    let expected = Expected { last: Some((row("lmstudio"), 0)), ..hinted(&["vllm", "llamacpp"]) };
    assert_eq!(seen(&fake, &expected).await, "lmstudio Ready");
    assert_eq!(fake.asked(), ["GET /lmstudio-greeting", "GET /api/v1/models"], "no other path, however often");
}

#[tokio::test]
async fn nothing_is_sent_that_could_be_a_key() {
    let fake = Fake::start(fake::vllm()).await;
    seen(&fake, &hinted(&[])).await;
    for headers in fake.headers() {
        let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host", "user-agent"], "and no compression is accepted");
    }
}
