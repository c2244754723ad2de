//! `pointsman models`: what can be asked for.

mod fetch;

use comfy_table::Table;
use pointsman_gateway::catalog::{Capabilities, Context, Model, ModelState};

use crate::failure::Failure;
use crate::world::World;
use crate::{figures, table};

/// What can be said about it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only what this endpoint offers: its id or its runtime, `ollama`
    #[arg(long, value_name = "E")]
    endpoint: Option<String>,
    /// For scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Fetch a small model for the built-in runtime
    Fetch(fetch::Options),
}

/// Lists them, or fetches one.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    if let Some(Action::Fetch(options)) = options.action {
        return fetch::run(world, options).await;
    }
    let snapshot = world.snapshot().await?;
    let mut models = snapshot.models;
    if let Some(wanted) = &options.endpoint {
        let ids: Vec<_> = snapshot
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.id == *wanted || endpoint.runtime.as_deref() == Some(wanted))
            .map(|endpoint| endpoint.id.as_str())
            .collect();
        if ids.is_empty() {
            let known: Vec<_> = snapshot.endpoints.iter().map(|endpoint| endpoint.id.as_str()).collect();
            let known =
                if known.is_empty() { "none is there".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(Failure::NotFound(format!("no endpoint `{wanted}`; {known}")));
        }
        models.retain(|model| ids.contains(&&*model.endpoint));
    }
    if options.json {
        return world.terminal.json(&models);
    }
    if models.is_empty() {
        world.terminal.note("No models yet; `pointsman doctor` says what was found and what to start");
        return Ok(());
    }
    world.terminal.table(listed(&models))
}

fn listed(models: &[Model]) -> Table {
    let mut table = table::new(["Model", "Endpoint", "Where", "State", "Size", "Context", "Can", "Quantisation"]);
    for model in models {
        table.add_row(table::row([
            &model.id,
            &model.endpoint,
            &whereabouts(model.local),
            &state(model.state),
            &model.size.map(figures::bytes).unwrap_or_default(),
            &context(model.context),
            &abilities(&model.capabilities),
            &model.quantisation.as_deref().unwrap_or_default(),
        ]));
    }
    table
}

/// `on this machine` or `leaves this machine`: the one pair of words for it.
pub(super) fn whereabouts(local: bool) -> &'static str {
    if local { "on this machine" } else { "leaves this machine" }
}

fn state(state: ModelState) -> &'static str {
    match state {
        ModelState::Loaded => "loaded",
        ModelState::Loading => "loading",
        ModelState::Cold => "cold",
        ModelState::Hosted => "hosted",
        ModelState::Unknown => "",
    }
}

fn context(context: Context) -> String {
    match (context.effective, context.trained) {
        (Some(effective), Some(trained)) if effective < trained => {
            format!("{} of {}", figures::context(effective), figures::context(trained))
        }
        (Some(tokens), _) => figures::context(tokens),
        // What a runtime will really give is known only once the model is loaded.
        (None, Some(trained)) => format!("up to {}", figures::context(trained)),
        (None, None) => String::new(),
    }
}

fn abilities(can: &Capabilities) -> String {
    [
        (can.chat, "chat"),
        (can.tools == Some(true), "tools"),
        (can.vision == Some(true), "vision"),
        (can.reasoning == Some(true), "think"),
        (can.audio == Some(true), "audio"),
        (can.embeddings, "embed"),
        (can.rerank, "rerank"),
    ]
    .into_iter()
    .filter_map(|(able, word)| able.then_some(word))
    .collect::<Vec<_>>()
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_models() {
        let models: Vec<Model> = serde_json::from_value(serde_json::json!([
            {
                "id": "qwen3:8b", "endpoint": "ollama@11434", "size": 5_225_388_164u64, "quantisation": "Q4_K_M",
                "context": {"trained": 40960, "effective": 8192}, "state": "loaded", "local": true,
                "capabilities": {"chat": true, "tools": true, "reasoning": true},
            },
            {
                "id": "nomic\u{1b}[31m", "endpoint": "ollama@11434", "context": {"trained": 2048}, "state": "cold",
                "local": true, "capabilities": {"chat": false, "embeddings": true},
            },
            {"id": "gpt-4o", "endpoint": "openai", "state": "hosted", "local": false},
        ]))
        .unwrap();
        let expected = "\
Model       Endpoint      Where                State   Size    Context    Can               Quantisation
qwen3:8b    ollama@11434  on this machine      loaded  5.2 GB  8k of 40k  chat tools think  Q4_K_M
nomic\u{fffd}[31m  ollama@11434  on this machine      cold            up to 2k   embed
gpt-4o      openai        leaves this machine  hosted                     chat";
        assert_eq!(listed(&models).trim_fmt(), expected, "no name steers the terminal, states are words");
    }
}
