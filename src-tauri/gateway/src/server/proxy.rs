//! What is passed on to a provider as it is, with its credential put in: its whole own API under
//! `/gateway/proxy/ENDPOINT/PATH`, and an account's files and batches at the paths where OpenAI and Anthropic have them.
//!
//! For what no model answers and no surface has. Method, path, query, headers and body go on as they came, and so does the
//! answer; nothing is translated and nobody else is asked. It always needs a client key, since it spends the user's money.
//! What each provider has there is its own documentation's business.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use url::form_urlencoded;

use super::answer::{Door, Shared, printable, turn_away};
use super::batches;
use super::body::Body;
use super::guard::Key;
use super::infer::{nobody, refused};
use super::read::read;
use crate::catalog::{Catalog, Endpoint, Model, ModelState, Origin};
use crate::dispatch::Inbound;
use crate::error::Error;
use crate::ingress::peek::{self, Peek};
use crate::protocol::{Holding, Operation, Protocol, Speaks, gemini};
use crate::routing::Target;
use crate::usage::recorder::Recorder;

/// What Anthropic's callers send, and nobody else.
const ANTHROPIC_VERSION: &str = "anthropic-version";
/// Names the provider, as `?provider=` does.
const PROVIDER: &str = "x-pointsman-provider";

/// Passes a request on to `path` at the endpoint `name`.
pub(super) async fn proxy(
    shared: &Arc<Shared>,
    door: &Door,
    key: Key,
    (name, path): (&str, &str),
    request: Request<Incoming>,
) -> Response<Body> {
    let found = endpoint(&shared.catalog.borrow(), name);
    let protocol = found.as_ref().map_or(Protocol::OpenAiChat, |endpoint| spoken(endpoint, path));
    let path = match request.uri().query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    };
    pass(shared, door, key, Way { protocol, path, endpoint: found }, request).await
}

/// Passes a request on to whoever holds what it is about: the provider that it names, or the only one that does.
pub(super) async fn held(
    shared: &Arc<Shared>,
    door: &Door,
    key: Key,
    (protocol, holding, path): (Protocol, Holding, &str),
    mut request: Request<Incoming>,
) -> Response<Body> {
    // Anthropic's files are where OpenAI's are.
    let protocol = if request.headers().contains_key(ANTHROPIC_VERSION) { Protocol::Anthropic } else { protocol };
    let results = batches::asked(path).filter(|_| protocol == Protocol::OpenAiChat && request.method() == Method::GET);
    let named = request.headers_mut().remove(PROVIDER).and_then(|name| name.to_str().ok().map(str::to_owned));
    let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let (own, others): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == "provider");
    let named = own.into_iter().next().map(|(_, name)| name.into_owned()).or(named);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
    if let Some((id, protocol)) = results {
        let found = holder(&shared.catalog.borrow(), named.as_deref(), protocol, holding);
        let (endpoint, prefix) = found.map_or_else(|error| (Err(error), String::new()), |(it, at)| (Ok(it), at));
        let (client, endpoint) = match admitted(door, key, endpoint) {
            Ok(both) => both,
            Err(error) => return turn_away(shared, Protocol::OpenAiChat, &error, &request),
        };
        let agent = request.headers().get(USER_AGENT).cloned();
        return batches::Asking { shared, client, agent, endpoint, protocol, prefix }.results(id).await;
    }
    let found = holder(&shared.catalog.borrow(), named.as_deref(), protocol, holding);
    let (endpoint, path) = match found {
        Ok((endpoint, prefix)) => (Ok(endpoint), format!("{prefix}{path}")),
        Err(error) => (Err(error), path.to_owned()),
    };
    let path = if query.is_empty() { path } else { format!("{path}?{query}") };
    pass(shared, door, key, Way { protocol, path, endpoint }, request).await
}

/// Where a request is passed on to.
struct Way {
    /// Whose header carries the credential, and whose shape an error has.
    protocol: Protocol,
    /// The path there, with its query.
    path: String,
    endpoint: Result<Arc<Endpoint>, Error>,
}

/// Who asks and whom, where both may.
fn admitted(door: &Door, key: Key, endpoint: Result<Arc<Endpoint>, Error>) -> Result<(Arc<str>, Arc<Endpoint>), Error> {
    let client = match key {
        Key::Known(client) => client,
        Key::Wrong => return Err(Error::KeyUnknown),
        Key::None => return Err(Error::KeyMissing { why: " for a provider's own API" }),
    };
    let endpoint = endpoint?;
    if door.settings.borrow().local_only && !endpoint.local {
        return Err(Error::LocalOnly { name: endpoint.id.to_string() });
    }
    Ok((client, endpoint))
}

async fn pass(
    shared: &Arc<Shared>,
    door: &Door,
    key: Key,
    Way { protocol, path, endpoint }: Way,
    request: Request<Incoming>,
) -> Response<Body> {
    let (client, endpoint) = match admitted(door, key, endpoint) {
        Ok(both) => both,
        Err(error) => return turn_away(shared, protocol, &error, &request),
    };
    let bare = path.split('?').next().unwrap_or_default();
    if climbs(bare) {
        let error = Error::NoSuchPath { method: request.method().to_string(), path: printable(bare) };
        return turn_away(shared, protocol, &error, &request);
    }
    let (parts, body) = request.into_parts();
    let mut recorder = Recorder::new(
        shared.usage.clone(),
        shared.live.clone(),
        protocol,
        Operation::Raw,
        format!("{}{bare}", endpoint.id).into(),
    );
    recorder.client(Some(client), parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()));
    let limit = door.settings.borrow().limits.body_bytes;
    // In whatever encoding: only its sender and its reader need to know.
    let body = match read(None, body, limit).await {
        Ok(body) => body,
        Err(error) => return refused(shared, protocol, &error, recorder),
    };
    // Not before: a connection whose body was not read could not be used again.
    if *shared.paused.borrow() {
        return refused(shared, protocol, &Error::Paused, recorder);
    }
    recorder.keep(&shared.bodies, &body);
    // Told in the usage row, where there is one to tell.
    let peek = peek::json(&body).unwrap_or_else(|_| Peek::nothing());
    let model = Model::named(peek.model.as_deref().unwrap_or("-"), Arc::clone(&endpoint.id), endpoint.local);
    let target = Target { endpoint, model: Arc::new(Model { state: ModelState::Hosted, ..model }) };
    let inbound = Inbound {
        protocol,
        operation: Operation::Raw,
        uri: parts.uri,
        headers: parts.headers,
        query: None,
        body,
        peek,
        context: None,
        memory: None,
    };
    match shared.dispatch.pass(parts.method, path, inbound, &target, recorder).await {
        Ok(response) => response.map(Body::Answer),
        Err(unanswered) => nobody(shared, protocol, &unanswered),
    }
}

/// The endpoint of that name in the settings, else one at that provider.
fn endpoint(catalog: &Catalog, name: &str) -> Result<Arc<Endpoint>, Error> {
    let configured = || catalog.endpoints().filter(|it| matches!(it.origin, Origin::Configured { .. }));
    let at = |endpoint: &&Arc<Endpoint>| endpoint.provider.as_ref().is_some_and(|row| *row.id == *name);
    let found = configured().find(|endpoint| *endpoint.id == *name).or_else(|| configured().find(at));
    found.cloned().ok_or_else(|| Error::EndpointNotFound {
        name: name.chars().filter(|sign| !sign.is_control()).take(120).collect(),
        known: configured().map(|endpoint| Arc::clone(&endpoint.id)).collect(),
    })
}

/// Who holds it: the endpoint or provider of that name, which need not be in the table, else the only one that is known to.
/// With it goes what stands there before the protocol's own paths.
fn holder(
    catalog: &Catalog,
    name: Option<&str>,
    protocol: Protocol,
    holding: Holding,
) -> Result<(Arc<Endpoint>, String), Error> {
    let prefix = |endpoint: &Endpoint, holds: bool| {
        let fits =
            |it: &&Speaks| it.protocol == protocol && it.shape.is_none() && (!holds || it.holds.contains(&holding));
        endpoint.speaks.iter().find(fits).map(|speaks| speaks.prefix.clone())
    };
    if let Some(name) = name {
        let endpoint = endpoint(catalog, name)?;
        let at = prefix(&endpoint, true).or_else(|| prefix(&endpoint, endpoint.provider.is_some()));
        return match at {
            Some(prefix) => Ok((endpoint, prefix)),
            None => {
                let elsewhere = endpoint.provider.as_ref().and_then(|row| row.elsewhere.get(&holding).cloned());
                Err(Error::NotHeld { endpoint: Arc::clone(&endpoint.id), holding, protocol, elsewhere })
            }
        };
    }
    let configured = catalog.endpoints().filter(|it| matches!(it.origin, Origin::Configured { .. }));
    let mut holders = configured.filter_map(|endpoint| Some((Arc::clone(endpoint), prefix(endpoint, true)?)));
    match (holders.next(), holders.next()) {
        (Some(only), None) => Ok(only),
        (first, second) => {
            let known = first.into_iter().chain(second).chain(holders);
            Err(Error::HolderUnclear { holding, known: known.map(|(endpoint, _)| Arc::clone(&endpoint.id)).collect() })
        }
    }
}

/// The protocol to which a path belongs: whose header carries the credential, and whose shape an error has.
fn spoken(endpoint: &Endpoint, path: &str) -> Protocol {
    let below = |prefix: &str| path.strip_prefix(prefix.trim_start_matches('/')).is_some();
    let longest = endpoint.speaks.iter().filter(|speaks| below(&speaks.prefix)).rev().max_by_key(|it| it.prefix.len());
    longest.or(endpoint.speaks.first()).map_or(Protocol::OpenAiChat, |speaks| speaks.protocol)
}

/// Whether a path could leave the part of the address that the user meant.
fn climbs(path: &str) -> bool {
    let up = |part: &str| gemini::path::decoded(part).is_none_or(|part| part == "." || part == "..");
    path.split(['/', '\\']).any(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_where_it_is() {
        for (path, expected) in [
            ("v1/files", false),
            ("v1/files/a..b", false),
            ("v1/../admin", true),
            ("v1/%2e%2E/admin", true),
            ("..", true),
            ("v1\\..\\x", true),
            ("v1/%ff", true),
        ] {
            assert_eq!(climbs(path), expected, "{path}");
        }
    }
}
