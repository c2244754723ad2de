//! README's table of what each surface can ask of each upstream: written by this test, and true because of it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::surface::Surface;
use super::upstream::{self, Upstream};
use crate::harness::{Gateway, bounded, readme};

/// Something that can be asked.
struct Question {
    name: String,
    /// The protocol in which it is asked.
    surface: Surface,
    path: String,
    body: Value,
}

fn questions() -> Vec<Question> {
    let chats = Surface::ALL.into_iter().map(|surface| Question {
        name: format!("{} chat", surface.title().trim_end_matches(" chat")),
        surface,
        path: surface.path("work", true),
        body: surface.full("work", true),
    });
    let turn = json!([{"role": "user", "content": "hi"}]);
    let content = json!({"parts": [{"text": "hi"}]});
    let others = [
        (Surface::Chat, "text completion", "/v1/completions", json!({"prompt": "Once", "max_tokens": 8})),
        (Surface::Native, "generate", "/api/generate", json!({"prompt": "Once", "stream": false})),
        (Surface::Messages, "count of tokens", "/v1/messages/count_tokens", json!({"messages": turn})),
        (Surface::Gemini, "count of tokens", "/v1beta/models/work:countTokens", json!({"contents": [content]})),
        (Surface::Chat, "embeddings", "/v1/embeddings", json!({"input": "hi"})),
        (Surface::Gemini, "embeddings", "/v1beta/models/work:embedContent", json!({ "content": content })),
        (Surface::Native, "embeddings", "/api/embed", json!({"input": "hi"})),
        (Surface::Chat, "rerank", "/v1/rerank", json!({"query": "a", "documents": ["b"]})),
        (Surface::Chat, "images", "/v1/images/generations", json!({"prompt": "A red square."})),
        (Surface::Chat, "speech", "/v1/audio/speech", json!({"input": "Hello."})),
    ];
    let others = others.into_iter().map(|(surface, what, path, mut body)| {
        if surface != Surface::Gemini {
            body["model"] = "work".into();
        }
        let name = format!("{} {what}", surface.title().trim_end_matches(" chat"));
        Question { name, surface, path: path.to_owned(), body }
    });
    chats.chain(others).collect()
}

async fn cell(gateway: &Gateway, upstream: Upstream, question: &Question) -> &'static str {
    let answer = gateway.post(&question.path, &question.body).await;
    match answer.status() {
        200 if answer.has("x-pointsman-estimated") => "estimated",
        200 if question.surface == upstream => "as it is",
        200 => "translated",
        501 => "refused",
        other => panic!("{} of {upstream:?}: {other}: {}", question.name, answer.text().await),
    }
}

#[test]
fn the_readme_says_what_is_so() {
    bounded(async {
        let questions = questions();
        let mut cells = Vec::new();
        for upstream in Upstream::ALL {
            let up = upstream::speaks(upstream).await;
            upstream::answers_all(&up, upstream);
            let gateway = upstream::over(&up, upstream).await;
            let mut column = Vec::new();
            for question in &questions {
                column.push(cell(&gateway, upstream, question).await);
            }
            cells.push(column);
        }
        let mut table = String::from("| a tool asks | ");
        for upstream in Upstream::ALL {
            let _ = write!(table, "{} | ", upstream.title());
        }
        table = format!("{}\n|---|---|---|---|---|---|\n", table.trim_end());
        for (nth, Question { name, .. }) in questions.iter().enumerate() {
            let row: Vec<&str> = cells.iter().map(|column| column[nth]).collect();
            let _ = writeln!(table, "| {name} | {} |", row.join(" | "));
        }
        readme::says("translation", &table);
    });
}
