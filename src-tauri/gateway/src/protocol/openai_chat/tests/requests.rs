//! Requests: from the client's body to the upstream's, through the hub.

use super::*;

/// Takes every case of a fixture through the hub: what is sent, what is dropped, or why it is refused.
fn check(fixture: &str) {
    for case in parsed(fixture.as_bytes()).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let number = |field: &str| case[field].as_u64().map(|number| u32::try_from(number).unwrap());
        let target = Target {
            model: case["model"].as_str().unwrap_or("m").to_owned(),
            runtime: text("runtime"),
            tools: case["tools"].as_bool(),
            vision: case["vision"].as_bool(),
            reasoning: case["reasoning"].as_bool(),
            context: number("context"),
            max_output: number("max_output"),
        };
        let mut body = case["body"].clone();
        body.as_object_mut().unwrap().entry("model").or_insert("asked".into());
        body.as_object_mut().unwrap().entry("messages").or_insert(json!([{"role": "user", "content": "hi"}]));
        let sent = OpenAiChat.decode_request(Operation::Chat, "", body.to_string().as_bytes()).and_then(|request| {
            let encoded = OpenAiChat.encode_request(&request, &target)?;
            Ok((parsed(&encoded.body), [request.dropped, encoded.dropped].concat()))
        });
        match sent {
            Err(error) => assert_eq!(error.to_string(), text("refused"), "{name}"),
            Ok((sent, dropped)) => {
                let mut expected = case["sent"].clone();
                assert!(expected.is_object(), "{name} was not refused: {sent}");
                expected.as_object_mut().unwrap().entry("model").or_insert(target.model.clone().into());
                expected.as_object_mut().unwrap().entry("messages").or_insert(body["messages"].clone());
                assert_eq!(sent, expected, "{name}");
                let names: Vec<&str> =
                    case["dropped"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                assert_eq!(dropped, names, "{name}");
            }
        }
    }
}

#[test]
fn every_field() {
    check(include_str!("fields.json"));
}

#[test]
fn every_runtimes_habits() {
    check(include_str!("habits.json"));
}

#[test]
fn what_both_sides_say_comes_back_unchanged() {
    let body = include_bytes!("everything.json");
    let request = OpenAiChat.decode_request(Operation::Chat, "", body).unwrap();
    assert_eq!(request.dropped, Vec::<String>::new(), "nothing of it is unknown");
    let target = Target { model: request.model.clone(), ..Target::default() };
    let encoded = OpenAiChat.encode_request(&request, &target).unwrap();
    assert_eq!(encoded.dropped, Vec::<String>::new(), "nothing of it is lost");
    assert_eq!(OpenAiChat.decode_request(Operation::Chat, "", &encoded.body).unwrap(), request);
    let text = String::from_utf8(encoded.body.to_vec()).unwrap();
    assert_eq!(parsed(&encoded.body)["tools"], parsed(body)["tools"], "a grammar is nested again");
    assert!(text.contains(r#"{"zebra":{"type":"string"},"ant":{"type":"integer"}}"#), "schemas keep their order");
    assert!(text.contains(r#""arguments":"{ \"zebra\" : 1.50 }""#), "arguments keep their bytes");
}

/// Turns as other surfaces make them.
fn turns(messages: Vec<Message>, target: &Target) -> (Value, Vec<String>) {
    let request = CompletionRequest { messages, ..Default::default() };
    let encoded = OpenAiChat.encode_request(&request, target).unwrap();
    (parsed(&encoded.body)["messages"].clone(), encoded.dropped)
}

fn image() -> Part {
    Part::Media(Media {
        kind: MediaKind::Image,
        source: MediaSource::Data { mime: "image/png".into(), base64: "aGk=".into() },
        name: None,
        detail: None,
        cache: None,
    })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult {
        call_id: id.into(),
        name: None,
        parts,
        is_error: id == "b",
        kind: ToolKind::Function,
        cache: None,
    })
}

#[test]
fn images_of_tools_follow_in_a_turn_of_the_users() {
    let message = |role, parts| Message { role, parts, name: None };
    let results = vec![
        result("a", vec![Part::text("one"), Part::text("two"), image()]),
        result("b", vec![Part::text("bad")]),
        Part::text("go on"),
    ];
    let call = |id: &str| {
        let (name, arguments) = ("f".to_owned(), "{}".to_owned());
        Part::ToolCall(ToolCall { id: id.into(), name, arguments, kind: ToolKind::Function, state: None })
    };
    let called = |ids: &[&str]| message(Role::Assistant, ids.iter().map(|id| call(id)).collect());
    let (mut sent, dropped) = turns(vec![called(&["a", "b"]), message(Role::User, results)], &Target::default());
    sent.as_array_mut().unwrap().remove(0);
    let piece = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let tool = |id: &str, text: &str| json!({"role": "tool", "content": text, "tool_call_id": id});
    let expected = json!([
        tool("a", "one\ntwo"),
        tool("b", "bad"),
        {"role": "user", "content": [piece, {"type": "text", "text": "go on"}]},
    ]);
    assert_eq!(sent, expected);
    assert_eq!(dropped, ["is_error"]);

    let last = message(Role::Tool, vec![result("a", vec![image()])]);
    let answered = vec![called(&["a"]), last, message(Role::Assistant, vec![Part::text("ok")])];
    let (mut sent, _) = turns(answered, &Target::default());
    sent.as_array_mut().unwrap().remove(0);
    let expected = json!([
        tool("a", ""),
        {"role": "user", "content": [piece]},
        {"role": "assistant", "content": "ok"},
    ]);
    assert_eq!(sent, expected);
}

#[test]
fn documents_of_text_become_text() {
    let document = |mime: &str, base64: &str| Media {
        kind: MediaKind::Document,
        source: MediaSource::Data { mime: mime.into(), base64: base64.into() },
        name: Some("n".into()),
        detail: None,
        cache: None,
    };
    let message = |media| Message { role: Role::User, parts: vec![Part::Media(media)], name: None };
    let local = Target { runtime: "llamacpp".into(), ..Target::default() };
    let (sent, _) = turns(vec![message(document("text/plain", "aGk="))], &local);
    assert_eq!(sent, json!([{"role": "user", "content": "hi"}]));
    let request =
        CompletionRequest { messages: vec![message(document("application/pdf", "aGk="))], ..Default::default() };
    let refused = OpenAiChat.encode_request(&request, &local).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`messages[0].file` cannot be said to this model: this runtime takes no documents; send its text"
    );
    let (sent, _) = turns(request.messages, &Target::default());
    assert_eq!(
        sent[0]["content"][0]["file"],
        json!({"filename": "n", "file_data": "data:application/pdf;base64,aGk="})
    );
}

#[test]
fn custom_tools_become_functions_where_they_are_unknown() {
    let body =
        br#"{"model":"m","tools":[{"type":"custom","custom":{"name":"patch","format":{"type":"text"}}}],"messages":[
        {"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"patch","input":"*** \"x\""}}]},
        {"role":"tool","tool_call_id":"a","content":"ok"}]}"#;
    let request = OpenAiChat.decode_request(Operation::Chat, "", body).unwrap();
    let Part::ToolResult(result) = &request.messages[1].parts[0] else { panic!("{request:?}") };
    assert_eq!(result.kind, ToolKind::Custom, "a result is of its call's kind");
    let local = Target { runtime: "llamacpp".into(), ..Target::default() };
    let sent = parsed(&OpenAiChat.encode_request(&request, &local).unwrap().body);
    assert_eq!(sent["tools"][0]["function"]["parameters"]["required"], json!(["input"]));
    let function = json!({"name": "patch", "arguments": r#"{"input":"*** \"x\""}"#});
    assert_eq!(sent["messages"][0]["tool_calls"][0]["function"], function);
}

#[test]
fn signatures_go_back_to_gemini_alone() {
    let body = br#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]}]}"#;
    let request = OpenAiChat.decode_request(Operation::Chat, "", body).unwrap();
    let Part::ToolCall(call) = &request.messages[0].parts[0] else { panic!("{request:?}") };
    assert_eq!(call.state.as_ref().map(|state| state.kind), Some(StateKind::Gemini));
    for (model, kept) in [("gemini-3-pro", true), ("gpt-5", false)] {
        let target = Target { model: model.into(), ..Target::default() };
        let sent = OpenAiChat.encode_request(&request, &target).unwrap().body;
        assert_eq!(String::from_utf8(sent.to_vec()).unwrap().contains("c2ln"), kept, "{model}");
    }
}

#[test]
fn embeddings_both_ways() {
    let check = |body: &str, expected: Result<(EmbeddingRequest, Value), &str>| {
        let request = OpenAiChat.decode_embedding(Operation::Embeddings, "", body.as_bytes());
        match (request, expected) {
            (Ok(request), Ok((expected, sent))) => {
                assert_eq!(request, expected, "{body}");
                let target = Target { model: "t".into(), ..Target::default() };
                let encoded = OpenAiChat.encode_embedding(&request, &target).unwrap().unwrap();
                assert_eq!(parsed(&encoded.body), sent, "{body}");
            }
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
            (request, expected) => panic!("{body}: {request:?}, not {expected:?}"),
        }
    };
    let text = |text: &str| EmbeddingInput::Text(text.into());
    let request = |input, single| EmbeddingRequest { model: "m".into(), input, single, ..Default::default() };
    check(r#"{"model":"m","input":"hi"}"#, Ok((request(vec![text("hi")], true), json!({"model": "t", "input": "hi"}))));
    check(
        r#"{"model":"m","input":["hi"],"encoding_format":"base64","dimensions":8}"#,
        Ok((
            EmbeddingRequest { base64: true, dimensions: Some(8), ..request(vec![text("hi")], false) },
            json!({"model": "t", "input": ["hi"], "dimensions": 8}),
        )),
    );
    check(
        r#"{"model":"m","input":[1,2]}"#,
        Ok((request(vec![EmbeddingInput::Tokens(vec![1, 2])], true), json!({"model": "t", "input": [1, 2]}))),
    );
    check(
        r#"{"model":"m","input":[[1],[2]]}"#,
        Ok((
            request(vec![EmbeddingInput::Tokens(vec![1]), EmbeddingInput::Tokens(vec![2])], false),
            json!({"model": "t", "input": [[1], [2]]}),
        )),
    );
    let wrong = "`input` must be a string, a list of strings or of objects with `content`, or lists of token ids";
    check(r#"{"model":"m","input":[]}"#, Err(wrong));
    check(r#"{"model":"m","input":[-1]}"#, Err(wrong));
    check(r#"{"input":"a"}"#, Err("`model` must be a string"));
}

#[test]
fn pictures_become_vectors_as_clients_say_it() {
    #[track_caller]
    fn check(said: &str, expected: &str) {
        let body = format!(r#"{{"model":"m",{said}}}"#);
        let read = OpenAiChat.decode_embedding(Operation::Embeddings, "", body.as_bytes()).map(|request| {
            let part = |part: &EmbeddingPart| match part {
                EmbeddingPart::Text(text) => text.clone(),
                EmbeddingPart::Picture(picture) => format!("{} {}", picture.mime, picture.base64),
            };
            let input = |input: &EmbeddingInput| match input {
                EmbeddingInput::Text(text) => text.clone(),
                EmbeddingInput::Tokens(ids) => format!("{ids:?}"),
                EmbeddingInput::Parts(parts) => format!("({})", parts.iter().map(part).collect::<Vec<_>>().join(", ")),
            };
            let inputs: Vec<String> = request.input.iter().map(input).collect();
            format!("{}{}", if request.single { "one: " } else { "" }, inputs.join("; "))
        });
        assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{said}");
    }
    let url = "data:image/jpeg;base64,/9j/";
    check(&format!(r#""input":"{url}""#), "one: (image/jpeg /9j/)");
    check(&format!(r#""input":["a","{url}"]"#), "a; (image/jpeg /9j/)");
    check(r#""input":[{"text":"a"},{"image":"/9j/"}]"#, "a; (image/jpeg /9j/)");
    let parts = format!(r#"[{{"type":"text","text":"a"}},{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#);
    check(&format!(r#""inputs":[{{"content":{parts}}}]"#), "(a, image/jpeg /9j/)");
    check(&format!(r#""messages":[{{"role":"user","content":{parts}}}]"#), "one: (a, image/jpeg /9j/)");
    let voyage = format!(r#""inputs":[{{"content":[{{"type":"image_base64","image_base64":"{url}"}}]}}]"#);
    check(&voyage, "(image/jpeg /9j/)");
    check(r#""messages":[{"role":"user","content":"a"}]"#, "one: a");
    let words = "`input` cannot be said to this model: no picture is fetched for it; send it as a data URL";
    check(r#""input":[{"image":"https://a.example/b.png"}]"#, words);
    let words = "`input` cannot be said to this model: only texts and pictures can be turned into vectors here";
    check(r#""input":[{"content":[{"type":"video_url","video_url":"u"}]}]"#, words);
    check(r#""input":[{"image":"data:text/plain;base64,YQ=="}]"#, words);
    let words = "`input` must be a string, a list of strings or of objects with `content`, or lists of token ids";
    check(r#""messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]"#, words);
    check(r#""input":[{"content":3}]"#, words);
}

#[test]
fn vectors_keep_their_bits() {
    let vectors = vec![vec![0.1, -2.5e-8, 3.0], vec![f32::MAX, f32::MIN_POSITIVE, 0.0]];
    let usage = Some(crate::completion::Usage { input: 4, ..Default::default() });
    let embeddings = Embeddings { model: "m".into(), vectors, usage };
    for base64 in [false, true] {
        let request = EmbeddingRequest { base64, ..Default::default() };
        let body = OpenAiChat.encode_embeddings(Operation::Embeddings, &request, &embeddings);
        assert_eq!(OpenAiChat.decode_embeddings(&body).unwrap(), embeddings, "base64: {base64}");
    }
    let shuffled = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}"#;
    assert_eq!(OpenAiChat.decode_embeddings(shuffled).unwrap().vectors, [[1.0], [2.0]]);
    let refused = OpenAiChat.decode_embeddings(br#"{"error":"no model"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "no model");
}

#[test]
fn text_completions_refuse_what_only_raw_text_can_say() {
    let check = |body: &str, expected: &str| {
        let refused = OpenAiChat.decode_request(Operation::Completion, "", body.as_bytes()).unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{body}: {refused}");
    };
    check(r#"{"model":"m","prompt":["a","b"]}"#, "`prompt` cannot be said");
    check(r#"{"model":"m","prompt":[1,2]}"#, "`prompt` cannot be said");
    check(r#"{"model":"m"}"#, "`prompt` must be a string");
    check(r#"{"model":"m","prompt":"a","suffix":"b"}"#, "`suffix` cannot be said");
    check(r#"{"model":"m","prompt":"a","echo":true}"#, "`echo` cannot be said");
    let request = br#"{"model":"m","prompt":["a"],"best_of":3,"echo":false,"suffix":null}"#;
    let request = OpenAiChat.decode_request(Operation::Completion, "", request).unwrap();
    assert_eq!(request.dropped, ["best_of"]);
}
