//! What is shown: a `Snapshot` made from the catalog and the settings at one moment.
//!
//! Pure: the same inputs give the same snapshot. It decides nothing; who would answer a route is asked of `routing`.

use std::time::Instant;

use super::{ClientKeyView, EndpointView, RouteView};
use crate::catalog::{Catalog, Endpoint, Origin};
use crate::dispatch::allowance::Allowances;
use crate::protocol::Operation;
use crate::provider::RuntimeSpec;
use crate::routing::{self, Asked};
use crate::settings::Settings;
use crate::upkeep;

/// Every endpoint.
pub(super) fn endpoints(
    catalog: &Catalog,
    runtimes: &[RuntimeSpec],
    allowances: &Allowances,
    now: Instant,
) -> Vec<EndpointView> {
    catalog.endpoints().map(|endpoint| view(catalog, runtimes, allowances, endpoint, now)).collect()
}

fn view(
    catalog: &Catalog,
    runtimes: &[RuntimeSpec],
    allowances: &Allowances,
    endpoint: &Endpoint,
    now: Instant,
) -> EndpointView {
    let mut speaks: Vec<String> = endpoint.speaks.iter().map(|speaks| speaks.protocol.id().to_owned()).collect();
    speaks.dedup();
    let origin = match endpoint.origin {
        Origin::Discovered { .. } => "discovered",
        Origin::Configured { .. } => "settings",
        Origin::BuiltIn => "builtin",
    };
    EndpointView {
        id: endpoint.id.to_string(),
        name: endpoint.name.clone(),
        runtime: endpoint.origin.runtime().map(str::to_owned),
        provider: endpoint.provider.as_ref().map(|row| row.id.to_string()),
        origin: origin.to_owned(),
        base_url: match endpoint.origin {
            // Its server is started when it is needed, each time at another address.
            Origin::BuiltIn => "starts on demand".to_owned(),
            Origin::Discovered { .. } | Origin::Configured { .. } => {
                endpoint.base_url.as_str().trim_end_matches('/').to_owned()
            }
        },
        speaks,
        local: endpoint.local,
        state: endpoint.state,
        cooling_seconds: endpoint.health.remaining(now).map(|left| left.as_secs() + 1),
        version: endpoint.version.clone(),
        process: endpoint.process,
        credential: endpoint.credential.as_ref().map(ToString::to_string),
        spare_keys: endpoint.spares.len(),
        allowance: allowances.of(&endpoint.id),
        models: catalog.models_of(&endpoint.id).len(),
        actions: upkeep::actions(runtimes, endpoint, catalog.models_of(&endpoint.id)),
        notes: endpoint.notes.clone(),
    }
}

/// Every route, `default` first, and who would answer it now.
pub(super) fn routes(catalog: &Catalog, settings: &Settings, now: Instant) -> Vec<RouteView> {
    let others = settings.routes.keys().map(String::as_str).filter(|name| *name != routing::DEFAULT);
    std::iter::once(routing::DEFAULT).chain(others).map(|name| route(catalog, settings, name, now)).collect()
}

fn route(catalog: &Catalog, settings: &Settings, name: &str, now: Instant) -> RouteView {
    let set = settings.routes.get(name);
    let asked = Asked { name, operation: Operation::Chat, keyed: true, wrong_key: false };
    let (answers, problem) = match routing::route(catalog, settings, &asked, now) {
        Ok(choice) => {
            let names = choice.targets.iter().map(|target| format!("{}/{}", target.endpoint.id, target.model.id));
            (names.collect(), None)
        }
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    RouteView {
        name: name.to_owned(),
        targets: set.map(|route| route.targets.clone()).unwrap_or_default(),
        context: set.and_then(|route| route.context),
        answers,
        problem,
    }
}

/// Every client key, without the key.
pub(super) fn client_keys(settings: &Settings) -> Vec<ClientKeyView> {
    let keys = settings.client_keys.iter();
    keys.map(|key| ClientKeyView { name: key.name.clone(), created: key.created.clone(), last_used_ms: None }).collect()
}
