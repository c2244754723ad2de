//! What one entry of the settings says: whether it may be asked, where, with which header, in which protocol.
//!
//! Pure: it asks nothing and knows no credential but the one it is handed.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use url::Host;

use crate::address::{self, Bounds, Forbidden};
use crate::authority::Authority;
use crate::discovery::client::{self, Fault, Reach, Signer};
use crate::discovery::probe::Identity;
use crate::discovery::text;
use crate::protocol::shape::Beside;
use crate::protocol::{Operation, Protocol, Speaks, anthropic};
use crate::provider::hosted::KeyHeader;
use crate::provider::{Listing, RuntimeSpec};
use crate::secrets::Secret;
use crate::settings::ConfiguredEndpoint;

/// Why an entry may not be asked, if so.
pub(super) fn fault(entry: &ConfiguredEndpoint) -> Option<&'static str> {
    let url = &entry.base_url;
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        Some(Host::Domain(_)) | None => None,
    };
    if text::name(&entry.name).is_none() {
        Some("its name is empty or has characters that cannot be shown")
    } else if !matches!(url.scheme(), "http" | "https") {
        Some("its address must begin with http:// or https://")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("an address holds no password: say where the key is kept, as `key = \"env:NAME\"`")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("its address must end before any `?` or `#`")
    } else if address::is_loopback(url) {
        None
    } else {
        ip.and_then(|ip| address::refusal(ip, entry.allow_private)).map(Forbidden::reason)
    }
}

/// How it is reached.
pub(super) fn reach(entry: &ConfiguredEndpoint) -> Result<Reach, Fault> {
    if address::is_loopback(&entry.base_url) {
        Ok(Reach::Loopback(client::loopback()))
    } else {
        client::elsewhere(entry.allow_private).map(Reach::Elsewhere)
    }
}

/// The address without a slash at its end, and without the `/v1` that people copy along.
pub(super) fn base(entry: &ConfiguredEndpoint) -> String {
    let url = entry.base_url.as_str().trim_end_matches('/');
    // Also where a provider's own path ends so, which its row has in its prefixes.
    url.strip_suffix("/v1").unwrap_or(url).trim_end_matches('/').to_owned()
}

/// The header that carries its credential.
pub(super) fn credential(entry: &ConfiguredEndpoint, secret: &str) -> Option<(HeaderName, HeaderValue)> {
    match &entry.provider {
        Some(row) => row.credential(row.speaks.first()?.protocol, secret),
        None => KeyHeader::of(entry.protocol.first().copied().unwrap_or(Protocol::OpenAiChat)).carrying(secret),
    }
}

/// What is sent with each question, and who signs it; `None` if no header can carry its credential.
pub(super) fn proof(
    entry: &ConfiguredEndpoint,
    secret: Option<Secret>,
    authority: &Authority,
) -> Option<(HeaderMap, Option<Signer>)> {
    let mut headers = HeaderMap::from_iter(version(entry));
    if let Some(account) = entry.provider.as_ref().filter(|account| account.signs()) {
        let (account, base) = (Arc::clone(account), entry.base_url.clone());
        let bounds = Bounds::of(address::is_loopback(&base), entry.allow_private);
        return Some((headers, Some(Signer { authority: authority.clone(), account, base, bounds, secret })));
    }
    if let Some(secret) = &secret {
        headers.extend([credential(entry, secret.expose())?]);
    }
    Some((headers, None))
}

/// The header without which its list is not told, whatever the key.
pub(super) fn version(entry: &ConfiguredEndpoint) -> Option<(HeaderName, HeaderValue)> {
    let first = entry.provider.as_ref().and_then(|row| row.speaks.first()).map(|spoken| spoken.protocol);
    let anthropics = first.or(entry.protocol.first().copied()) == Some(Protocol::Anthropic);
    anthropics.then(|| (HeaderName::from_static("anthropic-version"), HeaderValue::from_static(anthropic::VERSION)))
}

/// What it speaks: what the settings say, else what its runtime speaks, else OpenAI's chat completions.
pub(super) fn speaks(
    entry: &ConfiguredEndpoint,
    spec: Option<&RuntimeSpec>,
    identity: Option<&Identity>,
) -> Vec<Speaks> {
    let known = match (&entry.provider, spec) {
        (Some(row), _) => row.speaks(),
        (None, Some(spec)) => spec.speaks(identity.and_then(|it| it.at_least.as_deref())),
        (None, None) => Vec::new(),
    };
    if entry.protocol.is_empty() {
        return if known.is_empty() { vec![usual(Protocol::OpenAiChat)] } else { known };
    }
    let one = |protocol: &Protocol| {
        let known = known.iter().find(|speaks| speaks.protocol == *protocol).cloned();
        let mut speaks = known.unwrap_or_else(|| usual(*protocol));
        // Who names a protocol means its chat, also where its runtime's row leaves that to translation.
        if !speaks.operations.contains(&Operation::Chat) {
            speaks.operations.push(Operation::Chat);
        }
        speaks
    };
    entry.protocol.iter().map(one).collect()
}

/// A protocol with all that it can be asked.
fn usual(protocol: Protocol) -> Speaks {
    let all = [
        Operation::Chat,
        Operation::Completion,
        Operation::Embeddings,
        Operation::SingleEmbedding,
        Operation::CountTokens,
        Operation::Transcription,
        Operation::Translation,
        Operation::Rerank,
        Operation::Images,
        Operation::ImageEdit,
        Operation::Speech,
        Operation::Moderation,
        Operation::ShowModel,
    ];
    let operations = all.into_iter().filter(|operation| protocol.path_to(*operation, "", false).is_some()).collect();
    Speaks {
        protocol,
        prefix: protocol.default_prefix().to_owned(),
        operations,
        holds: Vec::new(),
        shape: None,
        beside: Beside::default(),
    }
}

/// The shape of its list, where only its protocol is known.
pub(super) fn listing_of(speaks: &[Speaks]) -> Listing {
    match speaks.first().map(|speaks| speaks.protocol) {
        Some(Protocol::Ollama) => Listing::Ollama,
        Some(Protocol::Anthropic) => Listing::Anthropic,
        Some(Protocol::Gemini) => Listing::Gemini,
        Some(Protocol::OpenAiChat | Protocol::OpenAiResponses | Protocol::BedrockConverse | Protocol::Cohere)
        | None => Listing::OpenAi,
    }
}
