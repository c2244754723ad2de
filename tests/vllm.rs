//! A real vLLM, on demand: `make test-vllm` installs it and runs what is ignored here.

use serde_json::{Value, json};

use crate::harness::runtime::{SMOL, Vllm, parts};
use crate::harness::{Gateway, Options, TOOLS, bounded, tool_chat};

/// One start of half a minute for everything that it is asked.
#[test]
#[ignore = "6 GB to install: make test-vllm"]
fn vllm_is_found_and_answers_in_every_protocol_it_speaks() {
    bounded(async {
        let Some(parts) = parts() else { return };
        let vllm = Vllm::start(&parts).await;
        let gateway = Gateway::start(Options::new().discovers(vllm.port())).await;
        let snapshot = gateway.ready(SMOL).await;

        let found = snapshot.endpoints.iter().find(|found| found.id.starts_with("vllm")).expect("it, as what it is");
        assert!(found.version.as_deref().is_some_and(|version| version.starts_with("0.")), "{found:?}");
        let model = snapshot.models.iter().find(|model| &*model.id == SMOL).expect("its model");
        assert_eq!(model.context.effective, Some(2048), "{model:?}");
        assert!(model.is_loaded(), "vLLM loads before it answers: {model:?}");

        let messages = json!([{"role": "user", "content": "Say hello."}]);
        let ask = |path: &'static str, mut body: Value| {
            body["model"] = SMOL.into();
            let gateway = &gateway;
            async move {
                let answer = gateway.post(path, &body).await;
                let status = answer.status();
                let text = answer.text().await;
                assert_eq!(status, 200, "{path}: {text}");
                text
            }
        };
        let whole = json!({"messages": messages, "max_tokens": 8, "temperature": 0});
        assert!(ask("/v1/chat/completions", whole.clone()).await.contains("chat.completion"));
        let mut stream = whole.clone();
        stream["stream"] = true.into();
        assert!(ask("/v1/chat/completions", stream.clone()).await.ends_with("data: [DONE]\n\n"));
        assert!(ask("/v1/messages", whole).await.contains("\"stop_reason\""));
        assert!(ask("/v1/messages", stream).await.contains("message_stop"));
        let input = json!({"input": "Say hello.", "max_output_tokens": 8, "temperature": 0, "stream": true});
        assert!(ask("/v1/responses", input).await.contains("response.completed"));
        assert!(ask("/v1/messages/count_tokens", json!({"messages": messages})).await.contains("input_tokens"));

        let called: Value =
            serde_json::from_str(&ask("/v1/chat/completions", tool_chat(SMOL, false)).await).expect("JSON");
        let call = &called["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(call["name"], TOOLS, "{called}");
    });
}
