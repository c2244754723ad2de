//! What a click in the tray's menu does: one command each, and a word to the user where nothing would be seen.

use std::sync::Arc;

use pointsman_gateway::control::{Command, Reply, Snapshot};
use pointsman_shared::login;

use super::item::Action;
use crate::desk::Desk;
use crate::keeper::{Link, Sight};
use crate::notices::{self, Kind};
use crate::update;

/// Does it, beside whatever else goes on.
pub(super) fn act(desk: &Arc<Desk>, action: Action, on: bool) {
    let desk = Arc::clone(desk);
    tokio::spawn(async move {
        if let Err(problem) = carry_out(&desk, action, on).await {
            notices::show("Pointsman", &problem);
        }
        // An entry that was clicked is drawn again even where nothing changed.
        desk.redraw.notify_one();
    });
}

async fn carry_out(desk: &Arc<Desk>, action: Action, on: bool) -> Result<(), String> {
    match action {
        Action::Choose { route, target, name } => choose(desk, &route, target, &name).await,
        Action::Pick { route } => desk.open_window(Some(format!("models:{route}"))).await,
        Action::Unload { endpoint, model } => ask(desk, Command::UnloadModel { endpoint, model }).await.map(drop),
        Action::Start { runtime, name } => {
            ask(desk, Command::StartRuntime { runtime }).await?;
            notices::say(desk, Kind::Choice, "Starting", &format!("{name} starts; its models appear by themselves"));
            Ok(())
        }
        Action::LocalOnly => ask(desk, Command::SetLocalOnly { on: !on }).await.map(drop),
        Action::CopyBaseUrl => {
            let (snapshot, _) = serving(desk)?;
            let address = snapshot.addresses.first().ok_or("Pointsman listens nowhere")?;
            desk.clipboard.write(&format!("http://{address}/v1"))
        }
        Action::CopyNewKey => copy_new_key(desk).await,
        Action::Open => desk.open_window(None).await,
        Action::NewChat => desk.open_window(Some("chat:new".to_owned())).await,
        Action::OpenSettings => {
            let file = desk.world.folders.settings();
            // What opens it does not say that there is none.
            let opened = file.metadata().and_then(|_| open::that_detached(&file));
            opened.map_err(|error| format!("{} cannot be opened: {error}", file.display()))
        }
        Action::Pause => ask(desk, Command::SetPaused { on: !on }).await.map(drop),
        Action::StartAtLogin => login::set(&desk.world.environment, !on),
        Action::Update => update::install(desk).await,
        Action::Quit => {
            desk.quit();
            Ok(())
        }
    }
}

fn serving(desk: &Desk) -> Result<(Arc<Snapshot>, Link), String> {
    match desk.sight() {
        Sight::Serving { snapshot, link } => Ok((snapshot, link)),
        Sight::Starting => Err("Pointsman is still starting".to_owned()),
        Sight::Trouble(trouble) => Err(trouble.to_string()),
    }
}

async fn ask(desk: &Desk, command: Command) -> Result<Reply, String> {
    serving(desk)?.1.ask(command).await
}

async fn choose(desk: &Desk, route: &str, target: String, name: &str) -> Result<(), String> {
    let (snapshot, link) = serving(desk)?;
    let set = snapshot.routes.iter().find(|known| known.name == route);
    let targets = chosen(set.map(|set| set.targets.as_slice()).unwrap_or_default(), &target);
    let context = set.and_then(|set| set.context);
    link.ask(Command::SetRoute { name: route.to_owned(), targets, context }).await?;
    desk.remember(|memory| memory.recent.chose(route, &target));
    let model = snapshot.models.iter().find(|model| super::menu::target(&snapshot, model) == target);
    let leaves = if model.is_some_and(|model| !model.local) { "; it leaves this machine" } else { "" };
    notices::say(desk, Kind::Choice, name, &format!("answers `{route}` from the next request on{leaves}"));
    Ok(())
}

/// The targets after a choice: the chosen one first. It takes the place of the first, unless it stood further down; those
/// that were to step in still do.
fn chosen(targets: &[String], target: &str) -> Vec<String> {
    let known = targets.iter().any(|known| known == target);
    let others = targets.iter().skip(usize::from(!known)).filter(|known| *known != target);
    std::iter::once(target.to_owned()).chain(others.cloned()).collect()
}

async fn copy_new_key(desk: &Desk) -> Result<(), String> {
    let (snapshot, link) = serving(desk)?;
    let name = free_name(&snapshot);
    match link.ask(Command::AddClientKey { name: name.clone() }).await? {
        Reply::ClientKey { key } => {
            desk.clipboard.write(&key.0)?;
            // Told always: a key that nobody knows of is no good.
            notices::show(
                "Key copied",
                &format!("It is called `{name}`; paste it into the tool. It is shown only once."),
            );
            Ok(())
        }
        _ => Err("Pointsman answered something else than was asked; restart it after an update".to_owned()),
    }
}

/// `tool-1`, or the first that no key has.
fn free_name(snapshot: &Snapshot) -> String {
    let taken = |name: &String| snapshot.client_keys.iter().any(|key| key.name == *name);
    (1..).map(|number: u32| format!("tool-{number}")).find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(targets: &[&str], target: &str, expected: &[&str]) {
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        assert_eq!(chosen(&targets, target), expected, "{target} chosen for {targets:?}");
    }

    #[test]
    fn what_was_to_step_in_still_does() {
        check(&[], "a", &["a"]);
        check(&["a"], "b", &["b"]);
        check(&["a", "b"], "c", &["c", "b"]);
        check(&["a", "b"], "b", &["b", "a"]);
        check(&["a", "b", "c"], "c", &["c", "a", "b"]);
        check(&["a", "b"], "a", &["a", "b"]);
    }
}
