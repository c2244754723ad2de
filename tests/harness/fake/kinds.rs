//! Scripted upstreams that identify themselves exactly as the runtimes do: the stand-ins for those that no package
//! registry carries, and the well-behaved ground on which a test puts one fault.

use serde_json::{Value, json};

use super::answers::answers;
use super::{Fake, Script};
use crate::harness::Port;

/// llama.cpp with one model.
pub(crate) async fn llamacpp(model: &str) -> Fake {
    llamacpp_on(Port::reserve(), model)
}

/// llama.cpp on a port that was reserved before.
pub(crate) fn llamacpp_on(port: Port, model: &str) -> Fake {
    let fake = Fake::on_port(port);
    make_llamacpp(&fake, model);
    fake
}

/// Makes an upstream llama.cpp, whatever it was before.
pub(crate) fn make_llamacpp(fake: &Fake, model: &str) {
    llama_server(fake, model, "b11434-0c1e570", &format!("/models/{model}.gguf"));
}

/// llamafile 0.10 with one model inside: llama.cpp, but for a build number that is a time.
pub(crate) async fn llamafile(model: &str) -> Fake {
    let fake = Fake::new().await;
    llama_server(&fake, model, "b1775854028-5e9c63546", &format!("/zip/{model}.gguf"));
    fake
}

/// llama.cpp while its model loads: every route is 503.
pub(crate) fn make_loading(fake: &Fake) {
    let body = json!({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}});
    fake.on("*", "*", Script::fault(503, &body).header("Server", "llama.cpp"));
}

/// llama.cpp behind a key: everything but its health is 401.
pub(crate) fn make_keyed(fake: &Fake, key: &str) {
    let body = json!({"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}});
    let refusal = Script::fault(401, &body).header("Server", "llama.cpp");
    let wanted = format!("Bearer {key}");
    for path in ["/v1/models", "/models", "/props", "/slots", "/v1/chat/completions"] {
        let rules = fake.handler(path);
        let (refusal, wanted) = (refusal.clone(), wanted.clone());
        fake.on_with("*", path, move |request| {
            if request.header("authorization") == wanted { rules(request) } else { refusal.clone() }
        });
    }
}

fn llama_server(fake: &Fake, model: &str, build: &str, path: &str) {
    let server = |script: Script| script.header("Server", "llama.cpp");
    let missing = json!({"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}});
    fake.on("*", "*", server(Script::fault(404, &missing)));
    for health in ["/health", "/v1/health"] {
        fake.on("GET", health, server(Script::json(&json!({"status": "ok"}))));
    }
    let models = json!({
        "models": [{"name": model, "model": model, "modified_at": "", "size": "", "digest": "", "type": "model",
            "description": "", "tags": [""], "capabilities": ["completion"], "parameters": "",
            "details": {"parent_model": "", "format": "gguf", "family": "", "families": [""], "parameter_size": "",
                "quantization_level": ""}}],
        "object": "list",
        "data": [{"id": model, "aliases": [model], "tags": [], "object": "model", "created": 1_795_313_075,
            "owned_by": "llamacpp", "meta": {"vocab_type": 2, "n_vocab": 49152, "n_ctx": 8192, "n_ctx_train": 8192,
                "n_embd": 576, "n_params": 134_515_008_u64, "size": 98_000_000, "ftype": "Q4_1"}}]});
    for path in ["/v1/models", "/models"] {
        fake.on("GET", path, server(Script::json(&models)));
    }
    let props = json!({"default_generation_settings": {"n_ctx": 8192}, "total_slots": 4, "model_alias": model,
        "model_path": path, "modalities": {"vision": false, "audio": false}, "endpoint_slots": true,
        "endpoint_props": false, "endpoint_metrics": false, "chat_template": "{{ messages }}",
        "chat_template_caps": {"supports_tools": true}, "build_info": build, "is_sleeping": false});
    fake.on("GET", "/props", server(Script::json(&props)));
    fake.on("GET", "/slots", server(Script::json(&json!([{"id": 0, "n_ctx": 8192, "is_processing": false}]))));
    answers(fake, "Server", "llama.cpp");
}

/// Ollama with these models, of which one whose name ends in `cloud` runs on the maker's machines.
pub(crate) async fn ollama(models: &[&str]) -> Fake {
    ollama_on(Port::reserve(), models)
}

/// Ollama on a port that was reserved before.
pub(crate) fn ollama_on(port: Port, models: &[&str]) -> Fake {
    let fake = Fake::on_port(port);
    make_ollama(&fake, models);
    fake
}

/// Makes an upstream Ollama with these models, whatever it was before.
pub(crate) fn make_ollama(fake: &Fake, models: &[&str]) {
    fake.on("*", "*", Script::text(404, "404 page not found"));
    for method in ["GET", "HEAD"] {
        fake.on(method, "/", Script::text(200, "Ollama is running"));
    }
    fake.on("GET", "/api/version", Script::json(&json!({"version": "0.33.0"})));
    fake.on("GET", "/api/status", Script::json(&json!({"cloud": {"disabled": false, "source": "none"}})));
    fake.on(
        "GET",
        "/api/tags",
        Script::json(&json!({"models": models.iter().map(|name| tag(name)).collect::<Vec<_>>()})),
    );
    fake.on("GET", "/api/ps", Script::json(&json!({"models": []})));
    let rows: Vec<Value> = models
        .iter()
        .map(|name| json!({"id": name, "object": "model", "created": 1_795_313_075, "owned_by": "library"}))
        .collect();
    fake.on("GET", "/v1/models", Script::json(&json!({"object": "list", "data": rows})));
    fake.on_with("POST", "/api/show", |_| {
        Script::json(&json!({"modelfile": "", "parameters": "", "template": "{{ .Prompt }}",
            "details": {"parent_model": "", "format": "gguf", "family": "qwen3", "families": ["qwen3"],
                "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
            "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
            "capabilities": ["completion", "tools", "thinking"], "modified_at": "2026-05-10T08:06:48-07:00"}))
    });
    answers(fake, "Date", "Sun, 22 Nov 2026 08:00:00 GMT");
}

fn tag(name: &str) -> Value {
    let mut tag = json!({"name": name, "model": name, "modified_at": "2026-05-10T08:06:48-07:00",
        "size": 4_683_075_271_u64, "digest": "0a8c26691023",
        "details": {"parent_model": "", "format": "gguf", "family": "qwen3", "families": ["qwen3"],
            "parameter_size": "8.2B", "quantization_level": "Q4_K_M", "context_length": 40960,
            "embedding_length": 4096},
        "capabilities": ["completion", "tools", "thinking"]});
    if name.ends_with("cloud") {
        tag["remote_model"] = name.trim_end_matches("-cloud").into();
        tag["remote_host"] = "https://ollama.com:443".into();
        tag["size"] = 384.into();
    }
    tag
}

/// vLLM with one model.
pub(crate) async fn vllm(model: &str) -> Fake {
    let fake = Fake::new().await;
    let server = |script: Script| script.header("Server", "uvicorn");
    fake.on("*", "*", server(Script::fault(404, &json!({"detail": "Not Found"}))));
    fake.on("GET", "/version", server(Script::json(&json!({"version": "0.33.0"}))));
    fake.on("GET", "/health", server(Script::text(200, "")));
    fake.on("GET", "/metrics", server(Script::text(200, "vllm:num_requests_running{engine=\"0\"} 0.0\n")));
    let row = json!({"id": model, "object": "model", "created": 1_764_182_158, "owned_by": "vllm", "root": model,
        "parent": null, "max_model_len": 40960, "permission": [{"id": "modelperm-1", "object": "model_permission"}]});
    fake.on("GET", "/v1/models", server(Script::json(&json!({"object": "list", "data": [row]}))));
    answers(&fake, "Server", "uvicorn");
    fake
}

/// LM Studio with one model, which answers 200 to whatever it does not know and shows its user an error for it.
pub(crate) async fn lmstudio(model: &str) -> Fake {
    let fake = Fake::new().await;
    let express = |script: Script| script.header("X-Powered-By", "Express");
    let utf8 = |body: &Value| Script::whole(200, "application/json; charset=utf-8", body.to_string());
    fake.on_with("*", "*", move |request| {
        let error = format!("Unexpected endpoint or method. ({} {})", request.method, request.target);
        Script::whole(200, "application/json; charset=utf-8", json!({"error": error}).to_string())
            .header("X-Powered-By", "Express")
    });
    fake.on("GET", "/lmstudio-greeting", express(utf8(&json!({"lmstudio": true}))));
    fake.on(
        "GET",
        "/v1/models",
        express(utf8(&json!({"object": "list",
        "data": [{"id": model, "object": "model", "owned_by": "organization_owner"}]}))),
    );
    fake.on(
        "GET",
        "/api/v1/models",
        express(utf8(&json!({"models": [{"type": "llm", "publisher": "google",
        "key": model, "display_name": "Gemma 4 26B A4B", "architecture": "gemma4",
        "quantization": {"name": "Q4_K_M", "bits_per_weight": 4}, "size_bytes": 17_990_911_801_u64,
        "params_string": "26B-A4B", "loaded_instances": [{"id": model, "config": {"context_length": 4096,
            "eval_batch_size": 512, "parallel": 4, "flash_attention": true, "num_experts": 8,
            "offload_kv_cache_to_gpu": true}}],
        "max_context_length": 262_144, "format": "gguf", "capabilities": {"vision": true,
            "trained_for_tool_use": true, "reasoning": {"allowed_options": ["off", "on"], "default": "on"}},
        "description": null, "variants": [format!("{model}@q4_k_m")],
        "selected_variant": format!("{model}@q4_k_m")}]}))),
    );
    fake.on(
        "GET",
        "/api/v0/models",
        express(utf8(&json!({"object": "list", "data": [{"id": model,
        "object": "model", "type": "vlm", "publisher": "google", "arch": "gemma4", "compatibility_type": "gguf",
        "quantization": "Q4_K_M", "state": "loaded", "max_context_length": 262_144,
        "loaded_context_length": 4096}]}))),
    );
    answers(&fake, "X-Powered-By", "Express");
    fake
}

/// A server that speaks every protocol and says nothing of what it is: for endpoints written into the settings. Its one
/// model is `m`.
pub(crate) async fn speaks() -> Fake {
    speaks_on(Fake::new().await)
}

/// The same on an address of this machine that is not the loopback, so that it counts as elsewhere.
pub(crate) fn speaks_at(address: std::net::IpAddr) -> Fake {
    speaks_on(Fake::at(address))
}

/// The same on a port that was reserved before.
pub(crate) fn speaks_on(fake: Fake) -> Fake {
    let row = json!({"id": "m", "object": "model", "created": 1_795_313_075, "owned_by": "scripted"});
    fake.on("GET", "/v1/models", Script::json(&json!({"object": "list", "data": [row]})));
    answers(&fake, "Date", "Sun, 22 Nov 2026 08:00:00 GMT");
    fake
}
