//! Requests: from a client's body to the upstream's, through the hub.

use super::*;
use crate::completion::Effort;
use crate::protocol::openai_chat::OpenAiChat;

/// Made-up ids differ by a hash.
fn masked(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with(wire::MADE_UP) && text.len() > 20 => *text = "*".into(),
        Value::Array(list) => list.iter_mut().for_each(masked),
        Value::Object(map) => map.values_mut().for_each(masked),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes every case of a fixture through the hub: what is sent, what is dropped, or why it is refused.
fn check(surface: &dyn Surface, upstream: &dyn Upstream, asks: (&str, &Value), sends: &Value, fixture: &str) {
    for case in parsed(fixture.as_bytes()).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let target = Target {
            model: case["model"].as_str().unwrap_or("gemini-3-flash").to_owned(),
            vision: case["vision"].as_bool(),
            ..Target::default()
        };
        let mut body = asks.1.clone();
        body.as_object_mut().unwrap().extend(case["body"].as_object().unwrap().clone());
        let sent = surface.decode_request(Operation::Chat, asks.0, body.to_string().as_bytes()).and_then(|request| {
            let encoded = upstream.encode_request(&request, &target)?;
            Ok((parsed(&encoded.body), [request.dropped, encoded.dropped].concat()))
        });
        match sent {
            Err(error) => assert_eq!(error.to_string(), case["refused"].as_str().unwrap_or_default(), "{name}"),
            Ok((mut sent, dropped)) => {
                masked(&mut sent);
                assert!(case["sent"].is_object(), "{name} was not refused: {sent}");
                let mut expected = sends.clone();
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
fn from_openais_clients() {
    let asks = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let sends = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    check(&OpenAiChat, &Gemini, ("", &asks), &sends, include_str!("openai.json"));
}

#[test]
fn from_geminis_clients() {
    let asks = json!({"contents": [{"parts": [{"text": "hi"}]}]});
    let sends = json!({"model": "gemini-3-flash", "messages": [{"role": "user", "content": "hi"}]});
    let path = "/v1beta/models/m:generateContent";
    check(&Gemini, &OpenAiChat, (path, &asks), &sends, include_str!("native.json"));
}

#[test]
fn what_both_sides_say_comes_back_unchanged() {
    let path = "/v1beta/models/m:generateContent";
    let body = r#"{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[
        {"role":"user","parts":[{"text":"look"},{"inlineData":{"mimeType":"audio/wav","data":"aaaa"}},{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}]},
        {"role":"model","parts":[{"text":"hm","thought":true,"thoughtSignature":"c2ln"},{"text":"I call"},{"text":"","thoughtSignature":"c2lo"},{"functionCall":{"id":"a","name":"f","args":{"zebra":1,"ant":[2]}},"thoughtSignature":"c2lp"},{"functionCall":{"id":"b","name":"f","args":{}}}]},
        {"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"result":"ok"},"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]}},{"functionResponse":{"id":"b","name":"f","response":{"error":"no"}}}]},
        {"role":"model","parts":[{"text":"well"}]}],
        "tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{"zebra":{"type":"string"},"ant":{}}}}]}],
        "toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},
        "generationConfig":{"temperature":0.5,"topP":0.25,"topK":3,"maxOutputTokens":7,"stopSequences":["x"],"seed":-3,"presencePenalty":1,"frequencyPenalty":-1,"candidateCount":2,"responseLogprobs":true,"logprobs":2,
            "responseMimeType":"application/json","responseJsonSchema":{"b":1,"a":2},"thinkingConfig":{"thinkingLevel":"LOW","includeThoughts":true}}}"#;
    let request = Gemini.decode_request(Operation::Chat, path, body.as_bytes()).unwrap();
    assert_eq!(request.dropped, Vec::<String>::new(), "nothing of it is unknown");
    let target = Target { model: "gemini-3-flash".into(), ..Target::default() };
    let encoded = Gemini.encode_request(&request, &target).unwrap();
    assert_eq!(encoded.dropped, Vec::<String>::new(), "nothing of it is lost");
    assert_eq!(Gemini.decode_request(Operation::Chat, path, &encoded.body).unwrap(), request);
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert!(text.contains(r#"{"zebra":{"type":"string"},"ant":{}}"#), "schemas keep their order");
    assert_eq!(parsed(text.as_bytes())["contents"], parsed(body.as_bytes())["contents"], "turns stay what they were");
}

#[test]
fn calls_without_ids_find_their_responses() {
    let turns = |extra: &str| {
        let body = format!(
            r#"{{"contents":[
            {{"role":"model","parts":[{{"functionCall":{{"name":"f"}}}},{{"functionCall":{{"name":"g"}}}},{{"functionCall":{{"name":"f"}}}}]}},
            {{"role":"user","parts":[{{"functionResponse":{{"name":"g","response":{{}}}}}},{{"functionResponse":{{"name":"f","response":{{"a":1}}}}}},{{"functionResponse":{{"name":"f","response":{{}}}}}}]}}{extra}]}}"#
        );
        Gemini.decode_request(Operation::Chat, "", body.as_bytes()).unwrap().messages
    };
    let messages = turns("");
    let parts = || messages.iter().flat_map(|message| &message.parts);
    let calls: Vec<&str> = parts()
        .filter_map(|part| if let Part::ToolCall(call) = part { Some(call.id.as_str()) } else { None })
        .collect();
    let results: Vec<&str> = parts()
        .filter_map(|part| if let Part::ToolResult(result) = part { Some(result.call_id.as_str()) } else { None })
        .collect();
    assert_eq!(results, [calls[1], calls[0], calls[2]]);
    let longer = turns(r#",{"parts":[{"text":"on"}]}"#);
    assert_eq!(longer[..messages.len()], messages, "a longer conversation keeps the ids of its beginning");
}

#[test]
fn the_path_says_model_and_form() {
    let check = |path: &str, expected: (&str, bool, &str)| {
        let body = br#"{"model":"models/body","contents":[{"parts":[{"text":"a"}]}]}"#;
        let request = Gemini.decode_request(Operation::Chat, path, body).unwrap();
        assert_eq!((&*request.model, request.stream, Gemini.stream_type(&request)), expected, "{path}");
    };
    check("/v1beta/models/org%2Fm:8b:generateContent", ("org/m:8b", false, "text/event-stream"));
    check("/v1/models/m:streamGenerateContent?alt=sse", ("m", true, "text/event-stream"));
    check("/v1/models/m:streamGenerateContent", ("m", true, "application/json"));
    check("", ("body", false, "text/event-stream"));
    assert_eq!(Gemini.path(Operation::Chat, "m", true).as_deref(), Some("/models/m:streamGenerateContent?alt=sse"));
    assert_eq!(Gemini.path(Operation::SingleEmbedding, "m", false).as_deref(), Some("/models/m:batchEmbedContents"));
}

#[test]
fn tokens_are_counted_of_turns_or_of_a_request() {
    let turn = json!({"parts": [{"text": "a"}]});
    for body in [
        json!({"contents": [turn]}),
        json!({"generateContentRequest": {"model": "models/m", "contents": [turn]}}),
        json!({"generate_content_request": {"contents": [turn]}}),
    ] {
        let request = Gemini.decode_request(Operation::CountTokens, "", body.to_string().as_bytes()).unwrap();
        assert_eq!(
            request.messages,
            [Message { role: Role::User, parts: vec![Part::text("a")], name: None }],
            "{body}"
        );
    }
}

#[test]
fn thinking() {
    let check = |config: &str, expected: Option<Reasoning>| {
        let body = format!(
            r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"generationConfig":{{"thinkingConfig":{config}}}}}"#
        );
        let request = Gemini.decode_request(Operation::Chat, "", body.as_bytes()).unwrap();
        assert_eq!(request.reasoning, expected, "{config}");
    };
    let made = |effort, budget, include| Some(Reasoning { effort, budget, include });
    check("{}", None);
    check(r#"{"includeThoughts":false}"#, None);
    check(r#"{"include_thoughts":true}"#, made(None, None, Some(true)));
    check(r#"{"thinkingBudget":0}"#, made(Some(Effort::None), None, None));
    check(r#"{"thinkingBudget":-1}"#, made(None, None, None));
    check(r#"{"thinkingBudget":300}"#, made(None, Some(300), None));
    check(r#"{"thinkingLevel":"HIGH","includeThoughts":false}"#, made(Some(Effort::High), None, Some(false)));
}

#[test]
fn foreign_states_pass_through_a_client() {
    let state = OpaqueState { kind: StateKind::AnthropicSignature, id: None, value: "EqQB/+==".into() };
    let parts = vec![
        Part::Thought(Thought { text: "hm".into(), state: Some(state.clone()) }),
        Part::ToolCall(ToolCall {
            id: "toolu_1".into(),
            name: "f".into(),
            arguments: "{}".into(),
            kind: ToolKind::Function,
            state: None,
        }),
    ];
    let completion: Completion = Completion {
        choices: vec![crate::completion::Choice {
            parts: parts.clone(),
            finish: Some(Finish::ToolCalls),
            logprobs: None,
        }],
        ..Completion::default()
    };
    let asked = CompletionRequest {
        reasoning: Some(Reasoning { include: Some(true), ..Reasoning::default() }),
        ..CompletionRequest::default()
    };
    let answer = parsed(&Gemini.encode_completion(Operation::Chat, &asked, &completion));
    let next = json!({"contents": [{"parts": [{"text": "a"}]}, answer["candidates"][0]["content"]]});
    let request = Gemini.decode_request(Operation::Chat, "", next.to_string().as_bytes()).unwrap();
    assert_eq!(request.messages[1].parts, parts, "Anthropic's signature comes back through a Gemini client");
}

#[test]
fn a_stream_that_comes_back_in_pieces_is_joined() {
    // google-genai 3.4 keeps each event of a stream as a content of its own.
    let body = r#"{"contents":[
        {"parts":[{"text":"hi"},{"text":"there"}],"role":"user"},
        {"parts":[{"text":"h","thought":true}],"role":"model"},
        {"parts":[{"text":"m","thought":true}],"role":"model"},
        {"parts":[{"text":"","thought":true,"thoughtSignature":"cG9pbnRzbWFuL2FudGhyb3BpYy8vc2ln"}],"role":"model"},
        {"parts":[{"text":"I "}],"role":"model"},
        {"parts":[{"text":"look"}],"role":"model"},
        {"parts":[{"text":""}],"role":"model"},
        {"parts":[{"text":"on"}],"role":"user"}]}"#;
    let messages = Gemini.decode_request(Operation::Chat, "", body.as_bytes()).unwrap().messages;
    let state = OpaqueState { kind: StateKind::AnthropicSignature, id: None, value: "sig".into() };
    let thought = Part::Thought(Thought { text: "hm".into(), state: Some(state) });
    let parts: Vec<Vec<Part>> = messages.into_iter().map(|message| message.parts).collect();
    let hi = vec![Part::text("hi"), Part::text("there")];
    assert_eq!(parts, [hi, vec![thought, Part::text("I look")], vec![Part::text("on")]]);
}

#[test]
fn embeddings_both_ways() {
    let check = |operation, body: &str, texts: &[&str], sent: Value, answer: Value| {
        let path = "/v1beta/models/asked:embedContent";
        let request = Gemini.decode_embedding(operation, path, body.as_bytes()).unwrap();
        assert_eq!(request.model, "asked");
        let input: Vec<_> = texts.iter().map(|text| EmbeddingInput::Text((*text).to_owned())).collect();
        assert_eq!(request.input, input);
        let target = Target { model: "t".into(), ..Target::default() };
        assert_eq!(parsed(&Gemini.encode_embedding(&request, &target).unwrap().unwrap().body), sent, "{body}");
        let embeddings = Gemini.decode_embeddings(br#"{"embeddings":[{"values":[0.1,-2.5]}]}"#).unwrap();
        assert_eq!(parsed(&Gemini.encode_embeddings(operation, &request, &embeddings)), answer, "{body}");
    };
    check(
        Operation::SingleEmbedding,
        r#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"task_type":"RETRIEVAL_QUERY","outputDimensionality":8}"#,
        &["a\nb"],
        json!({"requests": [{"model": "models/t", "content": {"parts": [{"text": "a\nb"}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 8}]}),
        json!({"embedding": {"values": [0.1, -2.5]}}),
    );
    check(
        Operation::Embeddings,
        r#"{"requests":[{"model":"models/asked","content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#,
        &["a", "b"],
        json!({"requests": [{"model": "models/t", "content": {"parts": [{"text": "a"}]}}, {"model": "models/t", "content": {"parts": [{"text": "b"}]}}]}),
        json!({"embeddings": [{"values": [0.1, -2.5]}]}),
    );
    let refused =
        |body: &str| Gemini.decode_embedding(Operation::Embeddings, "", body.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused(r#"{"requests":[]}"#), "`requests` must be a list of at least one request");
    let mixed = r#"{"requests":[{"content":{"parts":[]},"taskType":"A"},{"content":{"parts":[]}}]}"#;
    assert!(refused(mixed).starts_with("`requests` cannot be said"), "{mixed}");
    let sound = r#"{"requests":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"a"}}]}}]}"#;
    assert!(refused(sound).contains("only texts and pictures"), "{sound}");
    let seen =
        json!({"parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"text": "b"}]});
    let body = json!({"requests": [{"content": seen}]}).to_string();
    let request = Gemini.decode_embedding(Operation::Embeddings, "", body.as_bytes()).unwrap();
    let target = Target { model: "t".into(), ..Target::default() };
    let sent = parsed(&Gemini.encode_embedding(&request, &target).unwrap().unwrap().body);
    assert_eq!(sent["requests"][0]["content"], seen, "what is seen stays where it stands between the texts");
    for upstream in [upstream(Protocol::OpenAiChat), upstream(Protocol::Ollama), upstream(Protocol::BedrockConverse)] {
        let told = upstream.encode_embedding(&request, &target).unwrap().unwrap_err().to_string();
        assert!(told.starts_with("`input` cannot be said to this model: ") && told.contains("pictures"), "{told}");
    }
    let told = Gemini.decode_embeddings(br#"{"error":{"code":404,"message":"no model","status":"NOT_FOUND"}}"#);
    assert_eq!(told.unwrap_err().to_string(), "no model");
}
