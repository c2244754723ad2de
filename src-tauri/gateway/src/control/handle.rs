//! What every shell holds: reads the gateway's state and carries commands out.
//!
//! A change goes into the settings file; the watcher reads it back and all stages follow, so that an edit by hand and a
//! command take the same way. Nothing here answers inference.

mod activity;
mod conversations;
mod setup;
mod tools;
mod trial;
mod upkeep;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::socket::Handler;
use super::{Command, LiveRequest, Reply, SecretText, Snapshot, view};
use crate::authority::Authority;
use crate::catalog::Catalog;
use crate::conversations::Conversations;
use crate::discovery::configured::key_check::{self, Proof};
use crate::environment::Environment;
use crate::machine::Gauge;
use crate::provider::hosted::KeyNeed;
use crate::secrets::{CredentialRef, Secret, Vault};
use crate::server::{Shared, ollama_port};
use crate::settings::watch::Loaded;
use crate::settings::{ConfiguredEndpoint, RequireKey, Settings, client_key, edit};
use crate::timestamp::{self, milliseconds};
use crate::upkeep::Upkeep;
use crate::usage::live::Live;

/// What a handle is made of.
pub struct Parts {
    /// This run's id.
    pub instance: String,
    /// What is listened on.
    pub addresses: Vec<SocketAddr>,
    /// The settings file.
    pub settings_file: PathBuf,
    /// The usage database, where one is kept.
    pub usage_file: Option<PathBuf>,
    /// What the request path reads.
    pub shared: Arc<Shared>,
    /// Whether no model is asked until the user goes on.
    pub paused: watch::Sender<bool>,
    /// A client key that stands in no settings.
    pub own_key: Secret,
    /// The settings file as it was read.
    pub loaded: watch::Receiver<Arc<Loaded>>,
    /// The settings in force in every stage.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What is available.
    pub catalog: watch::Receiver<Arc<Catalog>>,
    /// The second port.
    pub ollama_port: watch::Receiver<ollama_port::State>,
    /// Grows with each change of any.
    pub changes: watch::Receiver<u64>,
    /// Where credentials are kept.
    pub vault: Arc<Vault>,
    /// Proves who asks where a credential does not.
    pub authority: Authority,
    /// Why the keychain cannot be used, once that is known.
    pub keychain: watch::Receiver<Option<String>>,
    /// Has it found out again.
    pub keychain_check: Arc<Notify>,
    /// Environment variables.
    pub environment: Environment,
    /// Wakes discovery.
    pub rescan: Arc<Notify>,
    /// Tells runtimes what to do.
    pub upkeep: Upkeep,
    /// The machine's memory.
    pub machine: Gauge,
    /// The kept conversations.
    pub conversations: Conversations,
    /// Stops the gateway.
    pub stop: CancellationToken,
}

/// A gateway in the same process.
#[derive(Clone)]
pub struct Handle(Arc<Parts>);

impl Handle {
    /// A handle on these parts.
    pub fn new(parts: Parts) -> Handle {
        Handle(Arc::new(parts))
    }

    /// What is available now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.catalog.borrow())
    }

    async fn carry_out(&self, command: Command) -> Result<Reply, String> {
        match command {
            Command::Snapshot | Command::Watch => {
                self.0.machine.fresh().await;
                Ok(Reply::Snapshot(Box::new(self.snapshot())))
            }
            Command::SetRoute { name, targets, context } => {
                self.edit(move |file| edit::set_route(file, &name, &targets, context)).await
            }
            Command::RemoveRoute { name } => {
                let missing = format!("there is no route `{name}` in the settings");
                self.edit_existing(missing, move |file| edit::remove_route(file, &name)).await
            }
            Command::SetLocalOnly { on } => self.edit(move |file| edit::set_local_only(file, on)).await,
            Command::AddClientKey { name } => self.add_client_key(name).await,
            Command::RemoveClientKey { name } => {
                let missing = format!("there is no client key named `{name}`");
                self.edit_existing(missing, move |file| edit::remove_client_key(file, &name)).await
            }
            Command::StoreCredential { endpoint, spare, secret } => {
                self.store_credential(endpoint, spare, secret).await
            }
            Command::AddProvider { provider, name, base_url, allow_private, settings, secret, variable } => {
                let name = name.unwrap_or_else(|| provider.clone());
                let secret = secret.filter(|secret| !secret.0.trim().is_empty());
                self.add_provider(setup::Hosted { name, provider, base_url, allow_private, settings, secret, variable })
                    .await
            }
            Command::CheckKey { endpoint } => self.check_key(&endpoint).await,
            Command::RemoveCredential { endpoint } => self.remove_credential(endpoint).await,
            Command::Requests { limit, before, filter } => self.requests(limit, before, filter).await,
            Command::Usage { days } => self.usage_days(days).await,
            Command::WatchLive => Ok(Reply::Live { requests: self.live() }),
            Command::CancelRequest { id } => self.cancel_request(id),
            Command::KeepBodies { minutes } => self.keep_bodies(minutes),
            Command::Bodies { request } => self.bodies(request).await,
            Command::DeleteBodies => self.delete_bodies().await,
            Command::TestRoute { name } => self.test_route(name).await,
            Command::OwnKey => Ok(Reply::ClientKey { key: SecretText(self.0.own_key.expose().to_owned()) }),
            Command::SetPaused { on } => {
                self.0.paused.send_if_modified(|paused| std::mem::replace(paused, on) != on);
                Ok(Reply::Done)
            }
            Command::Rescan => {
                self.0.rescan.notify_one();
                Ok(Reply::Done)
            }
            Command::Stop => {
                self.0.stop.cancel();
                Ok(Reply::Done)
            }
            Command::AddEndpoint { name, base_url, protocol, models, allow_private, secret } => {
                self.add_endpoint(setup::Typed { name, base_url, protocol, models, allow_private, secret }).await
            }
            Command::RemoveEndpoint { name } => self.remove_endpoint(name).await,
            Command::Settings => self.settings(),
            Command::SetSetting { key, value } => self.set_setting(&key, &value).await,
            Command::Providers => self.providers(),
            Command::Tools { route, key } => self.tools(&route, key.as_ref()),
            Command::LoadModel { endpoint, model } => self.load_model(&endpoint, &model).await,
            Command::UnloadModel { endpoint, model } => self.unload_model(&endpoint, &model).await,
            Command::PullModel { endpoint, name } => self.pull_model(&endpoint, &name).await,
            Command::FetchFirstModel => self.fetch_first().await,
            Command::CancelPull { endpoint, name } => self.cancel_pull(&endpoint, &name),
            Command::StartRuntime { runtime } => self.start_runtime(&runtime).await,
            Command::Conversations { search } => self.conversations(search).await,
            Command::Conversation { id } => self.conversation(id).await,
            Command::SaveMessage { conversation, message } => self.save_message(conversation, message).await,
            Command::RenameConversation { id, title } => self.rename_conversation(id, title).await,
            Command::DeleteConversation { id } => self.delete_conversation(id).await,
        }
    }

    async fn edit<T, F>(&self, change: F) -> Result<Reply, String>
    where
        T: Send + 'static,
        F: FnOnce(&std::path::Path) -> Result<T, edit::EditError> + Send + 'static,
    {
        self.changed(change).await.map(|_| Reply::Done)
    }

    async fn edit_existing<F>(&self, missing: String, change: F) -> Result<Reply, String>
    where
        F: FnOnce(&std::path::Path) -> Result<bool, edit::EditError> + Send + 'static,
    {
        if self.changed(change).await? { Ok(Reply::Done) } else { Err(missing) }
    }

    /// Changes the settings file, and returns once the change is in force: whoever asks next meets it.
    async fn changed<T, F>(&self, change: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&std::path::Path) -> Result<T, edit::EditError> + Send + 'static,
    {
        let file = self.0.settings_file.clone();
        let mut loaded = self.0.loaded.clone();
        loaded.borrow_and_update();
        let done = tokio::task::spawn_blocking(move || {
            let before = std::fs::read(&file).ok();
            let done = change(&file)?;
            Ok::<_, edit::EditError>((done, before != std::fs::read(&file).ok()))
        });
        let (done, differs) =
            done.await.map_err(|_| "the change was given up".to_owned())?.map_err(|error| error.to_string())?;
        if differs {
            // A watcher that hears nothing, as on some network drives, must not hang the asker.
            let mut settings = self.0.settings.clone();
            let in_force = async {
                let _ = loaded.changed().await;
                let wanted = Arc::clone(&loaded.borrow().settings);
                let _ = settings.wait_for(|settings| *settings == wanted).await;
            };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(2), in_force).await;
        }
        Ok(done)
    }

    async fn add_client_key(&self, name: String) -> Result<Reply, String> {
        let today = timestamp::day(SystemTime::now());
        let (plain, key) = client_key::mint(&name, &today).map_err(|error| format!("no randomness: {error}"))?;
        self.edit(move |file| edit::add_client_key(file, &key)).await?;
        Ok(Reply::ClientKey { key: SecretText(plain) })
    }

    async fn store_credential(&self, endpoint: String, spare: bool, secret: SecretText) -> Result<Reply, String> {
        let spares = self.known_endpoint(&endpoint)?.spare_keys;
        let secret = Secret::new(secret.0.trim().to_owned());
        let name = if spare { spare_name(&endpoint, &spares) } else { endpoint.clone() };
        let stored = self.0.vault.store(&name, secret).await.map_err(|error| error.to_string())?;
        let reference = stored.reference.clone();
        self.edit(move |file| {
            if spare {
                edit::add_spare_key(file, &endpoint, &reference)
            } else {
                edit::set_endpoint_key(file, &endpoint, &reference)
            }
        })
        .await?;
        self.0.rescan.notify_one();
        self.0.keychain_check.notify_one();
        Ok(Reply::Stored { place: stored.reference.to_string(), note: stored.note })
    }

    async fn check_key(&self, endpoint: &str) -> Result<Reply, String> {
        self.known_endpoint(endpoint)?;
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        let unknown = || format!("the endpoint `{endpoint}` has no key");
        let entry = settings.endpoints.iter().find(|known| known.name == endpoint).ok_or_else(unknown)?;
        if settings.local_only {
            let says = "local-only mode is on: the key was not tried".to_owned();
            return Ok(Reply::Checked { good: None, says });
        }
        let secret = match &entry.key {
            Some(reference) => {
                let secret = self.0.vault.lookup(reference).await.map_err(|error| error.to_string())?;
                Some(secret.ok_or_else(unknown)?)
            }
            None if entry.provider.as_ref().is_some_and(|account| account.key == KeyNeed::Optional) => None,
            None => return Err(unknown()),
        };
        let at = entry.provider.as_ref().map_or(endpoint, |row| &row.name);
        let (good, says) = match key_check::check(entry, secret, &self.0.authority).await {
            Proof::Good => (Some(true), format!("{at} takes the key")),
            Proof::Refused { status } => (Some(false), format!("{at} refuses the key ({status})")),
            Proof::Unclear { reason } => (None, format!("whether {at} takes the key was not found out: {reason}")),
        };
        Ok(Reply::Checked { good, says })
    }

    async fn remove_credential(&self, endpoint: String) -> Result<Reply, String> {
        let keys = self.known_endpoint(&endpoint)?.keys();
        if keys.is_empty() {
            return Err(format!("the endpoint `{endpoint}` has no key"));
        }
        for reference in keys {
            self.0.vault.remove(&reference).await.map_err(|error| error.to_string())?;
        }
        self.edit(move |file| edit::unset_endpoint_key(file, &endpoint)).await
    }

    fn known_endpoint(&self, name: &str) -> Result<ConfiguredEndpoint, String> {
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        let known = settings.endpoints.iter().find(|endpoint| endpoint.name == name).cloned();
        known.ok_or_else(|| {
            let file = self.0.settings_file.display();
            format!("the settings have no endpoint named `{name}`; add it to {file} as [[endpoints]]")
        })
    }
}

/// The first name of `work-2`, `work-3`, ... that no spare key has.
fn spare_name(endpoint: &str, spares: &[CredentialRef]) -> String {
    let taken = |name: &String| spares.iter().any(|spare| spare.to_string().ends_with(&format!(":{name}")));
    (2..).map(|number: u32| format!("{endpoint}-{number}")).find(|name| !taken(name)).unwrap_or_default()
}

impl Handler for Handle {
    async fn call(&self, command: Command) -> Reply {
        self.carry_out(command).await.unwrap_or_else(|message| Reply::Failed { message })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.clone()
    }

    fn look(&self) -> impl Send + 'static {
        self.0.machine.look()
    }

    fn live(&self) -> Vec<LiveRequest> {
        Handle::live(self)
    }

    fn snapshot(&self) -> Snapshot {
        let catalog = self.catalog();
        let loaded = Arc::clone(&self.0.loaded.borrow());
        let settings = &loaded.settings;
        let now = Instant::now();
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.0.instance.clone(),
            process: std::process::id(),
            addresses: self.0.addresses.iter().map(ToString::to_string).collect(),
            ollama_port: self.0.ollama_port.borrow().clone(),
            revision: *self.0.changes.borrow(),
            settled: catalog.settled(),
            open_streams: self.0.shared.live.count(),
            local_only: settings.local_only,
            key_always: settings.require_key == RequireKey::Always,
            settings_problem: loaded.problem.clone(),
            settings_warnings: loaded.warnings.clone(),
            keychain_problem: self.0.keychain.borrow().clone(),
            paused: *self.0.paused.borrow(),
            machine: self.0.machine.now(),
            pulls: self.0.upkeep.pulls(),
            first_model: self.0.upkeep.first_model(),
            settings_file: self.0.settings_file.display().to_string(),
            endpoints: view::endpoints(&catalog, self.0.upkeep.runtimes(), &self.0.shared.dispatch.allowances, now),
            models: catalog.models().map(|model| model.told((now, SystemTime::now()))).collect(),
            routes: view::routes(&catalog, settings, now),
            client_keys: activity::last_used(view::client_keys(settings), &self.0.shared.live.seen()),
            installed: catalog.installed().to_vec(),
            refused: catalog.refused().cloned().collect(),
            bodies_until_ms: self.0.shared.bodies.until().map(milliseconds),
            usage_dropped: self.0.shared.usage.stats().dropped,
        }
    }
}

/// All that a snapshot is made of and that changes by itself.
pub struct Watched {
    /// What is available.
    pub catalog: watch::Receiver<Arc<Catalog>>,
    /// The settings file.
    pub loaded: watch::Receiver<Arc<Loaded>>,
    /// The second port.
    pub ollama_port: watch::Receiver<ollama_port::State>,
    /// Whether no model is asked.
    pub paused: watch::Receiver<bool>,
    /// Why the keychain cannot be used.
    pub keychain: watch::Receiver<Option<String>>,
    /// Until when bodies are kept.
    pub bodies: watch::Receiver<Option<SystemTime>>,
}

/// The shortest time between two changes from busy to idle: tools ask in quick succession, and who shows it is a person.
const CALM: Duration = Duration::from_millis(500);

/// Counts into the same number when a first request is answered and when none is left, until `stop`.
pub async fn count_stirs(live: Live, changes: watch::Sender<u64>, stop: CancellationToken) {
    let stirs = async {
        let mut busy = false;
        loop {
            live.stirred().await;
            if busy != (live.count() > 0) {
                busy = !busy;
                changes.send_modify(|count| *count += 1);
                tokio::time::sleep(CALM).await;
            }
        }
    };
    stop.run_until_cancelled(stirs).await;
}

/// Counts its changes into one number, until `stop`.
pub async fn count_changes(mut watched: Watched, changes: watch::Sender<u64>, stop: CancellationToken) {
    loop {
        let changed = tokio::select! {
            () = stop.cancelled() => return,
            changed = watched.catalog.changed() => changed,
            changed = watched.loaded.changed() => changed,
            changed = watched.ollama_port.changed() => changed,
            changed = watched.paused.changed() => changed,
            changed = watched.keychain.changed() => changed,
            changed = watched.bodies.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        changes.send_modify(|count| *count += 1);
    }
}
