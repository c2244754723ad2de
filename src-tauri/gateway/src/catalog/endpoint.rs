//! A live place that answers: address, protocols, credential reference and what is known of its health.
//!
//! It never holds a credential, only where one is kept; `upstream` fetches it at the moment of sending.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::base_url::BaseUrl;
use super::health::Health;
use crate::address::Bounds;
use crate::protocol::{Operation, Protocol, Speaks};
use crate::provider::RuntimeId;
use crate::provider::hosted::Account;
use crate::secrets::CredentialRef;

/// `ollama@11434`, `llamacpp@[::1]:8080`, `builtin`, or the name that the settings give.
pub type EndpointId = Arc<str>;

/// A live place.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Unique, stable while it lives; also a prefix that tools may write before a model's name.
    pub id: EndpointId,
    /// What a person reads: `Ollama`, `llama.cpp`, or the settings' name.
    pub name: String,
    /// How it came to be known.
    pub origin: Origin,
    /// The account, if it is at a hosted provider.
    pub provider: Option<Arc<Account>>,
    /// Scheme, host, port and perhaps a path, without a trailing slash in the path.
    pub base_url: BaseUrl,
    /// What it speaks, best first.
    pub speaks: Vec<Speaks>,
    /// Where its credential is kept; always `None` for a discovered endpoint.
    pub credential: Option<CredentialRef>,
    /// Where further ones are, asked with where that one is over its limit.
    pub spares: Vec<CredentialRef>,
    /// Whether requests to it stay on this machine.
    pub local: bool,
    /// Whether its name may lead into a private network.
    pub allow_private: bool,
    /// Whether it answers.
    pub state: EndpointState,
    /// The runtime's own version, where it tells.
    pub version: Option<String>,
    /// The process that listens, where it can be seen.
    pub process: Option<u32>,
    /// Warnings a person should see: `listens on all interfaces`.
    pub notes: Vec<String>,
    /// Cool-down after failures.
    pub health: Health,
}

/// How an endpoint came to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Found running on this machine.
    Discovered {
        /// Its row in `runtimes.toml`.
        runtime: RuntimeId,
    },
    /// Written into the settings by hand.
    Configured {
        /// Its row in `runtimes.toml`, where the fingerprint told.
        runtime: Option<RuntimeId>,
    },
    /// Pointsman's own llama.cpp child.
    BuiltIn,
}

impl Origin {
    /// The runtime's row, where it has one.
    pub fn runtime(&self) -> Option<&str> {
        match self {
            Origin::Discovered { runtime } | Origin::Configured { runtime: Some(runtime) } => Some(runtime),
            Origin::Configured { runtime: None } => None,
            Origin::BuiltIn => Some("builtin"),
        }
    }
}

/// Whether an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Its process runs or its port answers "loading", but it cannot be asked yet.
    Starting,
    /// It answers.
    Ready,
    /// It answers that it wants a key.
    NeedsKey,
    /// It does not answer; only endpoints from the settings stay in the catalog like this.
    Unreachable,
}

impl Endpoint {
    /// How far from this machine it may be.
    pub fn bounds(&self) -> Bounds {
        Bounds::of(self.local, self.allow_private)
    }

    /// How it speaks a protocol, if it does and can be asked this operation.
    pub fn speaks(&self, protocol: Protocol, operation: Operation) -> Option<&Speaks> {
        self.speaks.iter().find(|speaks| speaks.protocol == protocol && speaks.operations.contains(&operation))
    }

    /// How a model of its is asked this operation in a protocol, if it can be.
    pub fn speaks_to(&self, model: &str, protocol: Protocol, operation: Operation) -> Option<&Speaks> {
        self.speaks(protocol, operation).filter(|speaks| speaks.shape.is_none_or(|shape| shape.suits(model)))
    }

    /// Whether it can be asked this operation in any protocol, as it is or through the hub.
    pub fn can(&self, operation: Operation) -> bool {
        let fits = |speaks: &Speaks| {
            let through = operation.through_hub();
            speaks.operations.iter().any(|has| *has == operation || Some(*has) == through)
        };
        self.speaks.iter().any(fits)
    }

    /// Whether it is this runtime, found running on this machine.
    pub fn is_found(&self, runtime: &str) -> bool {
        matches!(&self.origin, Origin::Discovered { runtime: found } if **found == *runtime)
    }

    /// The id for a runtime that listens at `address`: `ollama@11434`, `ollama@[::1]:11434`.
    pub fn id_at(runtime: &str, address: SocketAddr) -> EndpointId {
        if address.ip() == std::net::Ipv4Addr::LOCALHOST {
            format!("{runtime}@{}", address.port()).into()
        } else {
            format!("{runtime}@{address}").into()
        }
    }
}

/// A runtime that is installed but does not run: what a "start" button needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Installed {
    /// Its row in `runtimes.toml`.
    pub runtime: RuntimeId,
    /// What a person reads.
    pub name: String,
    /// The executable or the app folder.
    pub path: String,
    /// The command that starts its server, word by word.
    pub start: Vec<String>,
}

/// Something that answered but is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Refusal {
    /// The address, folder or file.
    pub place: String,
    /// What it seemed to be.
    pub looked_like: Option<String>,
    /// Why it is not used, as a sentence.
    pub reason: String,
}
