//! Lists of OpenAI's shape with the extras that vLLM and others put in, and its two hosted cousins.

use serde::Deserialize;

use super::rows::Rows;
use super::{Question, Unlisted, parsed, time, tokens};
use crate::catalog::{Model, ModelState};
use crate::discovery::client::Site;

/// Asks for the models with one of the parsers below.
pub(super) async fn list(
    site: &Site,
    path: &str,
    question: &Question,
    parse: fn(&[u8], &Question) -> Option<Vec<Model>>,
) -> Result<Vec<Model>, Unlisted> {
    let mut models = parsed(&site.get(path).await?, |json| parse(json, question))?;
    for model in &mut models {
        model.state = match model.state {
            ModelState::Unknown if !question.local => ModelState::Hosted,
            ModelState::Unknown if question.lists_loaded => ModelState::Loaded,
            told => told,
        };
    }
    Ok(models)
}

/// `{"data":[{"id":...}]}`, as OpenAI itself, vLLM, SGLang, OpenRouter and most gateways answer.
pub(super) fn openai(json: &[u8], question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        data: Rows<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(default)]
        created: Option<serde_json::Number>,
        // One of these, by maker.
        #[serde(default)]
        max_model_len: Option<u64>,
        #[serde(default)]
        max_context_length: Option<u64>,
        #[serde(default)]
        context_length: Option<u64>,
        #[serde(default)]
        context_window: Option<u64>,
        #[serde(rename = "type", default)]
        kind: Option<String>,
        #[serde(default)]
        architecture: Option<Architecture>,
        #[serde(default)]
        supported_parameters: Option<Rows<String>>,
    }
    #[derive(Deserialize)]
    struct Architecture {
        #[serde(default)]
        input_modalities: Option<Rows<String>>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let models = listed.data.0.into_iter().filter_map(|row| {
        let mut model = question.model(&row.id)?;
        // A local server has no date: vLLM and llama.cpp write the time of the answer, which would change each time.
        let created = row.created.filter(|_| !question.local).and_then(|number| number.as_u64());
        model.created = created.filter(|seconds| *seconds > 0);
        let context = row.max_model_len.or(row.max_context_length).or(row.context_length).or(row.context_window);
        model.context.effective = tokens(context);
        if let Some(kinds) = row.architecture.and_then(|it| it.input_modalities) {
            model.capabilities.vision = Some(kinds.0.iter().any(|kind| kind == "image"));
            model.capabilities.audio = Some(kinds.0.iter().any(|kind| kind == "audio"));
        }
        if let Some(parameters) = row.supported_parameters {
            let has = |name: &str| Some(parameters.0.iter().any(|it| it == name));
            model.capabilities.tools = has("tools");
            model.capabilities.reasoning = has("reasoning");
        }
        match row.kind.as_deref() {
            Some("embedding" | "embeddings") => {
                model.capabilities.chat = false;
                model.capabilities.embeddings = true;
            }
            Some("rerank") => {
                model.capabilities.chat = false;
                model.capabilities.rerank = true;
            }
            Some("image" | "audio" | "moderation") => model.capabilities.chat = false,
            Some(_) | None => {}
        }
        Some(model)
    });
    Some(models.collect())
}

/// `{"data":[{"id":...,"created_at":...}]}`, as Anthropic answers.
pub(super) fn anthropic(json: &[u8], question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        data: Rows<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(default)]
        created_at: Option<String>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let models = listed.data.0.into_iter().filter_map(|row| {
        let mut model = question.model(&row.id)?;
        model.created = row.created_at.as_deref().and_then(time::seconds);
        Some(model)
    });
    Some(models.collect())
}

/// `{"models":[{"name":"models/..."}]}`, as Gemini answers.
pub(super) fn gemini(json: &[u8], question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        models: Rows<Row>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Row {
        name: String,
        #[serde(default)]
        input_token_limit: Option<u64>,
        #[serde(default)]
        supported_generation_methods: Option<Vec<String>>,
        #[serde(default)]
        thinking: Option<bool>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let models = listed.models.0.into_iter().filter_map(|row| {
        let mut model = question.model(row.name.strip_prefix("models/").unwrap_or(&row.name))?;
        model.context.effective = tokens(row.input_token_limit);
        model.capabilities.reasoning = row.thinking;
        if let Some(methods) = row.supported_generation_methods {
            let has = |name: &str| methods.iter().any(|it| it == name);
            model.capabilities.chat = has("generateContent");
            model.capabilities.embeddings = has("embedContent");
        }
        Some(model)
    });
    Some(models.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::listing::tests::question;

    #[test]
    fn odd_items_do_not_hide_the_others() {
        let check = |json: &str, expected: Option<&[&str]>| {
            let models = openai(json.as_bytes(), &question());
            let names = models.map(|models| models.iter().map(|model| model.id.to_string()).collect::<Vec<_>>());
            let expected = expected.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
            assert_eq!(names, expected, "{json}");
        };
        check(r#"{"data":[{"id":"a"},{"id":7},{"name":"b"},null,{"id":"c"}]}"#, Some(&["a", "c"]));
        check(r#"{"data":[{"id":"a\u001b[2J"},{"id":"\u202eb"},{"id":""}]}"#, Some(&[]));
        check(r#"{"data":null}"#, Some(&[]));
        check(r#"{"data":{}}"#, None);
        check(r#"{}"#, None);
        check("[]", None);
    }
}
