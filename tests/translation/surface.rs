//! The five surfaces as their clients see them: a request with everything in it, and answers in words.

use serde_json::{Value, json};

/// An image as small as one may be, in base64.
pub(super) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Google's Gemini.
    Gemini,
    /// Ollama's native chat.
    Native,
}

/// What an answer says, whatever its protocol.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) thought: String,
    pub(super) text: String,
    /// Tools and their arguments.
    pub(super) calls: Vec<(String, Value)>,
    /// Why it ended, in the protocol's own word.
    pub(super) finish: String,
    /// Of the prompt and of the answer.
    pub(super) tokens: (u64, u64),
}

impl Surface {
    /// All of them.
    pub(super) const ALL: [Surface; 5] =
        [Surface::Chat, Surface::Responses, Surface::Messages, Surface::Gemini, Surface::Native];

    /// The protocol's name in settings and usage rows.
    pub(super) fn id(self) -> &'static str {
        match self {
            Surface::Chat => "openai",
            Surface::Responses => "openai-responses",
            Surface::Messages => "anthropic",
            Surface::Gemini => "gemini",
            Surface::Native => "ollama",
        }
    }

    /// The protocol's name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Surface::Chat => "OpenAI chat",
            Surface::Responses => "OpenAI Responses",
            Surface::Messages => "Anthropic",
            Surface::Gemini => "Gemini",
            Surface::Native => "Ollama",
        }
    }

    /// Where a model is asked.
    pub(super) fn path(self, model: &str, stream: bool) -> String {
        match self {
            Surface::Chat => "/v1/chat/completions".to_owned(),
            Surface::Responses => "/v1/responses".to_owned(),
            Surface::Messages => "/v1/messages".to_owned(),
            Surface::Gemini if stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            Surface::Gemini => format!("/v1beta/models/{model}:generateContent"),
            Surface::Native => "/api/chat".to_owned(),
        }
    }

    /// A request of one line.
    pub(super) fn plain(self, model: &str, text: &str, stream: bool) -> Value {
        let turn = json!([{"role": "user", "content": text}]);
        match self {
            Surface::Chat => json!({"model": model, "messages": turn, "stream": stream}),
            Surface::Responses => json!({"model": model, "input": turn, "stream": stream}),
            Surface::Messages => json!({"model": model, "max_tokens": 64, "messages": turn, "stream": stream}),
            Surface::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
            Surface::Native => json!({"model": model, "messages": turn, "stream": stream}),
        }
    }

    /// A request with a system text, an image, a tool, a schema for the answer, and thinking.
    pub(super) fn full(self, model: &str, stream: bool) -> Value {
        let arguments = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let schema = json!({"type": "object", "properties": {"verdict": {"type": "string"}}, "required": ["verdict"],
            "additionalProperties": false});
        let (name, about) = ("get_weather", "Tells the weather.");
        let url = format!("data:image/png;base64,{IMAGE}");
        match self {
            Surface::Chat => json!({"model": model, "stream": stream, "stream_options": {"include_usage": true},
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]}],
                "tools": [{"type": "function", "function": {"name": name, "description": about, "parameters": arguments}}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}},
                "reasoning_effort": "high", "max_tokens": 4096}),
            Surface::Responses => json!({"model": model, "stream": stream, "instructions": "Be brief.", "store": false,
                "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": url}]}],
                "tools": [{"type": "function", "name": name, "description": about, "parameters": arguments, "strict": false}],
                "text": {"format": {"type": "json_schema", "name": "verdict", "schema": schema}},
                "reasoning": {"effort": "high", "summary": "auto"}, "max_output_tokens": 4096}),
            Surface::Messages => json!({"model": model, "stream": stream, "system": "Be brief.", "max_tokens": 4096,
                "messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}]}],
                "tools": [{"name": name, "description": about, "input_schema": arguments}],
                "output_config": {"format": {"type": "json_schema", "schema": schema}},
                "thinking": {"type": "enabled", "budget_tokens": 2048}}),
            Surface::Gemini => json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [{"role": "user", "parts": [{"text": "What is this?"},
                    {"inlineData": {"mimeType": "image/png", "data": IMAGE}}]}],
                "tools": [{"functionDeclarations": [{"name": name, "description": about, "parametersJsonSchema": arguments}]}],
                "generationConfig": {"maxOutputTokens": 4096, "responseMimeType": "application/json",
                    "responseJsonSchema": schema, "thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": true}}}),
            Surface::Native => json!({"model": model, "stream": stream, "think": "high", "format": schema,
                "messages": [{"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "What is this?", "images": [IMAGE]}],
                "tools": [{"type": "function", "function": {"name": name, "description": about, "parameters": arguments}}],
                "options": {"num_predict": 4096}}),
        }
    }

    /// The message and the machine-readable name of an error body, once its shape was found to be this protocol's own.
    #[track_caller]
    pub(super) fn error(self, body: &Value) -> (String, String) {
        let error = &body["error"];
        let (message, code) = match self {
            Surface::Chat | Surface::Responses => {
                assert!(error.get("param").is_some() && error["type"].is_string(), "{self:?}: not its shape: {body}");
                (&error["message"], &error["code"])
            }
            Surface::Messages => {
                assert_eq!(body["type"], "error", "{self:?}: not its shape: {body}");
                (&error["message"], &error["type"])
            }
            Surface::Gemini => {
                assert!(error["code"].is_u64(), "{self:?}: not its shape: {body}");
                (&error["message"], &error["status"])
            }
            Surface::Native => (error, &Value::Null),
        };
        let message = message.as_str().unwrap_or_else(|| panic!("{self:?}: an error without a message: {body}"));
        (message.to_owned(), code.as_str().unwrap_or_default().to_owned())
    }

    /// What a whole answer says.
    pub(super) fn whole(self, body: &Value) -> Said {
        let mut said = Said::default();
        match self {
            Surface::Chat => {
                let choice = &body["choices"][0];
                said.of_chat(&choice["message"]);
                said.finish = text(&choice["finish_reason"]);
                said.tokens = (count(&body["usage"]["prompt_tokens"]), count(&body["usage"]["completion_tokens"]));
            }
            Surface::Responses => said.of_response(body),
            Surface::Messages => {
                for block in list(&body["content"]) {
                    match block["type"].as_str().unwrap_or_default() {
                        "thinking" => said.thought.push_str(&text(&block["thinking"])),
                        "text" => said.text.push_str(&text(&block["text"])),
                        "tool_use" => said.calls.push((text(&block["name"]), block["input"].clone())),
                        other => panic!("an unknown block: {other}"),
                    }
                }
                said.finish = text(&body["stop_reason"]);
                said.tokens = of_messages(&body["usage"]);
            }
            Surface::Gemini => said.of_gemini(body),
            Surface::Native => said.of_native(body),
        }
        said
    }

    /// What a stream says. Panics with it if it does not end as it should.
    #[track_caller]
    pub(super) fn stream(self, stream: &str) -> Said {
        let mut said = Said::default();
        let events = self.events(stream);
        let last = events.last().unwrap_or_else(|| panic!("{self:?}: an empty stream"));
        match self {
            Surface::Chat => {
                assert!(stream.trim_end().ends_with("data: [DONE]"), "it says that it is done: {stream}");
                let mut arguments: Vec<(String, String)> = Vec::new();
                for event in &events {
                    let delta = &event["choices"][0]["delta"];
                    said.of_chat_text(delta);
                    for call in list(&delta["tool_calls"]) {
                        let function = &call["function"];
                        if function["name"].is_string() {
                            arguments.push((text(&function["name"]), String::new()));
                        }
                        let (_, json) = arguments.last_mut().expect("a call's name comes first");
                        json.push_str(&text(&function["arguments"]));
                    }
                    said.finish.push_str(&text(&event["choices"][0]["finish_reason"]));
                    if event["usage"].is_object() {
                        let usage = &event["usage"];
                        said.tokens = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
                    }
                }
                said.calls = arguments.into_iter().map(|(name, json)| (name, parsed(&json))).collect();
            }
            Surface::Responses => {
                assert_eq!(last["type"], "response.completed", "it says that it is complete: {stream}");
                said.of_response(&last["response"]);
                let of = |kind: &str| -> String {
                    events.iter().filter(|event| event["type"] == kind).map(|event| text(&event["delta"])).collect()
                };
                assert_eq!(of("response.output_text.delta"), said.text, "the pieces make the whole");
                // llama.cpp's own have no numbers.
                if last["sequence_number"].is_u64() {
                    let numbers = events.iter().map(|event| event["sequence_number"].as_u64());
                    assert!(numbers.eq((0..events.len() as u64).map(Some)), "events are numbered: {stream}");
                }
            }
            Surface::Messages => {
                assert_eq!(last["type"], "message_stop", "it says that it has stopped: {stream}");
                let mut blocks: Vec<Value> = Vec::new();
                let mut usage = Value::Null;
                for event in &events {
                    match event["type"].as_str().unwrap_or_default() {
                        "content_block_start" => blocks.push(event["content_block"].clone()),
                        "content_block_delta" => {
                            assert_eq!(count(&event["index"]) as usize + 1, blocks.len(), "one block at a time");
                            let (block, delta) = (blocks.last_mut().expect("a block"), &event["delta"]);
                            for name in ["text", "thinking"].into_iter().filter(|name| delta[*name].is_string()) {
                                block[name] = (text(&block[name]) + &text(&delta[name])).into();
                            }
                            if delta["partial_json"].is_string() {
                                block["input"] = (text(&block["input"]) + &text(&delta["partial_json"])).into();
                            }
                        }
                        "message_start" => usage = event["message"]["usage"].clone(),
                        "message_delta" => {
                            said.finish = text(&event["delta"]["stop_reason"]);
                            // The last count of each holds.
                            let last = event["usage"].as_object().cloned().unwrap_or_default();
                            usage.as_object_mut().expect("counts at the start").extend(last);
                            said.tokens = of_messages(&usage);
                        }
                        _ => {}
                    }
                }
                for block in &mut blocks {
                    if block["type"] == "tool_use" {
                        block["input"] = parsed(&text(&block["input"]));
                    }
                }
                let Said { thought, text, calls, .. } = self.whole(&json!({ "content": blocks }));
                (said.thought, said.text, said.calls) = (thought, text, calls);
            }
            Surface::Gemini => {
                events.iter().for_each(|event| said.of_gemini(event));
                assert_ne!(said.finish, "", "it says why it ended: {stream}");
            }
            Surface::Native => {
                events.iter().for_each(|event| said.of_native(event));
                assert_eq!(last["done"], true, "it says that it is done: {stream}");
            }
        }
        said
    }

    /// The events of a stream.
    pub(super) fn events(self, stream: &str) -> Vec<Value> {
        let lines = stream
            .lines()
            .filter_map(|line| if self == Surface::Native { Some(line) } else { line.strip_prefix("data: ") });
        let lines = lines.filter(|line| !line.is_empty() && *line != "[DONE]");
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// The message of the error with which a stream ends. Panics with it if it ends in any other way.
    #[track_caller]
    pub(super) fn broken(self, stream: &str) -> String {
        let events = self.events(stream);
        let last = events.last().unwrap_or_else(|| panic!("{self:?}: an empty stream"));
        assert!(!stream.contains("[DONE]"), "{self:?}: what broke off is not done: {stream}");
        match self {
            Surface::Responses => {
                assert_eq!(last["type"], "response.failed", "{stream}");
                text(&last["response"]["error"]["message"])
            }
            Surface::Messages => {
                assert!(stream.contains("event: error\n"), "{stream}");
                self.error(last).0
            }
            Surface::Chat | Surface::Gemini | Surface::Native => {
                assert!(last.get("error").is_some(), "{self:?}: it ends with an error: {stream}");
                self.error(last).0
            }
        }
    }

    /// The word for an answer that ended in calls.
    pub(super) fn called(self) -> &'static str {
        match self {
            Surface::Chat => "tool_calls",
            Surface::Responses => "completed",
            Surface::Messages => "tool_use",
            Surface::Gemini => "STOP",
            Surface::Native => "stop",
        }
    }
}

impl Said {
    fn of_chat_text(&mut self, message: &Value) {
        self.thought.push_str(&text(&message["reasoning_content"]));
        self.text.push_str(&text(&message["content"]));
    }

    fn of_chat(&mut self, message: &Value) {
        self.of_chat_text(message);
        for call in list(&message["tool_calls"]) {
            let function = &call["function"];
            self.calls.push((text(&function["name"]), parsed(&text(&function["arguments"]))));
        }
    }

    fn of_response(&mut self, response: &Value) {
        for item in list(&response["output"]) {
            match item["type"].as_str().unwrap_or_default() {
                "reasoning" => {
                    list(&item["summary"]).iter().for_each(|part| self.thought.push_str(&text(&part["text"])))
                }
                "message" => list(&item["content"]).iter().for_each(|part| self.text.push_str(&text(&part["text"]))),
                "function_call" => self.calls.push((text(&item["name"]), parsed(&text(&item["arguments"])))),
                other => panic!("an unknown item: {other}"),
            }
        }
        self.finish = text(&response["status"]);
        self.tokens = (count(&response["usage"]["input_tokens"]), count(&response["usage"]["output_tokens"]));
    }

    fn of_gemini(&mut self, event: &Value) {
        let candidate = &event["candidates"][0];
        for part in list(&candidate["content"]["parts"]) {
            if part["functionCall"].is_object() {
                self.calls.push((text(&part["functionCall"]["name"]), part["functionCall"]["args"].clone()));
            } else if part["thought"] == true {
                self.thought.push_str(&text(&part["text"]));
            } else {
                self.text.push_str(&text(&part["text"]));
            }
        }
        self.finish.push_str(&text(&candidate["finishReason"]));
        let usage = &event["usageMetadata"];
        if usage.is_object() {
            let answer = count(&usage["candidatesTokenCount"]) + count(&usage["thoughtsTokenCount"]);
            self.tokens = (count(&usage["promptTokenCount"]), answer);
        }
    }

    fn of_native(&mut self, line: &Value) {
        let message = &line["message"];
        self.thought.push_str(&text(&message["thinking"]));
        self.text.push_str(&text(&message["content"]));
        for call in list(&message["tool_calls"]) {
            self.calls.push((text(&call["function"]["name"]), call["function"]["arguments"].clone()));
        }
        self.finish.push_str(&text(&line["done_reason"]));
        self.tokens = (count(&line["prompt_eval_count"]), count(&line["eval_count"]));
    }
}

/// Anthropic counts what came from a cache apart.
fn of_messages(usage: &Value) -> (u64, u64) {
    let input = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    (input.iter().map(|name| count(&usage[*name])).sum(), count(&usage["output_tokens"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
