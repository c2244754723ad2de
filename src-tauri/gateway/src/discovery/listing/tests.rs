//! Each runtime's listing as runtimes.md shows it, and what strangers may send instead.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalog::MOST_MODELS;

pub(in crate::discovery) fn question() -> Question {
    Question {
        endpoint: "e".into(),
        local: true,
        listing: Listing::OpenAi,
        speaks: Vec::new(),
        lists_loaded: false,
        embeddings: false,
        rerank: false,
    }
}

/// Models as JSON, without what is the same in all and what is not told.
fn shown(models: Option<Vec<Model>>) -> Value {
    let Some(models) = models else { return Value::Null };
    let mut shown = serde_json::to_value(models).expect("models are JSON");
    for model in shown.as_array_mut().into_iter().flatten() {
        let Some(model) = model.as_object_mut() else { continue };
        model.retain(|key, value| key != "endpoint" && !(key == "local" && *value == true) && *value != json!({}));
        if let Some(capabilities) = model.get_mut("capabilities").and_then(Value::as_object_mut) {
            capabilities.retain(|_, value| *value == true);
        }
    }
    shown
}

#[track_caller]
fn check(models: Option<Vec<Model>>, expected: impl Into<Value>) {
    assert_eq!(shown(models), expected.into());
}

const TAGS: &str = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","modified_at":"2026-05-10T08:06:48-07:00","size":4683075271,"digest":"0a8c","details":{"parent_model":"","format":"gguf","family":"qwen3","families":["qwen3"],"parameter_size":"8.2B","quantization_level":"Q4_K_M","context_length":40960,"embedding_length":4096},"capabilities":["completion","tools","thinking"]}]}"#;
const PS: &str = r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","size":5137025024,"digest":"0a8c","details":{},"expires_at":"2026-06-04T14:38:31.83753-07:00","size_vram":5137025000,"context_length":4096}]}"#;

#[test]
fn ollama_since_0_33() {
    let read = |tags: &str, ps: &str| ollama::read(tags.as_bytes(), ps.as_bytes(), &[], &question());
    let cold = json!([{
        "id": "qwen3:8b", "size": 4_683_075_271u64, "parameters": "8.2B", "quantisation": "Q4_K_M", "family": "qwen3",
        "format": "gguf", "context": { "trained": 40960 }, "capabilities": { "chat": true, "tools": true, "reasoning": true },
        "state": "cold", "created": 1_778_425_608u64, "digest": "0a8c",
    }]);
    check(read(TAGS, r#"{"models":[]}"#), cold.clone());
    let mut loaded = cold.clone();
    loaded[0]["state"] = json!("loaded");
    loaded[0]["memory"] = json!(5_137_025_024u64);
    loaded[0]["gpu_memory"] = json!(5_137_025_000u64);
    loaded[0]["context"]["effective"] = json!(4096);
    check(read(TAGS, PS), loaded);
    let mut unknown = cold;
    unknown[0]["state"] = json!("unknown");
    check(read(TAGS, ""), unknown);
    check(read(r#"{"models":null}"#, PS), json!([]));
    check(read("{}", PS), Value::Null);
    check(read("", PS), Value::Null);
}

#[test]
fn ollama_before_0_30() {
    let tags = r#"{"models":[{"name":"old:1b","model":"old:1b","size":7,"digest":"d1","details":{"format":"gguf","family":"llama","parameter_size":"1B","quantization_level":"unknown"}}]}"#;
    let show = br#"{"modelfile":"x","parameters":"num_ctx                        8192\nstop \"x\"","details":{},"model_info":{"general.architecture":"qwen3","qwen3.context_length":40960,"tokenizer.ggml.tokens":null},"capabilities":["completion","tools"],"modified_at":"x"}"#;
    let expected = json!([{
        "id": "old:1b", "size": 7, "parameters": "1B", "family": "llama", "format": "gguf",
        "context": { "trained": 40960, "effective": 8192, "configured": 8192 },
        "capabilities": { "chat": true, "tools": true }, "state": "cold",
        "digest": "d1",
    }]);
    check(ollama::read(tags.as_bytes(), br#"{"models":[]}"#, &[("d1", show)], &question()), expected);
}

#[test]
fn ollama_cloud_models_leave_the_machine() {
    let tags = r#"{"models":[{"name":"gpt-oss:120b-cloud","model":"gpt-oss:120b-cloud","remote_model":"gpt-oss:120b","remote_host":"https://ollama.com:443","size":384,"digest":"d","details":{},"capabilities":["completion"]},{"name":"embed","model":"embed","capabilities":["embedding"]}]}"#;
    let expected = json!([
        { "id": "gpt-oss:120b-cloud", "size": 384, "capabilities": { "chat": true }, "state": "hosted", "local": false, "digest": "d" },
        { "id": "embed", "capabilities": { "embeddings": true }, "state": "cold" },
    ]);
    check(ollama::read(tags.as_bytes(), br#"{"models":[]}"#, &[], &question()), expected);
}

#[test]
fn lmstudio_rest_1() {
    let json = r#"{"models":[{"type":"llm","publisher":"google","key":"google/gemma-4-26b-a4b","display_name":"Gemma 4 26B A4B","architecture":"gemma4","quantization":{"name":"Q4_K_M","bits_per_weight":4},"size_bytes":17990911801,"params_string":"26B-A4B","loaded_instances":[{"id":"google/gemma-4-26b-a4b:2","config":{"context_length":4096,"eval_batch_size":512,"parallel":4,"flash_attention":true,"num_experts":8,"offload_kv_cache_to_gpu":true}}],"max_context_length":262144,"format":"gguf","capabilities":{"vision":true,"trained_for_tool_use":true,"reasoning":{"allowed_options":["off","on"],"default":"on"}},"description":null,"variants":["google/gemma-4-26b-a4b@q4_k_m"],"selected_variant":"google/gemma-4-26b-a4b@q4_k_m"},{"type":"embedding","key":"nomic","loaded_instances":[],"format":null}]}"#;
    let expected = json!([
        {
            "id": "google/gemma-4-26b-a4b", "aliases": ["google/gemma-4-26b-a4b:2"], "size": 17_990_911_801u64,
            "parameters": "26B-A4B", "quantisation": "Q4_K_M", "family": "gemma4", "format": "gguf",
            "context": { "trained": 262_144, "effective": 4096 },
            "capabilities": { "chat": true, "tools": true, "vision": true, "reasoning": true }, "state": "loaded",
        },
        { "id": "nomic", "capabilities": { "embeddings": true }, "state": "cold" },
    ]);
    check(lmstudio::rest1(json.as_bytes(), &question()), expected);
    check(
        lmstudio::rest1(br#"{"error":"Unexpected endpoint or method. (GET /api/v1/models)"}"#, &question()),
        Value::Null,
    );
}

#[test]
fn lmstudio_rest_0() {
    let json = r#"{"object":"list","data":[{"id":"qwen2-vl-7b-instruct","object":"model","type":"vlm","publisher":"mlx-community","arch":"qwen2_vl","compatibility_type":"mlx","quantization":"4bit","state":"not-loaded","max_context_length":32768},{"id":"m","type":"llm","state":"loaded","loaded_context_length":4096,"capabilities":["tool_use"]}]}"#;
    let expected = json!([
        {
            "id": "qwen2-vl-7b-instruct", "quantisation": "4bit", "family": "qwen2_vl", "format": "mlx",
            "context": { "trained": 32768 }, "capabilities": { "chat": true, "vision": true }, "state": "cold",
        },
        { "id": "m", "context": { "effective": 4096 }, "capabilities": { "chat": true, "tools": true }, "state": "loaded" },
    ]);
    check(lmstudio::rest0(json.as_bytes(), &question()), expected);
}

fn parsed(props: &str) -> llamacpp::Props {
    serde_json::from_str(props).expect("JSON")
}

#[test]
fn llamacpp_with_one_model() {
    let json = r#"{"models":[{"name":"tiny-Q8_0.gguf","size":"","details":{"format":"gguf"}}],"object":"list","data":[{"id":"/m/tiny-Q8_0.gguf","aliases":["tiny"],"tags":[],"object":"model","created":1795313075,"owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":128256,"n_ctx":512,"n_ctx_train":2048,"n_embd":32,"n_params":8217696,"size":32870784,"ftype":"all F32"},"architecture":{"input_modalities":["text","image"],"output_modalities":["text"]}}]}"#;
    let props = r#"{"default_generation_settings":{"n_ctx":512},"total_slots":4,"chat_template_caps":{"supports_tools":true},"modalities":{"vision":true,"audio":false},"build_info":"b10573-abcdef0","is_sleeping":false}"#;
    let expected = json!([{
        "id": "/m/tiny-Q8_0.gguf", "aliases": ["tiny", "tiny-Q8_0.gguf"], "size": 32_870_784, "parameters": "8.2M",
        "quantisation": "F32", "format": "gguf", "context": { "trained": 2048, "effective": 512 },
        "capabilities": { "chat": true, "tools": true, "vision": true }, "state": "loaded",
    }]);
    check(llamacpp::read(json.as_bytes(), &parsed(props), &question()), expected);
    let short = json!([{ "id": "m", "format": "gguf", "capabilities": { "chat": true }, "state": "loaded" }]);
    check(llamacpp::read(br#"{"data":[{"id":"m"}]}"#, &parsed("{}"), &question()), short);
    let embeds = Question { embeddings: true, ..question() };
    let expected = json!([{ "id": "m", "format": "gguf", "capabilities": { "embeddings": true }, "state": "loaded" }]);
    check(llamacpp::read(br#"{"data":[{"id":"m"}]}"#, &parsed("{}"), &embeds), expected);
}

#[test]
fn llamacpp_as_router() {
    let json = r#"{"data":[{"id":"TinyA-Q8_0","aliases":[],"tags":[],"object":"model","owned_by":"llamacpp","created":1795313119,"status":{"value":"loading","args":["/x/llama-server","--port","40215","--alias","TinyA-Q8_0"],"preset":""},"architecture":{"input_modalities":["text"],"output_modalities":["text"]},"source":"models_dir","can_remove":false},{"id":"embed","status":{"value":"unloaded","args":["--embeddings"]}},{"id":"new","status":{"value":"something"}}],"object":"list"}"#;
    let props = r#"{"role":"router","max_instances":4,"models_autoload":true,"model_alias":"llama-server","model_path":"none"}"#;
    let expected = json!([
        { "id": "TinyA-Q8_0", "format": "gguf", "capabilities": { "chat": true }, "state": "loading" },
        { "id": "embed", "format": "gguf", "capabilities": { "embeddings": true }, "state": "cold" },
        { "id": "new", "format": "gguf", "capabilities": { "chat": true }, "state": "unknown" },
    ]);
    check(llamacpp::read(json.as_bytes(), &parsed(props), &question()), expected);
}

#[test]
fn vllm_and_others() {
    let json = r#"{"object":"list","data":[{"id":"Qwen/Qwen3-8B","object":"model","created":1764182158,"owned_by":"vllm","root":"Qwen/Qwen3-8B","parent":null,"max_model_len":40960,"permission":[{}]},{"id":"my-lora","owned_by":"vllm","root":"/loras/my","parent":"Qwen/Qwen3-8B"}]}"#;
    let expected = json!([
        { "id": "Qwen/Qwen3-8B", "context": { "effective": 40960 }, "capabilities": { "chat": true }, "state": "unknown" },
        { "id": "my-lora", "capabilities": { "chat": true }, "state": "unknown" },
    ]);
    check(openai::openai(json.as_bytes(), &question()), expected);
    let hosted = Question { local: false, ..question() };
    let json = r#"{"data":[{"id":"a/b","created":7,"context_length":8192,"architecture":{"input_modalities":["text","image"]},"supported_parameters":["tools"]}]}"#;
    let expected = json!([{ "id": "a/b", "context": { "effective": 8192 }, "capabilities": { "chat": true, "tools": true, "vision": true }, "state": "unknown", "local": false, "created": 7 }]);
    check(openai::openai(json.as_bytes(), &hosted), expected);
}

#[test]
fn hosted_cousins() {
    let json = r#"{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"1970-01-01T00:00:09Z"}],"has_more":false}"#;
    let expected = json!([{ "id": "claude-x", "capabilities": { "chat": true }, "state": "unknown", "created": 9 }]);
    check(openai::anthropic(json.as_bytes(), &question()), expected);
    let json = r#"{"models":[{"name":"models/gemini-x","inputTokenLimit":1048576,"supportedGenerationMethods":["generateContent"]},{"name":"models/e","supportedGenerationMethods":["embedContent"]}]}"#;
    let expected = json!([
        { "id": "gemini-x", "context": { "effective": 1_048_576 }, "capabilities": { "chat": true }, "state": "unknown" },
        { "id": "e", "capabilities": { "embeddings": true }, "state": "unknown" },
    ]);
    check(openai::gemini(json.as_bytes(), &question()), expected);
}

#[test]
fn a_million_models_are_cut() {
    let rows = vec![r#"{"id":"m","meta":{}}"#; 100_000].join(",");
    let models = openai::openai(format!(r#"{{"data":[{rows}]}}"#).as_bytes(), &question());
    assert_eq!(models.map(|models| models.len()), Some(MOST_MODELS), "a catalog holds so many of one endpoint");
}

#[test]
fn counts_of_parameters() {
    let check = |count, expected: Option<&str>| assert_eq!(parameters(count).as_deref(), expected, "{count}");
    check(0, None);
    check(999, Some("1K"));
    check(8_217_696, Some("8.2M"));
    check(134_515_008, Some("135M"));
    check(1_000_000_000, Some("1B"));
    check(8_190_735_360, Some("8.2B"));
    check(70_553_706_496, Some("70.6B"));
    check(671_026_419_200, Some("671B"));
    check(u64::MAX, Some("18446744073B"));
}

fn all(json: &[u8]) {
    let question = question();
    let _ = ollama::read(json, json, &[("d", json)], &question);
    let _ = lmstudio::rest1(json, &question);
    let _ = lmstudio::rest0(json, &question);
    let _ = llamacpp::read(json, &serde_json::from_slice(json).unwrap_or_default(), &question);
    let _ = openai::openai(json, &question);
    let _ = openai::anthropic(json, &question);
    let _ = openai::gemini(json, &question);
}

/// JSON that looks a little like a listing.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2026-05-10T08:06:48-07:00")),
    ];
    let keys = prop_oneof![
        Just("data"),
        Just("models"),
        Just("id"),
        Just("model"),
        Just("name"),
        Just("key"),
        Just("size"),
        Just("digest"),
        Just("details"),
        Just("modified_at"),
        Just("created_at"),
        Just("capabilities"),
        Just("loaded_instances"),
        Just("config"),
        Just("meta"),
        Just("n_params"),
        Just("status"),
        Just("args"),
        Just("model_info"),
        Just("parameters"),
        Just("context_length"),
        Just("architecture"),
        Just("quantization"),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all(&bytes);
    }

    #[test]
    fn no_json_makes_a_parser_panic(value in value()) {
        all(value.to_string().as_bytes());
        all(json!({ "data": [value], "models": [value] }).to_string().as_bytes());
    }

    #[test]
    fn no_moment_makes_the_reader_of_times_panic(text in ".{0,40}") {
        let _ = time::seconds(&text);
    }
}
