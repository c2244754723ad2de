//! What `pointsman` can do, one command a file.

pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod local_only;
pub(crate) mod manual;
pub(crate) mod models;
pub(crate) mod pause;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod routes;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod status;

use crate::arguments::Command;
use crate::failure::Failure;
use crate::logging;
use crate::world::World;

/// Does it.
pub(crate) async fn run(world: &World, command: Command) -> Result<(), Failure> {
    // A command that asks and ends says what went wrong in its own words.
    if !matches!(command, Command::Serve(_)) {
        logging::start(world, "error");
    }
    match command {
        Command::Serve(options) => serve::run(world, options).await,
        Command::Status(options) => status::run(world, options).await,
        Command::Models(options) => models::run(world, options).await,
        Command::Routes(options) => routes::run(world, options).await,
        Command::Providers(options) => providers::run(world, options).await,
        Command::Keys(options) => keys::run(world, options).await,
        Command::Connect(options) => connect::run(world, options).await,
        Command::Chat(options) => chat::run(world, options).await,
        Command::Doctor(options) => doctor::run(world, options).await,
        Command::LocalOnly(options) => local_only::run(world, options).await,
        Command::Pause => pause::run(world, true).await,
        Command::Resume => pause::run(world, false).await,
        Command::Requests(options) => requests::run(world, options).await,
        Command::Settings(options) => settings::run(world, &options),
        Command::Completions(options) => completions::run(world, &options),
        Command::Manual(options) => manual::run(&options),
    }
}
