//! A list of a response's input items, page by page, as OpenAI's SDKs read it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::items;
use crate::protocol::codec::{ids, json as codec};

/// The most items of a page, and how many it has unless the client says.
const MOST: usize = 100;
const USUAL: usize = 20;

/// Which items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The item before the first one, by its id.
    pub after: Option<String>,
    /// How many at most.
    pub limit: usize,
    /// The first one first; else the last one.
    pub ascending: bool,
}

impl Page {
    /// Reads a query. A fault is told in words for the client.
    pub fn of(query: &str) -> Result<Page, String> {
        let mut page = Page { after: None, limit: USUAL, ascending: false };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("after", id) => page.after = Some(id.to_owned()).filter(|id| !id.is_empty()),
                ("limit", number) => {
                    let number = number.parse().ok().filter(|number| (1..=MOST).contains(number));
                    page.limit = number.ok_or_else(|| format!("`limit` is a number from 1 to {MOST}"))?;
                }
                ("order", "asc") => page.ascending = true,
                ("order", "desc") => page.ascending = false,
                ("order", _) => return Err("`order` is asc or desc".to_owned()),
                // `include` asks for what stands in the items anyway.
                _ => {}
            }
        }
        Ok(page)
    }

    /// The page of an input; `None` if what was kept cannot be read, an error in words if the page cannot be found.
    pub fn encode(&self, response: &str, input: &[u8]) -> Option<Result<Bytes, String>> {
        let mut all = Vec::new();
        for (place, item) in items(input)?.iter().enumerate() {
            all.push(whole(serde_json::from_str(item.get()).ok()?, response, place));
        }
        if !self.ascending {
            all.reverse();
        }
        let start = match &self.after {
            None => 0,
            Some(after) => match all.iter().position(|item| item["id"] == after.as_str()) {
                Some(at) => at + 1,
                None => return Some(Err(format!("there is no item `{after}` to list after"))),
            },
        };
        let rest = &all[start..];
        let page = &rest[..rest.len().min(self.limit)];
        let id = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
        Some(Ok(codec::body(&json!({
            "object": "list",
            "data": page,
            "first_id": id(page.first()),
            "last_id": id(page.last()),
            "has_more": rest.len() > page.len(),
        }))))
    }
}

/// An item with all that a list of items has: an id, a type, its content as parts, a status.
fn whole(mut item: Map<String, Value>, response: &str, place: usize) -> Value {
    if !item.contains_key("type") {
        item.insert("type".to_owned(), if item.contains_key("role") { "message" } else { "item_reference" }.into());
    }
    let kind = item["type"].as_str().unwrap_or_default().to_owned();
    if kind == "message" {
        if let Some(Value::String(text)) = item.get("content") {
            let said = match item.get("role").and_then(Value::as_str) {
                Some("assistant") => json!({"type": "output_text", "text": text, "annotations": []}),
                _ => json!({"type": "input_text", "text": text}),
            };
            item.insert("content".to_owned(), json!([said]));
        }
        item.entry("status").or_insert_with(|| "completed".into());
    }
    if item.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
        let prefix = match &*kind {
            "function_call" | "function_call_output" => "fc",
            "custom_tool_call" | "custom_tool_call_output" => "ctc",
            "reasoning" => "rs",
            "message" => "msg",
            _ => "item",
        };
        // From the response's id and the place alone, so that it is the same on every page.
        let id = format!("{prefix}_{}", ids::digest(&format!("{response}/{place}")));
        item.insert("id".to_owned(), id.into());
    }
    Value::Object(item)
}
