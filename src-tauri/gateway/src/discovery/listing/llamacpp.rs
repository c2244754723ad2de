//! The listing of llama.cpp and llamafile: one model with its properties, or a router's many.

use std::path::PathBuf;

use bytes::Bytes;
use serde::Deserialize;

use super::rows::Rows;
use super::{Question, Unlisted, parameters, parsed, tokens};
use crate::catalog::{Model, ModelState};
use crate::discovery::client::Site;
use crate::discovery::text;
use crate::disk::gguf;
use crate::protocol::Protocol;

/// What a server was started for, as it told when it was asked, or as its model's file says.
#[derive(Debug)]
pub(super) struct Purpose {
    /// The server that told it: another one may stand there tomorrow.
    instance: Instance,
    /// Whether it told it itself.
    told: bool,
    embeddings: bool,
    rerank: bool,
}

/// Asks for the models.
pub(super) async fn list(
    site: &Site,
    question: &Question,
    purpose: &mut Option<Purpose>,
) -> Result<Vec<Model>, Unlisted> {
    let prefix = question.prefix(Protocol::OpenAiChat);
    let listed = site.get(&format!("{prefix}/models")).await?;
    // Without `autoload=false` a router would load a model to answer. Neither path wakes a model that sleeps.
    let props = site.get("/props?autoload=false").await.ok();
    let props = props.as_ref().filter(|answer| answer.status == 200).and_then(|answer| answer.json());
    let props: Option<Props> = props.and_then(|json| serde_json::from_slice(json).ok());
    let mut question = question.clone();
    if let Some(props) = props.as_ref().filter(|props| !props.routes() && !question.embeddings && !question.rerank) {
        let sleeps = props.is_sleeping == Some(true);
        purpose.take_if(|known| known.instance != props.instance || !(known.told || sleeps));
        // Asked once, since each question is a line in the user's console, and not of a model that sleeps: it would wake.
        if purpose.is_none() && listed.status == 200 {
            *purpose = match sleeps {
                false => ask(site, prefix, &props.instance).await,
                true if question.local => of_file(&props.instance).await,
                true => None,
            };
        }
        if let Some(known) = purpose {
            (question.embeddings, question.rerank) = (known.embeddings, known.rerank);
        }
    }
    parsed(&listed, |json| read(json, &props.unwrap_or_default(), &question))
}

/// Asks a server whether it was started with `--embeddings` or `--reranking`: no list of its says so, and such a server
/// babbles when it is asked to chat. A question without an input computes nothing: it is a 501 where the flag was not set,
/// and a 400 where it was. `None` where that remains open.
async fn ask(site: &Site, prefix: &str, instance: &Instance) -> Option<Purpose> {
    let mut is_for = [false; 2];
    for (path, known) in ["embeddings", "rerank"].into_iter().zip(&mut is_for) {
        let answer = site.post(&format!("{prefix}/{path}"), Bytes::from_static(b"{}")).await.ok()?;
        *known = match answer.status {
            400 => true,
            404 | 405 | 501 => false,
            _ => return None,
        };
        // One that orders documents makes vectors to do so; one that makes none orders none.
        if !*known {
            break;
        }
    }
    let [embeddings, rerank] = is_for;
    Some(Purpose { instance: instance.clone(), told: true, embeddings: embeddings && !rerank, rerank })
}

/// What the file of a model that sleeps says that it is for, until the server can be asked: a model that makes vectors or
/// orders documents is hardly served for anything else. `None` where the file is not on this machine.
async fn of_file(instance: &Instance) -> Option<Purpose> {
    let path = PathBuf::from(instance.model_path.as_deref()?);
    let header = tokio::task::spawn_blocking(move || gguf::read_header(&path).ok()).await.ok()??;
    let rerank = header.is_rerank();
    Some(Purpose { instance: instance.clone(), told: false, embeddings: header.is_embedding() && !rerank, rerank })
}

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    #[serde(default)]
    aliases: Rows<String>,
    #[serde(default)]
    meta: Option<Meta>,
    #[serde(default)]
    architecture: Option<Architecture>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    n_ctx: Option<u64>,
    n_ctx_train: Option<u64>,
    n_params: Option<u64>,
    size: Option<u64>,
    ftype: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Architecture {
    input_modalities: Vec<String>,
}

/// Only a router's models have one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    value: String,
    args: Rows<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Props {
    role: Option<String>,
    default_generation_settings: Option<Settings>,
    model_ftype: Option<String>,
    chat_template_caps: Option<TemplateCaps>,
    modalities: Option<Modalities>,
    is_sleeping: Option<bool>,
    #[serde(flatten)]
    instance: Instance,
}

impl Props {
    /// Whether it stands before many models.
    fn routes(&self) -> bool {
        self.role.as_deref() == Some("router")
    }
}

/// What tells one server from the next on its port.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Instance {
    /// Made up anew at each start.
    media_marker: Option<String>,
    model_path: Option<String>,
    build_info: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    n_ctx: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateCaps {
    supports_tools: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Modalities {
    vision: Option<bool>,
    audio: Option<bool>,
}

/// The models in an answer to `/v1/models`, with that to `/props`.
pub(super) fn read(json: &[u8], props: &Props, question: &Question) -> Option<Vec<Model>> {
    #[derive(Deserialize)]
    struct Listed {
        data: Rows<Row>,
    }
    let listed: Listed = serde_json::from_slice(json).ok()?;
    let one = |row: Row| {
        let mut model = question.model(&row.id)?;
        facts(&mut model, &row);
        match (row.status, props.routes()) {
            (Some(status), _) => routed(&mut model, &status),
            (None, true) => {}
            (None, false) => single(&mut model, props),
        }
        Some(model)
    };
    Some(listed.data.0.into_iter().filter_map(one).collect())
}

fn facts(model: &mut Model, row: &Row) {
    model.format = Some("gguf".to_owned());
    model.aliases = row
        .aliases
        .0
        .iter()
        .filter(|alias| **alias != row.id)
        .filter_map(|it| text::name(it))
        .map(Into::into)
        .collect();
    // A server without `--alias` calls its model by the path it was given.
    if let Some((_, file)) = row.id.rsplit_once(['/', '\\']).filter(|(_, file)| file.ends_with(".gguf")) {
        model.aliases.extend(text::name(file).map(Into::into));
    }
    model.aliases.dedup();
    if let Some(meta) = &row.meta {
        model.context.effective = tokens(meta.n_ctx);
        model.context.trained = tokens(meta.n_ctx_train);
        model.parameters = meta.n_params.and_then(parameters);
        model.size = meta.size.filter(|size| *size > 0);
        model.quantisation = meta.ftype.as_deref().and_then(quantisation);
    }
    if let Some(architecture) = row.architecture.as_ref().filter(|it| !it.input_modalities.is_empty()) {
        let hears = |kind: &str| Some(architecture.input_modalities.iter().any(|it| it == kind));
        model.capabilities.vision = hears("image");
        model.capabilities.audio = hears("audio");
    }
}

fn single(model: &mut Model, props: &Props) {
    model.state = if props.is_sleeping == Some(true) { ModelState::Cold } else { ModelState::Loaded };
    let settings = props.default_generation_settings.as_ref();
    model.context.effective = model.context.effective.or(settings.and_then(|it| tokens(it.n_ctx)));
    model.quantisation = model.quantisation.take().or_else(|| props.model_ftype.as_deref().and_then(quantisation));
    if model.capabilities.chat {
        model.capabilities.tools = props.chat_template_caps.as_ref().and_then(|caps| caps.supports_tools);
    }
    if let Some(modalities) = &props.modalities {
        model.capabilities.vision = modalities.vision.or(model.capabilities.vision);
        model.capabilities.audio = modalities.audio.or(model.capabilities.audio);
    }
}

fn routed(model: &mut Model, status: &Status) {
    model.exchanged = true;
    model.state = match &*status.value {
        "loaded" => ModelState::Loaded,
        "loading" | "downloading" => ModelState::Loading,
        "unloaded" | "sleeping" | "downloaded" | "failed" => ModelState::Cold,
        _ => ModelState::Unknown,
    };
    let has = |names: [&str; 2]| status.args.0.iter().any(|word| names.contains(&&**word));
    let (embeddings, rerank) = (has(["--embedding", "--embeddings"]), has(["--reranking", "--rerank"]));
    if embeddings || rerank {
        model.capabilities.chat = false;
        model.capabilities.embeddings = embeddings;
        model.capabilities.rerank = rerank;
    }
}

/// `Q4_K_M` from what llama.cpp prints: `Q4_K - Medium`, `all F32`, `mostly Q4_0 (guessed)`.
fn quantisation(printed: &str) -> Option<String> {
    let plain = printed.trim_end_matches("(guessed)").trim();
    let plain = plain.trim_start_matches("all ").trim_start_matches("mostly ");
    let short = plain.replace(" - Small", "_S").replace(" - Medium", "_M").replace(" - Large", "_L");
    text::fact(&short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantisation_is_written_as_in_file_names() {
        let check = |printed: &str, expected: Option<&str>| assert_eq!(quantisation(printed).as_deref(), expected);
        check("Q4_K - Medium", Some("Q4_K_M"));
        check("Q2_K - Small", Some("Q2_K_S"));
        check("all F32", Some("F32"));
        check("Q4_1", Some("Q4_1"));
        check("mostly Q8_0 (guessed)", Some("Q8_0"));
        check("", None);
    }
}
