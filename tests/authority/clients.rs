//! Applications of Microsoft's and of a Databricks workspace, and IBM's API keys.

use serde_json::{Value, json};

use super::{CHAT, TOKENS, answers, asked, asks_as, at, numbered};
use crate::harness::{Ask, Fake, Options, Script, bounded};

#[test]
fn an_application_has_a_token_of_entra() {
    bounded(async {
        let up = answers().await;
        let path = "/fake-tenant/oauth2/v2.0/token";
        for (provider, fixture) in
            [("azureopenai", "azureopenai/token-client.json"), ("azureanthropic", "azureanthropic/token-client.json")]
        {
            numbered(&up, path, 3600);
            let options = Options::new().variable("ACCOUNT", "fake-secret").variable("AZURE_AUTHORITY_HOST", &up.url());
            let settings = "client_id = \"fake-client\", tenant = \"fake-tenant\"";
            let (gateway, key) = at(&up, provider, settings, options).await;
            let before = up.requests().len();
            asked(&gateway, &key, &format!("{provider}:m")).await;
            let requests = up.requests();
            let chat = requests[before..].iter().find(|it| it.method == "POST" && it.path() != path).expect("the chat");
            assert!(chat.header("authorization").starts_with("Bearer token-"), "{provider}");
            assert!(!chat.has("api-key") && !chat.has("x-api-key"), "{provider}: the secret goes to Entra only");
            // Which library asks only matters to that library.
            asks_as(fixture, &up, path, &["client_info"]);
        }
    });
}

#[test]
fn a_service_principal_has_a_token_of_its_workspace() {
    bounded(async {
        let up = answers().await;
        let path = "/oidc/v1/token";
        numbered(&up, path, 3600);
        let options = Options::new().variable("ACCOUNT", "fake-secret");
        let (gateway, key) = at(&up, "databricks", "client_id = \"fake-client\"", options).await;
        assert_eq!(asked(&gateway, &key, "databricks:m").await.0, 200);
        let sent = up.request("/serving-endpoints/chat/completions").await;
        assert_eq!(sent.header("authorization"), "Bearer token-1-of-many");
        asks_as("databricks/token-client.json", &up, path, &[]);
    });
}

#[test]
fn an_api_key_of_ibms_becomes_a_token() {
    bounded(async {
        let up = Fake::new().await;
        numbered(&up, TOKENS, 3600);
        let chat = json!({"model_id": "m", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hi"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
        let vectors = json!({"results": [{"embedding": [0.5, 1.0]}], "input_token_count": 4});
        let piece =
            |delta: Value, reason: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
        let stream = Script::events()
            .named("message", &piece(json!({"role": "assistant", "content": "He"}), Value::Null))
            .named("message", &piece(json!({"content": "llo"}), "stop".into()));
        up.on("POST", "/ml/v1/text/chat", Script::json(&chat));
        up.on("POST", "/ml/v1/text/embeddings", Script::json(&vectors));
        up.on("POST", "/ml/v1/text/chat_stream", stream);
        let options = Options::new()
            .variable("ACCOUNT", "fake-key")
            .variable("WATSONX_IAM_URL", &format!("{}{TOKENS}", up.url()));
        let (gateway, key) = at(&up, "watsonx", "project = \"p\"", options).await;
        let (status, said) = asked(&gateway, &key, "watsonx:m").await;
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(
            (status, said["object"].as_str()),
            (200, Some("chat.completion")),
            "as OpenAI's clients want it: {said}"
        );
        assert_eq!(up.request("/ml/v1/text/chat").await.header("authorization"), "Bearer token-1-of-many");
        let body = json!({"model": "watsonx:m", "input": "a"});
        let answer = Ask::post("/v1/embeddings", &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        let made = answer.json().await;
        assert_eq!((&made["data"][0]["embedding"], &made["usage"]["prompt_tokens"]), (&json!([0.5, 1.0]), &json!(4)));
        let body = json!({"model": "watsonx:m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
        let answer = Ask::post(CHAT, &body).bearer(&key).send(gateway.port()).await.expect(200).await;
        let text = answer.text().await;
        assert!(text.contains("llo") && text.contains("[DONE]"), "a stream without a last word is whole: {text}");
        asks_as("watsonx/token-api-key.json", &up, TOKENS, &[]);
    });
}
