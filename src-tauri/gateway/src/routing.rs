//! Decides who may answer a name, and in which order.
//!
//! A pure function of the catalog, the settings and what was asked: it opens no connection and keeps no state. Whether a
//! target answers is `dispatch`'s business, whether the bytes can be forwarded is `dispatch::plan`'s.

use std::sync::Arc;
use std::time::Instant;

use wildmatch::WildMatch;

use crate::catalog::{Catalog, Endpoint, EndpointState, Model, ModelState, Origin};
use crate::error::Error;
use crate::protocol::Operation;
use crate::provider::hosted::ProviderSpec;
use crate::settings::Settings;

/// The route that always exists.
pub const DEFAULT: &str = "default";

/// One model on one endpoint.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where.
    pub endpoint: Arc<Endpoint>,
    /// Which.
    pub model: Arc<Model>,
}

impl Target {
    /// Whether a request to it stays on this machine.
    pub fn local(&self) -> bool {
        self.endpoint.local && self.model.local
    }

    /// Whether any program on this machine could ask for the same by itself: nothing leaves, and no credential of the
    /// user's is spent. Only such targets are open to callers without a client key.
    pub fn free(&self) -> bool {
        self.local() && self.endpoint.credential.is_none()
    }
}

/// Who may answer, in the order in which they are tried. Never empty.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Targets, best first.
    pub targets: Vec<Target>,
    /// The route's context setting, if a route was asked for and has one.
    pub context: Option<u32>,
}

/// What was asked, as far as routing needs it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The name as the tool wrote it; `default` where it wrote none.
    pub name: &'a str,
    /// What is asked of the model.
    pub operation: Operation,
    /// Whether the tool showed a valid client key.
    pub keyed: bool,
    /// Whether it showed a key that is none of ours.
    pub wrong_key: bool,
}

/// Who may answer. `now` decides which endpoints cool down.
pub fn route(catalog: &Catalog, settings: &Settings, asked: &Asked<'_>, now: Instant) -> Result<Choice, Error> {
    let (mut targets, context) = named(catalog, settings, asked)?;
    if settings.local_only {
        targets.retain(Target::local);
        if targets.is_empty() {
            return Err(Error::LocalOnly { name: asked.name.to_owned() });
        }
    }
    if !asked.keyed {
        targets.retain(Target::free);
        if targets.is_empty() && asked.wrong_key {
            return Err(Error::KeyUnknown);
        } else if targets.is_empty() {
            return Err(Error::KeyMissing { why: " for models that leave this machine or are asked with your key" });
        }
    }
    // A stable sort: within a class the order that the user or `named` gave stays.
    targets.sort_by_key(|target| reluctance(target, now));
    Ok(Choice { targets, context })
}

/// How unlikely an answer is: a target is put back, never removed, so that the last resort is still tried.
fn reluctance(target: &Target, now: Instant) -> u8 {
    match target.endpoint.state {
        EndpointState::Ready if !target.endpoint.health.cooling(now) => 0,
        EndpointState::Ready => 1,
        EndpointState::Starting => 2,
        EndpointState::NeedsKey | EndpointState::Unreachable => 3,
    }
}

/// The targets that a name means, in the order of `design.md`, "Names a tool may ask for".
fn named(catalog: &Catalog, settings: &Settings, asked: &Asked<'_>) -> Result<(Vec<Target>, Option<u32>), Error> {
    if let Some(answer) = as_route(catalog, settings, asked.name, asked.operation) {
        return answer;
    }
    let targets = lookup(catalog, asked.name);
    if !targets.is_empty() {
        return Ok((targets, None));
    }
    // Ollama's clients add the tag to every name that has none, a route's too.
    if let Some(answer) = untagged(asked.name).and_then(|name| as_route(catalog, settings, name, asked.operation)) {
        return answer;
    }
    let alias =
        settings.aliases.iter().find(|(pattern, _)| WildMatch::new_case_insensitive(pattern).matches(asked.name));
    if let Some((_, meant)) = alias {
        if let Some(answer) = as_route(catalog, settings, meant, asked.operation) {
            return answer;
        }
        let targets = lookup(catalog, meant);
        if !targets.is_empty() {
            return Ok((targets, None));
        }
    }
    let targets = unlisted(catalog, asked.name);
    if !targets.is_empty() {
        return Ok((targets, None));
    }
    Err(not_found(catalog, settings, asked.name))
}

/// A hosted model that no list has: a provider's newest, or one of a provider that has no list. Only by `prefix:model`, in
/// which nobody can have meant anything else.
fn unlisted(catalog: &Catalog, name: &str) -> Vec<Target> {
    let Some((prefix, model)) = name.split_once(':').filter(|(_, model)| !model.is_empty()) else { return Vec::new() };
    let hosted = catalog.endpoints().filter(|endpoint| match &endpoint.provider {
        Some(row) => *endpoint.id == *prefix || *row.id == *prefix,
        None => false,
    });
    let target = |endpoint: &Arc<Endpoint>| {
        let known = Model::named(model, Arc::clone(&endpoint.id), false);
        Target { endpoint: Arc::clone(endpoint), model: Arc::new(Model { state: ModelState::Hosted, ..known }) }
    };
    hosted.map(target).collect()
}

type RouteTargets = Result<(Vec<Target>, Option<u32>), Error>;

/// A route's targets; `None` if there is no such route.
fn as_route(catalog: &Catalog, settings: &Settings, name: &str, operation: Operation) -> Option<RouteTargets> {
    let route = settings.routes.get(name);
    if let Some(route) = route.filter(|route| !route.targets.is_empty()) {
        let mut targets: Vec<Target> = Vec::with_capacity(route.targets.len());
        for target in route.targets.iter().flat_map(|wanted| lookup(catalog, wanted)) {
            if !targets.iter().any(|known| Arc::ptr_eq(&known.model, &target.model)) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            let reason = format!("none of its targets is there now ({})", route.targets.join(", "));
            return Some(Err(Error::RouteEmpty { route: name.to_owned(), reason }));
        }
        return Some(Ok((targets, route.context)));
    }
    if name != DEFAULT {
        // A route that the user made and left empty is told as empty, not as unknown.
        return route.map(|_| {
            let reason = format!("it has no targets; set one with `pointsman routes set {name} MODEL`");
            Err(Error::RouteEmpty { route: name.to_owned(), reason })
        });
    }
    let targets = automatic(catalog, operation);
    if targets.is_empty() && operation.is_rare() {
        let who = ProviderSpec::offering(operation);
        let who = if who.is_empty() { String::new() } else { format!(" of {}", who.join(", ")) };
        let reason = format!("no local model is known for {}; name a model{who}", operation.id());
        return Some(Err(Error::RouteEmpty { route: DEFAULT.to_owned(), reason }));
    }
    if targets.is_empty() {
        let reason = "no local model was found; start a runtime (Ollama, LM Studio, llama.cpp, llamafile, vLLM) or put a \
                      GGUF file into a folder that `pointsman doctor` names";
        return Some(Err(Error::RouteEmpty { route: DEFAULT.to_owned(), reason: reason.to_owned() }));
    }
    Some(Ok((targets, route.and_then(|route| route.context))))
}

/// What `default` means until the user sets it: the best loaded, else the smallest cold local model that can do what is
/// asked. A few further ones follow, so that one that dies is no dead end.
fn automatic(catalog: &Catalog, operation: Operation) -> Vec<Target> {
    let mut targets: Vec<Target> = catalog
        .models()
        .filter(|model| model.local && suits(model, operation))
        .filter_map(|model| target(catalog, model))
        .filter(|target| target.endpoint.local && target.endpoint.can(operation))
        .filter(|target| matches!(target.endpoint.state, EndpointState::Ready | EndpointState::Starting))
        .collect();
    targets.sort_by_key(|target| {
        let size = target.model.size.unwrap_or(0);
        let ready = target.endpoint.state != EndpointState::Ready;
        // A model that says nothing of being loaded is most often the only one of its server, so it is.
        let warm = matches!(target.model.state, ModelState::Loaded | ModelState::Unknown);
        if warm { (ready, 0_u8, u64::MAX - size) } else { (ready, 1, if size == 0 { u64::MAX } else { size }) }
    });
    targets.truncate(4);
    targets
}

fn suits(model: &Model, operation: Operation) -> bool {
    match operation {
        Operation::Chat | Operation::Completion | Operation::CountTokens => model.capabilities.chat,
        Operation::Embeddings | Operation::SingleEmbedding => model.capabilities.embeddings,
        Operation::Rerank => model.capabilities.rerank,
        Operation::Transcription | Operation::Translation => model.capabilities.audio == Some(true),
        // No local runtime's list tells of such a model.
        Operation::Images | Operation::ImageEdit | Operation::Speech | Operation::Moderation | Operation::Raw => false,
        Operation::ShowModel => true,
    }
}

/// The models that a name without route means: with a prefix, exactly, then up to case and `:latest`.
pub(crate) fn lookup(catalog: &Catalog, name: &str) -> Vec<Target> {
    let prefixed = prefixed(catalog, name);
    if !prefixed.is_empty() {
        return prefixed;
    }
    let index = catalog.index();
    let models = match index.exact(name) {
        [] => index.folded(name),
        models => models,
    };
    preferred(models.iter().filter_map(|model| target(catalog, model)).collect())
}

/// `prefix:model` and `prefix/model`, where the prefix is an endpoint's or a runtime's id.
fn prefixed(catalog: &Catalog, name: &str) -> Vec<Target> {
    let mut matches: Vec<(bool, Target)> = Vec::new();
    for endpoint in catalog.endpoints() {
        let provider = endpoint.provider.as_ref().map(|row| &*row.id);
        let prefixes = std::iter::once(&*endpoint.id).chain(endpoint.origin.runtime()).chain(provider);
        let Some(rest) = prefixes.into_iter().find_map(|prefix| below(name, prefix)) else { continue };
        let folded = crate::catalog::fold(rest);
        for model in catalog.models_of(&endpoint.id) {
            let mut names = std::iter::once(&model.id).chain(&model.aliases);
            let exact = names.clone().any(|known| **known == *rest);
            if exact || names.any(|known| crate::catalog::fold(known) == folded) {
                let target = Target { endpoint: Arc::clone(endpoint), model: Arc::clone(model) };
                matches.push((exact, target));
            }
        }
    }
    let any_exact = matches.iter().any(|(exact, _)| *exact);
    preferred(matches.into_iter().filter(|(exact, _)| *exact == any_exact).map(|(_, target)| target).collect())
}

fn below<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix([':', '/'])).filter(|rest| !rest.is_empty())
}

fn target(catalog: &Catalog, model: &Arc<Model>) -> Option<Target> {
    catalog
        .endpoint(&model.endpoint)
        .map(|endpoint| Target { endpoint: Arc::clone(endpoint), model: Arc::clone(model) })
}

/// Equal names: local before hosted, loaded before cold. A name never crosses from local to hosted by itself: where a
/// local model has it, the hosted ones are left out.
fn preferred(mut targets: Vec<Target>) -> Vec<Target> {
    if targets.len() < 2 {
        return targets;
    }
    if targets.iter().any(Target::local) {
        targets.retain(Target::local);
    }
    targets.sort_by_key(|target| {
        let warmth = match target.model.state {
            ModelState::Loaded => 0_u8,
            ModelState::Loading => 1,
            ModelState::Unknown | ModelState::Hosted => 2,
            ModelState::Cold => 3,
        };
        // The built-in runtime reads the files of others: while their owner runs, the owner answers.
        (warmth, target.endpoint.origin == Origin::BuiltIn)
    });
    targets
}

/// A name without the tag that Ollama's clients add; `None` if it has none.
pub(crate) fn untagged(name: &str) -> Option<&str> {
    name.strip_suffix(":latest").filter(|name| !name.is_empty())
}

/// The error for a name that means nothing, with the nearest ones.
pub(crate) fn not_found(catalog: &Catalog, settings: &Settings, name: &str) -> Error {
    let mut near = catalog.index().nearest(name);
    let routes = settings.routes.keys().filter(|route| route.contains(name) || name.contains(route.as_str()));
    near.splice(0..0, routes.take(2).map(|route| Arc::from(route.as_str())));
    near.truncate(3);
    // Told back only so far, and nothing that a terminal or a log would obey: a name of a megabyte is no name.
    Error::ModelNotFound { name: name.chars().filter(|sign| !sign.is_control()).take(120).collect(), near }
}

#[cfg(test)]
mod tests;
