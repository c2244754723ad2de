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
fn what_came_of_a_batch_is_told_as_otari_tells_it() {
    bounded(async {
        let up = Fake::new().await;
        let (gateway, key) = start(&up).await;
        let ask = |path: &str| Ask::get(path).bearer(&key).send(gateway.port());
        let results = "/v1/batches/batch_1/results?provider=openai";
        for state in ["validating", "in_progress", "failed"] {
            up.on("GET", "/v1/batches/batch_1", Script::json(&json!({"id": "batch_1", "status": state})));
            let error = ask(results).await.expect(409).await.json().await;
            let said = message(&error);
            // What the clients of Otari look for.
            assert!(said.contains("Batch 'batch_1'") && said.contains(&format!("status: {state}")), "{said}");
            assert_eq!(error["error"]["code"], "batch_not_complete");
        }
        let done = json!({"status": "completed", "output_file_id": "file-out", "error_file_id": "file-bad"});
        up.on("GET", "/v1/batches/batch_1", Script::json(&done));
        let body = json!({"id": "c", "object": "chat.completion", "choices": []});
        let good = json!({"custom_id": "a", "response": {"status_code": 200, "body": body}, "error": null});
        up.on("GET", "/v1/files/file-out/content", Script::whole(200, "application/octet-stream", format!("{good}\n")));
        let refused = json!({"error": {"code": "too_long", "message": "no"}});
        let bad = json!({"custom_id": "b", "response": {"status_code": 400, "body": refused}, "error": null});
        up.on("GET", "/v1/files/file-bad/content", Script::whole(200, "application/octet-stream", format!("{bad}\n")));
        let told = ask("/v1/batches/batch_1/results").await.expect(200).await.json().await;
        let expected = [
            json!({"custom_id": "a", "result": body, "error": null}),
            json!({"custom_id": "b", "result": null, "error": {"code": "too_long", "message": "no"}}),
        ];
        assert_eq!(told["results"], json!(expected));
        let sent = up.request("/v1/files/file-out/content").await;
        assert_eq!(sent.header("authorization"), format!("Bearer {KEY}"));

        // Anthropic's batches are known by their names, and their answers are told in OpenAI's form too.
        let at = "/v1/messages/batches/msgbatch_1";
        up.on("GET", at, Script::json(&json!({"processing_status": "in_progress"})));
        let error = ask("/v1/batches/msgbatch_1/results").await.expect(409).await.json().await;
        assert!(message(&error).contains("status: in_progress"), "{error}");
        up.on("GET", at, Script::json(&json!({"processing_status": "ended"})));
        let said = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 3, "output_tokens": 2}});
        let line = json!({"custom_id": "a", "result": {"type": "succeeded", "message": said}});
        up.on("GET", &format!("{at}/results"), Script::whole(200, "application/x-jsonl", format!("{line}\n")));
        let told = ask("/v1/batches/msgbatch_1/results?provider=anthropic").await.expect(200).await.json().await;
        assert_eq!(told["results"][0]["result"]["choices"][0]["message"]["content"], "hello", "{told}");
        let sent = up.request(at).await;
        assert_eq!((sent.header("x-api-key"), sent.header("anthropic-version")), (KEY, "2023-06-01"));

        // Refusals are told in the asking API's shape, and nobody is asked without a key.
        let gone = json!({"type": "error", "error": {"type": "not_found_error", "message": "no such batch"}});
        up.on("GET", at, Script::json(&gone).status(404));
        let error = ask("/v1/batches/msgbatch_1/results").await.expect(404).await.json().await;
        assert!(message(&error).contains("no such batch"), "{error}");
        up.on("GET", "/v1/batches/batch_1", Script::json(&json!({"status": "completed", "output_file_id": "../x?y"})));
        ask(results).await.expect(502).await;
        Ask::get(results).send(gateway.port()).await.expect(401).await;
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
