//! What can be typed. What it does is in `command`, one file each.

use clap::{Parser, Subcommand};

use crate::command::{
    chat, completions, connect, doctor, keys, local_only, manual, models, providers, requests, routes, serve, settings,
    status,
};

/// One localhost port for every language model on this machine.
#[derive(Debug, Parser)]
#[command(
    name = "pointsman",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 Pointsman is not running, 4 no such name."
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway here, until Ctrl-C
    Serve(serve::Options),
    /// What runs, where, and what answers
    Status(status::Options),
    /// The models that can be asked for
    Models(models::Options),
    /// The names that tools ask for, and which models answer them
    Routes(routes::Options),
    /// The hosted providers that can be added, and those that are
    Providers(providers::Options),
    /// Keys for tools, and keys of providers and endpoints
    Keys(keys::Options),
    /// What to paste into a tool so that it asks here
    Connect(connect::Options),
    /// Ask a model, once or in a conversation
    Chat(chat::Options),
    /// What was found, what was refused and why, and what stands in the way
    Doctor(doctor::Options),
    /// Whether anything may leave this machine
    LocalOnly(local_only::Options),
    /// Refuse what is asked of models until `resume`; the list of models and all else goes on
    Pause,
    /// Answer again after a pause
    Resume,
    /// The latest requests, newest first
    Requests(requests::Options),
    /// Where the settings are, and what can be set
    Settings(settings::Options),
    /// A completion script for a shell
    Completions(completions::Options),
    /// Write the manual pages into a folder, for a package
    #[command(hide = true)]
    Manual(manual::Options),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    fn check(line: &str, accepted: bool) {
        let parsed = Arguments::try_parse_from(line.split(' '));
        assert_eq!(parsed.is_ok(), accepted, "{line}: {parsed:?}");
    }

    #[test]
    fn lines_are_taken_or_refused() {
        check("pointsman serve", true);
        check("pointsman serve --port 0 --config settings.toml", true);
        check("pointsman serve --port 65536", false);
        check("pointsman status --json", true);
        check("pointsman models --endpoint ollama --json", true);
        check("pointsman routes", true);
        check("pointsman routes --json", true);
        check("pointsman routes list --json", true);
        check("pointsman routes set code ollama:qwen3:8b openai:gpt-4o --context 32768", true);
        check("pointsman routes set code", false);
        check("pointsman routes add code qwen3:8b", true);
        check("pointsman routes add code", false);
        check("pointsman routes remove code", true);
        check("pointsman routes remove code qwen3:8b", true);
        check("pointsman keys", true);
        check("pointsman keys add editor", true);
        check("pointsman keys add", false);
        check("pointsman keys add editor --endpoint lab", false);
        check("pointsman keys add --endpoint lab", true);
        check("pointsman keys remove --endpoint lab", true);
        check("pointsman keys add groq --name work --from-env", true);
        check("pointsman keys add --endpoint lab --from-env", false);
        check("pointsman keys check groq", true);
        check("pointsman providers --json", true);
        check("pointsman chat --route code hello there", true);
        check("pointsman chat --route code --model qwen3:8b", false);
        check("pointsman connect", true);
        check("pointsman connect codex --route code --json", true);
        check("pointsman connect codex aider", false);
        check("pointsman local-only", true);
        check("pointsman local-only on", true);
        check("pointsman local-only maybe", false);
        check("pointsman pause", true);
        check("pointsman resume", true);
        check("pointsman pause on", false);
        check("pointsman models fetch", true);
        check("pointsman models fetch --cancel", true);
        check("pointsman models fetch --json", false);
        check("pointsman requests --limit 5 --json", true);
        check("pointsman requests --limit 0", false);
        check("pointsman settings --defaults", true);
        check("pointsman settings --defaults --path", false);
        check("pointsman completions zsh", true);
        check("pointsman manual /tmp/man", true);
        check("pointsman manual", false);
        check("pointsman fly", false);
    }
}
