//! What the user is told without asking: a choice that took effect, a runtime that came or went, a key that stopped
//! working. Each kind can be turned off in the settings.

use std::sync::Arc;
use std::time::Duration;

use notify_rust::Notification;
use pointsman_gateway::catalog::EndpointState;
use pointsman_gateway::control::{EndpointView, Snapshot};
use pointsman_gateway::settings::read as settings;

use crate::desk::Desk;
use crate::keeper::Sight;

/// A runtime that is restarted is gone for a moment; told is what holds for so long.
const QUIET: Duration = Duration::from_secs(3);
/// The identifier in `tauri.conf.json`, by which a package makes us known.
#[cfg(any(windows, target_os = "macos"))]
const ID: &str = "dev.pointsman.Pointsman";

/// What a notice is about: each has a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something that the user just did.
    Choice,
    /// A runtime appeared or is gone.
    Runtime,
    /// A key is no longer taken.
    Key,
}

/// Tells it, unless the user turned its kind off.
pub(crate) fn say(desk: &Desk, kind: Kind, title: &str, text: &str) {
    let read = settings::load(&desk.world.folders.settings());
    // Broken settings turn nothing off.
    let switches = read.map(|read| read.settings.notifications).unwrap_or_default();
    let wanted = match kind {
        Kind::Choice => switches.choices,
        Kind::Runtime => switches.runtimes,
        Kind::Key => switches.keys,
    };
    if wanted {
        show(title, text);
    }
}

/// Tells it. A desktop that shows no notices loses it: nothing here is only told so.
pub(crate) fn show(title: &str, text: &str) {
    tracing::debug!(target: "desktop", title, text, "notice");
    let mut notice = Notification::new();
    notice.summary(title).body(text).auto_icon();
    from_us(&mut notice);
    // The desktop may take its time.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = notice.show() {
            tracing::debug!(target: "desktop", %error, "the desktop shows no notices");
        }
    });
}

/// By what the system knows us where we are installed; it shows nothing of one that it does not know.
#[cfg(windows)]
fn from_us(notice: &mut Notification) {
    if !cfg!(debug_assertions) {
        notice.app_id(ID);
    }
}

/// By what the system knows us where we are installed; it shows nothing of one that it does not know.
#[cfg(target_os = "macos")]
fn from_us(_notice: &mut Notification) {
    // It can be said once; later it holds already.
    let _ = notify_rust::set_application(if cfg!(debug_assertions) { "com.apple.Terminal" } else { ID });
}

/// By what the system knows us: the program's own name.
#[cfg(not(any(windows, target_os = "macos")))]
fn from_us(_notice: &mut Notification) {}

/// Tells what comes and goes until the program ends.
pub(crate) async fn run(desk: Arc<Desk>) {
    let mut sight = desk.watch();
    let mut known: Option<Arc<Snapshot>> = None;
    while sight.changed().await.is_ok() {
        // What is there at the start is no news, and what comes a moment later is: so the first sight is not waited for.
        if known.is_some() {
            tokio::time::sleep(QUIET).await;
        }
        let now = match &*sight.borrow_and_update() {
            Sight::Serving { snapshot, .. } if snapshot.settled => Some(Arc::clone(snapshot)),
            Sight::Serving { .. } | Sight::Starting | Sight::Trouble(_) => None,
        };
        // After a restart everything appears at once, which is no news.
        if let (Some(before), Some(after)) = (&known, &now)
            && before.instance == after.instance
        {
            for (kind, title, text) in news(before, after) {
                say(&desk, kind, &title, &text);
            }
        }
        known = now;
    }
}

/// What is new between two snapshots.
fn news(before: &Snapshot, after: &Snapshot) -> Vec<(Kind, String, String)> {
    let mut news = Vec::new();
    for endpoint in &after.endpoints {
        let known = before.endpoints.iter().find(|known| known.id == endpoint.id);
        let was_ready = known.is_some_and(|known| known.state == EndpointState::Ready);
        let wants_key = endpoint.state == EndpointState::NeedsKey && endpoint.credential.is_some();
        if was_ready && wants_key {
            let text = "refuses its key; give it another in Providers".to_owned();
            news.push((Kind::Key, endpoint.name.clone(), text));
        } else if is_runtime(endpoint) && endpoint.state == EndpointState::Ready && !was_ready {
            let models =
                if endpoint.models == 1 { "1 model".to_owned() } else { format!("{} models", endpoint.models) };
            news.push((Kind::Runtime, endpoint.name.clone(), format!("appeared with {models}")));
        }
    }
    let gone = |known: &&EndpointView| {
        let now = after.endpoints.iter().find(|now| now.id == known.id);
        is_runtime(known)
            && known.state == EndpointState::Ready
            && now.is_none_or(|now| now.state == EndpointState::Unreachable)
    };
    let gone = before.endpoints.iter().filter(gone);
    news.extend(gone.map(|known| (Kind::Runtime, known.name.clone(), "is gone".to_owned())));
    news
}

/// The built-in one comes and goes with others: that is no news.
fn is_runtime(endpoint: &EndpointView) -> bool {
    endpoint.runtime.is_some() && endpoint.origin == "discovered"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(name: &str, state: &str, credential: Option<&str>) -> EndpointView {
        let origin = if credential.is_some() { "settings" } else { "discovered" };
        serde_json::from_value(json!({
            "id": name, "name": name, "runtime": name, "origin": origin, "base_url": "http://127.0.0.1:1", "speaks": [],
            "local": credential.is_none(), "state": state, "cooling_seconds": null, "version": null, "process": null,
            "credential": credential, "models": 2, "notes": [],
        }))
        .unwrap()
    }

    fn check(before: &[EndpointView], after: &[EndpointView], expected: &[&str]) {
        let of = |endpoints: &[EndpointView]| Snapshot { endpoints: endpoints.to_vec(), ..Snapshot::default() };
        let told: Vec<String> =
            news(&of(before), &of(after)).into_iter().map(|(_, title, text)| format!("{title} {text}")).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn told_is_what_came_went_or_stopped_working() {
        let ollama = |state| endpoint("ollama", state, None);
        let groq = |state| endpoint("groq", state, Some("keychain:groq"));
        check(&[], &[], &[]);
        check(&[], &[ollama("ready")], &["ollama appeared with 2 models"]);
        check(&[], &[ollama("starting")], &[]);
        check(&[ollama("starting")], &[ollama("ready")], &["ollama appeared with 2 models"]);
        check(&[ollama("ready")], &[ollama("ready")], &[]);
        check(&[ollama("ready")], &[], &["ollama is gone"]);
        check(&[ollama("starting")], &[], &[]);
        check(&[groq("ready")], &[groq("needs_key")], &["groq refuses its key; give it another in Providers"]);
        check(&[groq("ready")], &[groq("unreachable")], &[]);
        check(&[], &[groq("ready")], &[]);
        check(&[groq("ready")], &[], &[]);
    }
}
