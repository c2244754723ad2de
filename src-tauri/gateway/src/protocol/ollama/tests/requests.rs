//! Requests: from a client's body to the upstream's, through the hub.

use super::*;
use crate::protocol::openai_chat::OpenAiChat;

/// Takes every case of a fixture through the hub: what is sent, what is dropped, or why it is refused.
fn check(surface: &dyn Surface, fixture: &str) {
    for case in parsed(fixture.as_bytes()).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let operation = if case["generate"] == json!(true) { Operation::Completion } else { Operation::Chat };
        let target = Target {
            model: "m".to_owned(),
            runtime: "ollama".to_owned(),
            tools: case["tools"].as_bool(),
            vision: case["vision"].as_bool(),
            reasoning: case["reasoning"].as_bool(),
            ..Target::default()
        };
        let mut body = case["body"].clone();
        body.as_object_mut().unwrap().insert("model".into(), "asked".into());
        if operation == Operation::Chat {
            body.as_object_mut().unwrap().entry("messages").or_insert(json!([{"role": "user", "content": "hi"}]));
        }
        let sent = surface.decode_request(operation, "", body.to_string().as_bytes()).and_then(|request| {
            let encoded = Ollama.encode_request(&request, &target)?;
            Ok((parsed(&encoded.body), [request.dropped, encoded.dropped].concat()))
        });
        match sent {
            Err(error) => assert_eq!(error.to_string(), text("refused"), "{name}"),
            Ok((sent, dropped)) => {
                let mut expected = json!({"model": "m", "stream": true, "truncate": false, "shift": false});
                expected["messages"] = json!([{"role": "user", "content": "hi"}]);
                assert!(case["sent"].is_object(), "{name} was not refused: {sent}");
                expected.as_object_mut().unwrap().extend(case["sent"].as_object().unwrap().clone());
                assert_eq!(sent, expected, "{name}");
                let names: Vec<&str> =
                    case["dropped"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                assert_eq!(dropped, names, "{name}");
            }
        }
    }
}

#[test]
fn from_ollamas_clients() {
    check(&Ollama, include_str!("native.json"));
}

#[test]
fn from_openais_clients() {
    check(&OpenAiChat, include_str!("openai.json"));
}

#[test]
fn what_both_sides_say_comes_back_unchanged() {
    let body = br#"{"model":"m","messages":[
        {"role":"system","content":"s"},
        {"role":"user","content":"look","images":["/9j/aGk="]},
        {"role":"assistant","thinking":"hm","content":"I call","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"zebra":1,"ant":[2]}}},{"id":"b","function":{"name":"f","arguments":{}}}]},
        {"role":"tool","tool_call_id":"a","tool_name":"f","content":"ok"},
        {"role":"tool","tool_call_id":"b","tool_name":"f","content":""}],
        "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"zebra":{"type":"string"},"ant":{}}}}}],
        "format":{"b":1,"a":2},"think":"high","stream":false,"keep_alive":"5m","logprobs":true,"top_logprobs":2,
        "options":{"num_ctx":8192,"num_predict":7,"temperature":0.5,"top_p":0.25,"top_k":3,"min_p":0.125,"frequency_penalty":1,"presence_penalty":-1,"repeat_penalty":1.5,"seed":-3,"stop":["x"]}}"#;
    let request = Ollama.decode_request(Operation::Chat, "", body).unwrap();
    assert_eq!(request.dropped, Vec::<String>::new(), "nothing of it is unknown");
    let encoded = Ollama.encode_request(&request, &Target { model: "m".into(), ..Target::default() }).unwrap();
    assert_eq!(encoded.dropped, Vec::<String>::new(), "nothing of it is lost");
    assert_eq!(Ollama.decode_request(Operation::Chat, "", &encoded.body).unwrap(), request);
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert!(text.contains(r#"{"zebra":{"type":"string"},"ant":{}}"#), "schemas keep their order");
}

#[test]
fn calls_without_ids_find_their_results() {
    let turns = |extra: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[
            {{"role":"assistant","content":"","tool_calls":[{{"function":{{"name":"f","arguments":{{}}}}}},{{"function":{{"name":"g","arguments":{{}}}}}},{{"function":{{"name":"f","arguments":{{}}}}}}]}},
            {{"role":"tool","tool_name":"g","content":"1"}},
            {{"role":"tool","name":"f","content":"2"}},
            {{"role":"tool","content":"3"}}{extra}]}}"#
        );
        Ollama.decode_request(Operation::Chat, "", body.as_bytes()).unwrap().messages
    };
    let messages = turns("");
    let calls: Vec<&str> = messages[0]
        .parts
        .iter()
        .filter_map(|part| if let Part::ToolCall(call) = part { Some(call.id.as_str()) } else { None })
        .collect();
    let results: Vec<&str> = messages[1..]
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| if let Part::ToolResult(result) = part { Some(result.call_id.as_str()) } else { None })
        .collect();
    assert_eq!(results, [calls[1], calls[0], calls[2]]);
    let longer = turns(r#",{"role":"user","content":"on"}"#);
    assert_eq!(longer[..4], messages, "a longer conversation keeps the ids of its beginning");
}

#[test]
fn streams_are_the_default_and_thinking_has_levels() {
    let check = |fields: &str, stream: bool, reasoning: Option<Reasoning>| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}]{fields}}}"#);
        let request = Ollama.decode_request(Operation::Chat, "", body.as_bytes()).unwrap();
        assert_eq!((request.stream, request.reasoning), (stream, reasoning), "{body}");
    };
    let effort = |effort| Some(Reasoning { effort: Some(effort), ..Default::default() });
    check("", true, None);
    check(r#","stream":null,"tools":[],"options":{}"#, true, None);
    check(r#","stream":false,"think":false"#, false, effort(crate::completion::Effort::None));
    check(r#","think":true"#, true, Some(Reasoning::default()));
    check(r#","think":"max""#, true, effort(crate::completion::Effort::Max));
}

#[test]
fn prompts_are_turns() {
    let body = br#"{"model":"m","prompt":"look","system":"s","images":["iVBORw0KGgo="],"raw":false,"template":"","context":[]}"#;
    let request = Ollama.decode_request(Operation::Completion, "", body).unwrap();
    assert_eq!(request.messages[0], Message { role: Role::System, parts: vec![Part::text("s")], name: None });
    assert_eq!(request.messages[1].parts.len(), 2, "a text and an image");
}

#[test]
fn embeddings_both_ways() {
    let check = |operation, body: &str, sent: Value, answer: Value| {
        let request = Ollama.decode_embedding(operation, "", body.as_bytes()).unwrap();
        let target = Target { model: "t".into(), ..Target::default() };
        assert_eq!(parsed(&Ollama.encode_embedding(&request, &target).unwrap().unwrap().body), sent, "{body}");
        let told = br#"{"model":"t","embeddings":[[0.1,-2.5]],"total_duration":5,"prompt_eval_count":3}"#;
        let embeddings = Ollama.decode_embeddings(told).unwrap();
        assert_eq!(parsed(&Ollama.encode_embeddings(operation, &request, &embeddings)), answer, "{body}");
    };
    check(
        Operation::Embeddings,
        r#"{"model":"m","input":"hi","options":{"num_ctx":5}}"#,
        json!({"model": "t", "input": ["hi"], "truncate": false}),
        json!({"model": "t", "embeddings": [[0.1, -2.5]], "total_duration": 0, "load_duration": 0, "prompt_eval_count": 3}),
    );
    check(
        Operation::Embeddings,
        r#"{"model":"m","input":["a","b"],"truncate":true,"dimensions":8,"keep_alive":-1}"#,
        json!({"model": "t", "input": ["a", "b"], "truncate": true, "dimensions": 8, "keep_alive": -1}),
        json!({"model": "t", "embeddings": [[0.1, -2.5]], "total_duration": 0, "load_duration": 0, "prompt_eval_count": 3}),
    );
    check(
        Operation::SingleEmbedding,
        r#"{"model":"m","prompt":"hi"}"#,
        json!({"model": "t", "input": ["hi"], "truncate": false}),
        json!({"embedding": [0.1, -2.5]}),
    );
    let refused = Ollama.decode_embeddings(br#"{"error":"no"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "no");
}
