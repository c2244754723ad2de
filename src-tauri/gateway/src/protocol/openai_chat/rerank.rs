//! Documents in order of relevance, on both sides: Cohere's shape, which OpenAI-like servers took over for `/v1/rerank`.
//!
//! Some list the order under `data` in place of `results`; both are read, and `results` is written. Counts stand in two
//! places in what is written, because clients of Cohere's look for one and those of Jina's for the other.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::completion::{DecodeError, Encoded, Usage};
use crate::protocol::codec::dropped::note;
use crate::protocol::codec::fields::Fields;
use crate::protocol::codec::{Target, fault};
use crate::rerank::{Ranked, Ranking, RerankRequest};

/// Reads a client's request.
pub(super) fn read_request(body: &[u8]) -> Result<RerankRequest, DecodeError> {
    let mut fields = Fields::parse(body)?;
    let mut request = RerankRequest {
        model: fields.required("model")?,
        query: fields.required("query")?,
        top: fields.u32("top_n")?,
        return_documents: fields.bool("return_documents")?.unwrap_or(false),
        max_tokens_per_document: fields.u32("max_tokens_per_doc")?,
        ..RerankRequest::default()
    };
    // Voyage's name for it.
    let top = fields.u32("top_k")?;
    request.top = request.top.or(top);
    for document in fields.list("documents")?.unwrap_or_default() {
        request.documents.push(match document {
            Value::String(text) => text,
            Value::Object(mut object) => match object.shift_remove("text") {
                Some(Value::String(text)) => text,
                _ => {
                    let reason = "a document is a string, or an object with its `text`";
                    return Err(DecodeError::unsupported("documents", reason));
                }
            },
            _ => return Err(fields.wrong("documents", "a list of strings")),
        });
    }
    if request.documents.is_empty() {
        return Err(fields.wrong("documents", "a list of at least one string"));
    }
    fields.rest(&mut request.dropped);
    Ok(request)
}

/// Writes an order for a client.
pub(super) fn write(request: &RerankRequest, ranking: &Ranking) -> Bytes {
    #[derive(Serialize)]
    struct Entry<'a> {
        index: usize,
        relevance_score: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        document: Option<Document<'a>>,
    }
    #[derive(Serialize)]
    struct Document<'a> {
        text: &'a str,
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        id: &'a str,
        model: &'a str,
        results: Vec<Entry<'a>>,
        meta: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Value>,
    }
    let text = |index: usize| request.documents.get(index).map(|text| Document { text });
    let results = ranking.ranked.iter().map(|Ranked { index, score }| Entry {
        index: *index,
        relevance_score: *score,
        document: if request.return_documents { text(*index) } else { None },
    });
    let mut billed = Map::new();
    billed.extend(ranking.search_units.map(|units| ("search_units".to_owned(), units.into())));
    billed.extend(ranking.usage.map(|usage| ("input_tokens".to_owned(), usage.input.into())));
    let answer = Answer {
        id: &ranking.id,
        model: if ranking.model.is_empty() { &request.model } else { &ranking.model },
        results: results.collect(),
        meta: json!({"api_version": {"version": "2"}, "billed_units": billed}),
        usage: ranking.usage.map(|usage| json!({"prompt_tokens": usage.input, "total_tokens": usage.input})),
    };
    serde_json::to_vec(&answer).map(Bytes::from).unwrap_or_default()
}

/// Writes a request for an upstream.
pub(super) fn write_request(request: &RerankRequest, target: &Target) -> Encoded {
    let mut dropped = Vec::new();
    let mut body = Map::new();
    body.insert("model".into(), target.model.as_str().into());
    body.insert("query".into(), request.query.as_str().into());
    body.insert("documents".into(), json!(request.documents));
    body.extend(request.top.map(|top| ("top_n".to_owned(), top.into())));
    if request.max_tokens_per_document.is_some() {
        note(&mut dropped, "max_tokens_per_doc");
    }
    Encoded { body: Value::Object(body).to_string().into(), dropped }
}

#[derive(Debug, Deserialize)]
struct Told {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    results: Option<Vec<One>>,
    data: Option<Vec<One>>,
    #[serde(default)]
    meta: Option<Meta>,
    #[serde(default)]
    usage: Option<Counts>,
}

#[derive(Debug, Deserialize)]
struct One {
    index: usize,
    relevance_score: f64,
}

#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Option<Billed>,
}

#[derive(Debug, Deserialize)]
struct Billed {
    #[serde(default)]
    search_units: Option<f64>,
    #[serde(default)]
    input_tokens: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    #[serde(default)]
    total_tokens: Option<f64>,
    #[serde(default)]
    prompt_tokens: Option<f64>,
    #[serde(default)]
    search_units: Option<f64>,
}

/// Reads an upstream's order, in Cohere's shape or in what others made of it.
pub(crate) fn read(body: &[u8]) -> Result<Ranking, DecodeError> {
    let malformed = |what: &str| DecodeError::Malformed(format!("the model's order cannot be read: {what}"));
    let told: Told = serde_json::from_slice(body).map_err(|error| malformed(&error.to_string()))?;
    let Some(results) = told.results.or(told.data) else {
        let said = fault::read(body).message;
        let none = || "the model's server sent no order".to_owned();
        return Err(DecodeError::Malformed(if said.is_empty() { none() } else { said }));
    };
    let billed = told.meta.and_then(|meta| meta.billed_units);
    let tokens = told.usage.as_ref().and_then(|usage| usage.total_tokens.or(usage.prompt_tokens));
    let tokens = tokens.or(billed.as_ref().and_then(|billed| billed.input_tokens));
    let units = billed.and_then(|billed| billed.search_units).or(told.usage.and_then(|usage| usage.search_units));
    Ok(Ranking {
        id: told.id.unwrap_or_default(),
        model: told.model.unwrap_or_default(),
        ranked: results.into_iter().map(|One { index, relevance_score: score }| Ranked { index, score }).collect(),
        usage: tokens.map(|tokens| Usage { input: whole(tokens), ..Usage::default() }),
        search_units: units.map(whole),
    })
}

/// A count, which some write as a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(count: f64) -> u32 {
    count as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_ask() {
        #[track_caller]
        fn check(body: &Value, expected: &str) {
            let read = read_request(body.to_string().as_bytes());
            let read = read.map(|it| format!("{:?} {:?} {:?}", it.documents, it.top, it.dropped));
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{body}");
        }
        let asked = |more: Value| {
            let mut body = json!({"model": "m", "query": "q", "documents": ["a", "b"]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        check(&asked(json!({})), r#"["a", "b"] None []"#);
        check(&asked(json!({"top_n": 1, "top_k": 5})), r#"["a", "b"] Some(1) []"#);
        check(&asked(json!({"top_k": 5, "documents": [{"text": "a"}]})), r#"["a"] Some(5) []"#);
        check(&asked(json!({"truncation": true, "rank_fields": []})), r#"["a", "b"] None ["truncation"]"#);
        let image = json!({"documents": [{"image": "x"}]});
        let words = "`documents` cannot be said to this model: a document is a string, or an object with its `text`";
        check(&asked(image), words);
        check(&asked(json!({"documents": []})), "`documents` must be a list of at least one string");
        check(&asked(json!({"documents": [7]})), "`documents` must be a list of strings");
        check(&asked(json!({"query": null})), "`query` must be a string");
    }

    #[test]
    fn writes_what_clients_read() {
        let request =
            RerankRequest { model: "m".into(), documents: vec!["a".into(), "b".into()], ..Default::default() };
        let ranking = Ranking { ranked: vec![Ranked { index: 1, score: 0.5 }], ..Ranking::default() };
        let written = |request: &RerankRequest, ranking: &Ranking| {
            serde_json::from_slice::<Value>(&write(request, ranking)).unwrap()
        };
        let plain = written(&request, &ranking);
        assert_eq!(plain["results"], json!([{"index": 1, "relevance_score": 0.5}]));
        assert_eq!((&plain["model"], plain.get("usage")), (&json!("m"), None));
        let usage = Some(Usage { input: 7, ..Usage::default() });
        let whole = Ranking { id: "x".into(), usage, search_units: Some(1), ..ranking };
        let told = written(&RerankRequest { return_documents: true, ..request }, &whole);
        assert_eq!(told["results"][0]["document"], json!({"text": "b"}));
        assert_eq!(told["meta"]["billed_units"], json!({"search_units": 1, "input_tokens": 7}));
        assert_eq!(read(told.to_string().as_bytes()).unwrap(), Ranking { model: "m".into(), ..whole });
    }

    #[test]
    fn reads_what_servers_answer() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            let read = read(body.as_bytes()).map(|told| {
                let (best, tokens) = (told.ranked[0], told.usage.map(|usage| usage.input));
                format!("{} {} {tokens:?} {:?}", best.index, best.score, told.search_units)
            });
            assert_eq!(read.unwrap_or_else(|error| error.to_string()), expected, "{body}");
        }
        let cohere =
            r#"{"id":"x","results":[{"index":1,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":1}}}"#;
        check(cohere, "1 0.5 None Some(1)");
        let voyage = r#"{"object":"list","data":[{"relevance_score":0.5,"index":0}],"usage":{"total_tokens":26}}"#;
        check(voyage, "0 0.5 Some(26) None");
        let openrouter =
            r#"{"results":[{"index":1,"relevance_score":1,"document":{"text":"a"}}],"usage":{"search_units":1}}"#;
        check(openrouter, "1 1 None Some(1)");
        check(r#"{"detail":"no such model"}"#, "no such model");
        check("{}", "the model's server sent no order");
    }
}
