//! What a person tells a runtime to do: load a model, take it out of memory, fetch one, start.
//!
//! Commands of a shell come here, requests of tools never do. Only an endpoint's own address is asked, with the credential
//! that its settings name and a discovered one with none. What came of it shows when discovery looks again, which it is
//! asked to do at once: nothing here writes the catalog, and nothing here answers inference.

mod answer;
mod fetch;
mod llamacpp;
mod lmstudio;
mod ollama;
mod pulls;
mod starts;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::Authority;
use crate::builtin::Engine;
use crate::builtin::first::{self, FirstModel};
use crate::catalog::{Catalog, Endpoint, EndpointState, Model, ModelState, Origin};
use crate::control::{FirstModelView, ModelActions, Pull};
use crate::discovery::client::Site;
use crate::discovery::{self, Credentials};
use crate::environment::{Environment, Folders};
use crate::provider::{RuntimeSpec, UpkeepForm};
use crate::settings::Settings;
pub use pulls::Pulls;
use starts::Starts;
pub use starts::Yard;

/// The built-in runtime, as the catalog calls it.
pub(crate) const BUILT_IN: &str = "builtin";
/// What a runtime may take to let go of a model, or to begin a download.
const SHORT: Duration = Duration::from_secs(60);

/// What is needed to tell runtimes something.
pub struct Parts {
    /// The table of runtimes.
    pub runtimes: Arc<[RuntimeSpec]>,
    /// What is available.
    pub catalog: watch::Receiver<Arc<Catalog>>,
    /// The settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Fetches the credentials of endpoints from the settings.
    pub credentials: Credentials,
    /// Proves who asks where those do not.
    pub authority: Authority,
    /// The built-in runtime.
    pub engine: Engine,
    /// Wakes discovery.
    pub rescan: Arc<Notify>,
    /// Models that are being fetched.
    pub pulls: Pulls,
    /// Environment variables: where models may be, and from where one is fetched.
    pub environment: Environment,
    /// Where things are kept.
    pub folders: Folders,
    /// Where downloads and started runtimes are attended.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// See the module.
pub struct Upkeep(Parts, Starts);

/// A model at its endpoint, and how the two are told.
struct Found {
    endpoint: Arc<Endpoint>,
    model: Arc<Model>,
    told: Told,
}

/// How an endpoint is told about models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is ours.
    BuiltIn,
    /// Over its own API.
    Over(UpkeepForm),
}

/// What an endpoint can be told to do with its models.
pub fn actions(runtimes: &[RuntimeSpec], endpoint: &Endpoint, models: &[Arc<Model>]) -> ModelActions {
    if endpoint.state != EndpointState::Ready {
        return ModelActions::default();
    }
    match told(runtimes, endpoint, models) {
        None => ModelActions::default(),
        // What it can have is one model, which is offered where it is not here: see `fetch_first`.
        Some(Told::BuiltIn) => ModelActions { load: true, unload: true, pull: false },
        // What is fetched lands on the disk of the machine that fetches.
        Some(Told::Over(UpkeepForm::Ollama | UpkeepForm::LmStudio | UpkeepForm::LlamaCpp)) => {
            ModelActions { load: true, unload: true, pull: endpoint.local }
        }
    }
}

fn told(runtimes: &[RuntimeSpec], endpoint: &Endpoint, models: &[Arc<Model>]) -> Option<Told> {
    if endpoint.origin == Origin::BuiltIn {
        return Some(Told::BuiltIn);
    }
    let runtime = endpoint.origin.runtime()?;
    let form = runtimes.iter().find(|row| *row.id == *runtime)?.upkeep.as_ref()?.at(endpoint.version.as_deref())?;
    match form {
        UpkeepForm::Ollama | UpkeepForm::LmStudio => Some(Told::Over(form)),
        // A server of one model has it from its start to its end; one that answers and has none is a router.
        UpkeepForm::LlamaCpp => {
            (models.is_empty() || models.iter().any(|model| model.exchanged)).then_some(Told::Over(form))
        }
    }
}

impl Upkeep {
    /// On these parts; what it starts is let go in this yard.
    pub fn new(parts: Parts, yard: Yard) -> Upkeep {
        Upkeep(parts, Starts::new(yard))
    }

    /// The table of runtimes.
    pub fn runtimes(&self) -> &[RuntimeSpec] {
        &self.0.runtimes
    }

    /// Loads a model, and returns once it is in memory.
    pub async fn load(&self, endpoint: &str, model: &str) -> Result<(), String> {
        let found = self.find(endpoint, model)?;
        let patience = Duration::from_secs(self.0.settings.borrow().limits.first_byte_seconds);
        let done = match found.told {
            // It stays until it has rested as long as after any request.
            Told::BuiltIn => self.0.engine.ready(&found.model.id).await.map(drop).map_err(|error| error.to_string()),
            Told::Over(form) => {
                let site = self.site(&found.endpoint, patience).await?;
                let loading = async {
                    match form {
                        UpkeepForm::Ollama => ollama::load(&site, &found.model).await,
                        UpkeepForm::LmStudio => lmstudio::load(&site, &found.model.id).await,
                        UpkeepForm::LlamaCpp => llamacpp::load(&site, &found.model.id, &self.0.rescan).await,
                    }
                };
                tokio::time::timeout(patience, loading)
                    .await
                    .unwrap_or_else(|_| Err(format!("it was not loaded in {} seconds", patience.as_secs())))
            }
        };
        self.0.rescan.notify_one();
        done.map_err(|reason| format!("{model} is not loaded: {reason}"))
    }

    /// Takes a model out of memory.
    pub async fn unload(&self, endpoint: &str, model: &str) -> Result<(), String> {
        let found = self.find(endpoint, model)?;
        let done = match found.told {
            Told::BuiltIn => self.0.engine.unload(&found.model.id).await.map_err(|error| error.to_string()),
            Told::Over(form) => {
                let site = self.site(&found.endpoint, SHORT).await?;
                match form {
                    UpkeepForm::Ollama => ollama::unload(&site, &found.model).await,
                    UpkeepForm::LmStudio => lmstudio::unload(&site, &found.model.id).await,
                    UpkeepForm::LlamaCpp => llamacpp::unload(&site, &found.model.id).await,
                }
            }
        };
        self.0.rescan.notify_one();
        done.map_err(|reason| format!("{model} is not unloaded: {reason}"))
    }

    /// Has a runtime fetch a model, and returns when it began.
    pub async fn pull(&self, endpoint: &str, name: &str) -> Result<(), String> {
        let name = discovery::text::name(name).ok_or("a model's name is one line of visible characters")?;
        let settings = Arc::clone(&self.0.settings.borrow());
        if settings.local_only {
            return Err("local-only mode is on, and a download leaves this machine".to_owned());
        }
        let (endpoint, models) = self.endpoint(endpoint)?;
        let form = match told(&self.0.runtimes, &endpoint, &models) {
            Some(Told::Over(form)) if endpoint.local => form,
            Some(_) | None if !endpoint.local => {
                return Err(format!("{} is not on this machine: fetch the model there", endpoint.id));
            }
            Some(_) | None => return Err(format!("{} cannot be told to fetch a model", endpoint.name)),
        };
        let site = self.site(&endpoint, SHORT).await?;
        let Some(ticket) = self.0.pulls.begin(&endpoint.id, name)? else { return Ok(()) };
        let (stop, rescan) = (self.0.stop.clone(), Arc::clone(&self.0.rescan));
        let mut settings = self.0.settings.clone();
        let (name, runtime) = (name.to_owned(), endpoint.name.clone());
        self.0.tasks.spawn(async move {
            let given_up = ticket.given_up();
            let fetching = async {
                match form {
                    UpkeepForm::Ollama => ollama::pull(&site, &name, &ticket).await,
                    UpkeepForm::LmStudio => lmstudio::pull(&site, &name, &ticket).await,
                    UpkeepForm::LlamaCpp => llamacpp::pull(&site, &name, &ticket).await,
                }
            };
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                () = local_only(&mut settings) => Err("local-only mode was turned on".to_owned()),
                () = given_up.cancelled() => Err(String::new()),
                ended = fetching => ended,
            };
            // Ollama notices that nobody listens any more; a router does not.
            if form == UpkeepForm::LlamaCpp && (given_up.is_cancelled() || settings.borrow().local_only) {
                llamacpp::give_up(&site, &name).await;
            }
            match ended {
                _ if given_up.is_cancelled() => {}
                Ok(()) => {
                    ticket.done();
                    rescan.notify_one();
                }
                Err(reason) => ticket.failed(format!("{runtime}: {reason}")),
            }
        });
        Ok(())
    }

    /// What can be fetched for the built-in runtime; none where it is here already.
    pub fn first_model(&self) -> Option<FirstModelView> {
        let row = FirstModel::offered().ok()?;
        let settings = Arc::clone(&self.0.settings.borrow());
        let here = row.is_here(&settings.builtin, &self.0.environment, &self.0.folders);
        (!here).then(|| FirstModelView {
            name: row.name.clone(),
            bytes: row.bytes,
            licence: row.licence.clone(),
            about: row.about.clone(),
        })
    }

    /// Fetches a first model for the built-in runtime, and returns when it began.
    pub fn fetch_first(&self) -> Result<(), String> {
        let row = FirstModel::offered().map_err(|error| format!("the table of first models is broken: {error}"))?;
        let settings = Arc::clone(&self.0.settings.borrow());
        if settings.local_only {
            return Err("local-only mode is on, and a download leaves this machine".to_owned());
        }
        if row.is_here(&settings.builtin, &self.0.environment, &self.0.folders) {
            return Err(format!("{} is here already", row.name));
        }
        let from = fetch::address(&row, self.0.environment.get("HF_ENDPOINT"))?;
        let Some(ticket) = self.0.pulls.begin(BUILT_IN, &row.name)? else { return Ok(()) };
        let (stop, rescan) = (self.0.stop.clone(), Arc::clone(&self.0.rescan));
        let (mut settings, folder) = (self.0.settings.clone(), first::folder(&self.0.folders));
        self.0.tasks.spawn(async move {
            let given_up = ticket.given_up();
            let tell = |says: &str, done| ticket.tell(says, done, Some(row.bytes));
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                () = local_only(&mut settings) => Err("local-only mode was turned on".to_owned()),
                () = given_up.cancelled() => {
                    // Nobody wants it: it takes up no room.
                    let _ = tokio::fs::remove_file(fetch::part(&folder, &row)).await;
                    return;
                }
                ended = fetch::fetch(&row, &from, &folder, tell) => ended,
            };
            match ended {
                Ok(()) => {
                    ticket.done();
                    rescan.notify_one();
                }
                Err(reason) => ticket.failed(reason),
            }
        });
        Ok(())
    }

    /// Gives up a pull, or forgets one that failed.
    pub fn cancel_pull(&self, endpoint: &str, name: &str) -> Result<(), String> {
        let was_running = self.0.pulls.cancel(endpoint, name)?;
        let ours = self.endpoint(endpoint).ok().and_then(|(it, models)| told(&self.0.runtimes, &it, &models));
        // Its REST API begins a download and tells of it; nothing in it stops one (documented up to 0.4).
        if was_running && ours == Some(Told::Over(UpkeepForm::LmStudio)) {
            return Err("LM Studio goes on with the download: only its own window can stop it".to_owned());
        }
        Ok(())
    }

    /// Models that are being fetched, or could not be.
    pub fn pulls(&self) -> Vec<Pull> {
        self.0.pulls.all()
    }

    /// Starts the server of a runtime that is installed but off, and waits for nothing.
    pub fn start(&self, runtime: &str) -> Result<(), String> {
        let catalog = Arc::clone(&self.0.catalog.borrow());
        let Some(installed) = catalog.installed().iter().find(|it| *it.runtime == *runtime) else {
            let runs = catalog.endpoints().any(|endpoint| endpoint.is_found(runtime));
            return if runs { Ok(()) } else { Err(format!("`{runtime}` is not installed here")) };
        };
        self.1.start(installed, &self.0.tasks, &self.0.stop)
    }

    async fn site(&self, endpoint: &Endpoint, patience: Duration) -> Result<Site, String> {
        let settings = Arc::clone(&self.0.settings.borrow());
        discovery::reach::site(endpoint, &settings, &self.0.credentials, &self.0.authority, patience).await
    }

    fn endpoint(&self, id: &str) -> Result<(Arc<Endpoint>, Vec<Arc<Model>>), String> {
        let catalog = Arc::clone(&self.0.catalog.borrow());
        let endpoint = catalog.endpoint(id).ok_or_else(|| format!("there is no endpoint `{id}` (any more)"))?;
        match endpoint.state {
            EndpointState::Ready => Ok((Arc::clone(endpoint), catalog.models_of(id).to_vec())),
            EndpointState::Starting => Err(format!("{id} is starting; ask again when it is up")),
            EndpointState::NeedsKey => {
                Err(format!("{id} wants a key: store one with `pointsman keys add --endpoint {id}`"))
            }
            EndpointState::Unreachable => Err(format!("{id} does not answer")),
        }
    }

    fn find(&self, id: &str, model: &str) -> Result<Found, String> {
        let (endpoint, models) = self.endpoint(id)?;
        let told = told(&self.0.runtimes, &endpoint, &models)
            .ok_or_else(|| format!("{} cannot be told to load or unload models", endpoint.name))?;
        let known =
            models.iter().find(|known| *known.id == *model || known.aliases.iter().any(|name| **name == *model));
        let model = known.ok_or_else(|| format!("{id} has no model `{model}` (any more)"))?;
        if model.state == ModelState::Hosted || (endpoint.local && !model.local) {
            return Err(format!("{} runs on its maker's machines: there is nothing to load here", model.id));
        }
        Ok(Found { model: Arc::clone(model), endpoint, told })
    }
}

/// Ends when local-only mode is on.
async fn local_only(settings: &mut watch::Receiver<Arc<Settings>>) {
    if settings.wait_for(|settings| settings.local_only).await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;
