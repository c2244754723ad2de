//! `pointsman chat`: one question or a conversation, over the same port and API that every tool uses.
//!
//! The answer goes to stdout as it comes, who gave it to stderr. Thinking is shown to a person and left out of a pipe.

mod answer;
mod conversation;
mod prompt;

use std::io::{self, Read};

use futures_util::future;
use pointsman_gateway::control::chat::{self, Connection};
use pointsman_gateway::control::{Command, Reply};

use crate::failure::Failure;
use crate::world::{self, World};
use answer::Answer;
use conversation::Conversation;
use prompt::{Prompt, Said};

/// The variable that holds a client key, for whoever wants the terminal counted as a tool of its own.
const KEY: &str = "POINTSMAN_KEY";

/// What can be said about it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The route that answers [default: default]
    #[arg(long, value_name = "R", conflicts_with = "model")]
    route: Option<String>,
    /// The model that answers; may have a prefix: `ollama:qwen3:8b`
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// One JSON object with the whole answer, for scripts
    #[arg(long)]
    json: bool,
    /// The question; without it a conversation begins, or stdin is read when it is piped
    prompt: Vec<String>,
}

/// Asks.
pub(crate) async fn run(world: &World, options: Options) -> Result<(), Failure> {
    let snapshot = world.snapshot().await?;
    if let Some(route) = &options.route
        && !snapshot.routes.iter().any(|known| known.name == *route)
    {
        return Err(Failure::NotFound(format!("no route `{route}`; `pointsman routes` lists them")));
    }
    // The gateway gives a key to its own shells; the user's own has the terminal counted as a tool.
    let key = match world.environment.get(KEY) {
        Some(key) => key.to_owned(),
        None => match world.ask(&Command::OwnKey).await? {
            Reply::ClientKey { key } => key.0,
            other => return Err(world::unexpected(&other)),
        },
    };
    let connection = Connection::to(&snapshot, Some(key))?;
    let name = options.model.or(options.route).unwrap_or_else(|| "default".to_owned());
    let mut conversation = Conversation::with(name);

    match question(world, options.prompt.join(" "))? {
        Some(question) => once(world, &connection, &mut conversation, question, options.json).await,
        None if options.json => Err(Failure::Usage("--json answers one question: give it, or pipe it in".to_owned())),
        None => converse(world, &connection, conversation).await,
    }
}

/// The one question, if it is one: the words given, and below them what is piped in.
fn question(world: &World, words: String) -> Result<Option<String>, Failure> {
    if world.terminal.asks {
        return Ok(Some(words).filter(|words| !words.is_empty()));
    }
    let mut piped = String::new();
    io::stdin().lock().read_to_string(&mut piped)?;
    let parts: Vec<_> = [words.as_str(), piped.trim()].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(Failure::Usage("nothing is asked: give a question, or pipe one in".to_owned()));
    }
    Ok(Some(parts.join("\n\n")))
}

async fn once(
    world: &World,
    connection: &Connection,
    conversation: &mut Conversation,
    question: String,
    json: bool,
) -> Result<(), Failure> {
    conversation.ask(question);
    let shown = if json { None } else { Some(world.terminal) };
    let answer = answer::receive(connection, &conversation.request(), shown, future::pending()).await?;
    if json {
        world.terminal.json(&answer.for_scripts(conversation.model()))?;
    } else {
        world.terminal.note(&answer.summary());
    }
    // What came is on stdout; that it is not whole must not be missed by a script.
    answer.fault.map_or(Ok(()), |fault| Err(Failure::Failed(anyhow::Error::msg(fault))))
}

async fn converse(world: &World, connection: &Connection, mut conversation: Conversation) -> Result<(), Failure> {
    let terminal = world.terminal;
    terminal
        .note(&format!("{} answers; /model NAME changes that, /new begins afresh, /exit ends", conversation.model()));
    let mut prompt = Prompt::new()?;
    loop {
        let said;
        (prompt, said) = prompt.read().await?;
        match said {
            Said::Exit => return Ok(()),
            Said::Nothing => {}
            Said::New => {
                conversation.clear();
                terminal.note("A new conversation");
            }
            Said::Model(None) => terminal.note(&format!("{} answers", conversation.model())),
            Said::Model(Some(name)) => {
                terminal.note(&format!("{name} answers from now on"));
                conversation.switch(name);
            }
            Said::Unknown(word) => terminal.note(&format!("No command {word}; there are /model, /new and /exit")),
            Said::Question(question) => {
                conversation.ask(question);
                let interrupt = async {
                    // Without a way to hear Ctrl-C it keeps its usual meaning.
                    if tokio::signal::ctrl_c().await.is_err() {
                        future::pending::<()>().await;
                    }
                };
                match answer::receive(connection, &conversation.request(), Some(terminal), interrupt).await {
                    Ok(answer) => keep(world, &mut conversation, answer),
                    Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
                    Err(failure) => {
                        conversation.take_back();
                        terminal.error(&failure.message().unwrap_or_default());
                    }
                }
            }
        }
    }
}

fn keep(world: &World, conversation: &mut Conversation, answer: Answer) {
    world.terminal.note(&answer.summary());
    if let Some(fault) = &answer.fault {
        world.terminal.error(fault);
    }
    if answer.text.is_empty() {
        conversation.take_back();
    } else {
        conversation.answered(answer.text);
    }
}

impl From<chat::Error> for Failure {
    fn from(error: chat::Error) -> Failure {
        match error {
            chat::Error::Key => Failure::Usage(format!("{KEY}: {error}")),
            chat::Error::Refused { status, message, .. } if status == 401 => Failure::Failed(anyhow::anyhow!(
                "{message}; `pointsman chat` sends the one in the variable {KEY}: unset it, or put a good one there"
            )),
            chat::Error::Refused { status, message, .. } if status == 404 => Failure::NotFound(message),
            chat::Error::Refused { .. } | chat::Error::Elsewhere(_) | chat::Error::Silent { .. } => {
                Failure::Failed(error.into())
            }
        }
    }
}
