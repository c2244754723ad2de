//! What an account holds at its provider, files and batches: each request goes to whoever holds them, as it came.

use serde_json::json;

use crate::harness::{Ask, Fake, Gateway, Options, Script, bounded};
use crate::operations::{KEY, message, start};

#[test]
fn files_and_batches_go_to_whoever_holds_them() {
    bounded(async {
        let up = Fake::new().await;
        up.on("POST", "/v1/files", Script::json(&json!({"id": "file-1"})));
        up.on("GET", "/v1/files/file-1/content", Script::whole(200, "application/octet-stream", "{}\n{}\n"));
        up.on("POST", "/v1/batches", Script::json(&json!({"id": "batch_1"})));
        up.on("GET", "/v1/messages/batches", Script::json(&json!({"data": []})));
        up.on("DELETE", "/v1/files/file-1", Script::json(&json!({"deleted": true})));
        let (gateway, key) = start(&up).await;
        let own = |method: &str, path: &str| Ask::new(method, path).bearer(&key);

        let form = "--cut\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--cut--\r\n";
        let upload = own("POST", "/v1/files").header("content-type", "multipart/form-data; boundary=cut").body(form);
        assert_eq!(upload.send(gateway.port()).await.expect(200).await.json().await["id"], "file-1");
        let sent = up.request("/v1/files").await;
        assert_eq!((&sent.body[..], sent.header("authorization")), (form.as_bytes(), &*format!("Bearer {KEY}")));
        let body = json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        let batch = Ask::post("/v1/batches?provider=openai&limit=2", &body).bearer(&key);
        batch.send(gateway.port()).await.expect(200).await;
        let sent = up.request("/v1/batches").await;
        assert_eq!((&*sent.target, sent.json()), ("/v1/batches?limit=2", body), "whose it is, is said to us alone");
        let content = own("GET", "/files/file-1/content").send(gateway.port()).await.expect(200).await.text().await;
        assert_eq!(content, "{}\n{}\n");
        own("GET", "/v1/messages/batches").send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request("/v1/messages/batches").await.header("x-api-key"), KEY);
        // Anthropic's files lie at the same path; its header tells them.
        let deleted = own("DELETE", "/v1/files/file-1").header("anthropic-version", "2023-06-01");
        deleted.send(gateway.port()).await.expect(200).await;
        assert_eq!(up.request("/v1/files/file-1").await.header("x-api-key"), KEY);
    });
}

#[test]
fn whose_files_are_meant_must_be_clear() {
    bounded(async {
        let up = Fake::new().await;
        let entry = |id: &str, provider: &str| {
            let keyed = "key = \"env:OPERATIONS_KEY\"";
            format!("[[endpoints]]\nname = \"{id}\"\nprovider = \"{provider}\"\nbase_url = \"{}\"\n{keyed}", up.url())
        };
        let tables =
            [("work", "openai"), ("home", "openai"), ("cere", "cerebras"), ("mi", "mistral"), ("fire", "fireworks")];
        let options = Options::new().variable("OPERATIONS_KEY", KEY);
        let options = tables.iter().fold(options, |options, (id, provider)| options.table(&entry(id, provider)));
        let gateway = Gateway::start(options).await;
        gateway
            .until("the endpoints", |now| now.endpoints.iter().filter(|it| it.provider.is_some()).count() == 5)
            .await;
        let key = gateway.client_key("tool").await;
        up.on("GET", "/v1/files", Script::json(&json!({"data": []})));
        let get = |path: &str| Ask::get(path).bearer(&key);
        let port = gateway.port();
        Ask::get("/v1/files?provider=work").send(port).await.expect(401).await;
        let unclear = message(&get("/v1/files").send(port).await.expect(400).await.json().await);
        assert!(unclear.contains("work") && unclear.contains("home") && unclear.contains("?provider="), "{unclear}");
        let asked = up.requests().iter().filter(|it| it.target.starts_with("/v1/files")).count();
        assert_eq!(asked, 0, "nobody was asked");
        get("/v1/files?provider=home").send(port).await.expect(200).await;
        let named = get("/v1/files").header("x-pointsman-provider", "work").send(port).await.expect(200).await;
        assert_eq!(named.header("x-pointsman-target").split('/').next(), Some("work"));
        assert_eq!(up.request("/v1/files").await.header("x-pointsman-provider"), "", "it is for us alone");
        let cannot = message(&get("/v1/files?provider=cere").send(port).await.expect(501).await.json().await);
        assert!(cannot.contains("/gateway/proxy/cere/"), "{cannot}");
        for (name, place) in [("mi", "/gateway/proxy/mi/v1/batch/jobs"), ("fire", "ACCOUNT/batchInferenceJobs")] {
            let asked = get(&format!("/v1/batches?provider={name}")).send(port).await.expect(501).await;
            let told = message(&asked.json().await);
            assert!(told.contains(place), "it has them elsewhere: {told}");
        }
        let nobody = get("/v1/messages/batches").send(port).await.expect(501).await.json().await;
        assert!(nobody["error"]["message"].as_str().is_some_and(|text| text.contains("Anthropic")), "{nobody}");
        get("/v1/files/%2e%2e/x?provider=work").send(port).await.expect(404).await;
    });
}
