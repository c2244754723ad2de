//! Asks an endpoint which models it offers, each listing shape in a file of its own.
//!
//! The parsers are pure: bytes in, models out, and no bytes make them panic. Nothing asked here loads a model. A listing
//! that cannot be read says so; whether the endpoint is still the same runtime is then `probe`'s business.

mod llamacpp;
mod lmstudio;
mod ollama;
mod openai;
mod rows;
mod time;

use std::collections::HashMap;

use super::client::{Answer, Fault, Site};
use crate::catalog::{EndpointId, Model};
use crate::protocol::{Protocol, Speaks};
use crate::provider::Listing;

/// What to ask and for whom.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// The endpoint that offers the models.
    pub endpoint: EndpointId,
    /// Whether prompts to it stay on this machine.
    pub local: bool,
    /// The shape of its listing.
    pub listing: Listing,
    /// What it speaks: its listing stands beside.
    pub speaks: Vec<Speaks>,
    /// All that it lists is in memory.
    pub lists_loaded: bool,
    /// Its process makes vectors and answers nothing else.
    pub embeddings: bool,
    /// Its process orders documents and answers nothing else.
    pub rerank: bool,
}

impl Question {
    fn prefix(&self, protocol: Protocol) -> &str {
        let spoken = self.speaks.iter().find(|speaks| speaks.protocol == protocol);
        spoken.map_or(protocol.default_prefix(), |speaks| &speaks.prefix)
    }

    /// The path of its list in a protocol.
    fn path(&self, protocol: Protocol, path: &str) -> String {
        let spoken = self.speaks.iter().find(|speaks| speaks.protocol == protocol);
        spoken.map_or_else(|| [protocol.default_prefix(), path].concat(), |speaks| speaks.at(path))
    }

    fn model(&self, name: &str) -> Option<Model> {
        let name = super::text::name(name)?;
        let mut model = Model::named(name, EndpointId::clone(&self.endpoint), self.local);
        if self.embeddings || self.rerank {
            model.capabilities.chat = false;
            model.capabilities.embeddings = self.embeddings;
            model.capabilities.rerank = self.rerank;
        }
        Some(model)
    }
}

/// What is remembered between two listings of one endpoint, so that the second costs less.
#[derive(Debug, Default)]
pub(super) struct Memory {
    lmstudio: Option<lmstudio::Generation>,
    llamacpp: Option<llamacpp::Purpose>,
    shown: HashMap<String, ollama::Shown>,
}

/// Why there is no listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// It does not answer now.
    Silent(Fault),
    /// It answers something else than this runtime would: it may be another one by now, or want a key.
    Unreadable {
        /// The status of what it answered.
        status: u16,
    },
}

impl From<Fault> for Unlisted {
    fn from(fault: Fault) -> Unlisted {
        Unlisted::Silent(fault)
    }
}

/// A listing, and whether more could be known by asking again soon.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    /// The models in the endpoint's own order.
    pub models: Vec<Model>,
    /// Some details are still to be asked.
    pub unfinished: bool,
}

/// Asks for the models.
pub(super) async fn list(site: &Site, question: &Question, memory: &mut Memory) -> Result<Listed, Unlisted> {
    let models = match question.listing {
        Listing::Ollama => return ollama::list(site, question, &mut memory.shown).await,
        Listing::LmStudio => lmstudio::list(site, question, &mut memory.lmstudio).await?,
        Listing::LlamaCpp => llamacpp::list(site, question, &mut memory.llamacpp).await?,
        Listing::OpenAi => {
            let path = question.path(Protocol::OpenAiChat, "/models");
            openai::list(site, &path, question, openai::openai).await?
        }
        Listing::Anthropic => {
            let path = question.path(Protocol::Anthropic, "/models?limit=1000");
            openai::list(site, &path, question, openai::anthropic).await?
        }
        Listing::Gemini => {
            let path = question.path(Protocol::Gemini, "/models?pageSize=1000");
            openai::list(site, &path, question, openai::gemini).await?
        }
    };
    Ok(Listed { models, unfinished: false })
}

/// The models in an answer, or why there are none.
fn parsed<T>(answer: &Answer, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Unlisted> {
    let unreadable = Unlisted::Unreadable { status: answer.status };
    match answer.json() {
        Some(json) if answer.status == 200 => parse(json).ok_or(unreadable),
        Some(_) | None => Err(unreadable),
    }
}

/// A number of tokens; 0 means that nothing is told.
fn tokens(number: Option<u64>) -> Option<u32> {
    number.filter(|number| *number > 0).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// A count of parameters as vendors write it: `8.2B`, `135M`.
fn parameters(count: u64) -> Option<String> {
    let (unit, letter) = match count {
        0 => return None,
        1..1_000_000 => return Some(format!("{}K", count.div_ceil(1000))),
        1_000_000..1_000_000_000 => (100_000, 'M'),
        1_000_000_000.. => (100_000_000, 'B'),
    };
    // One digit behind the point, where it is not 0 and the number is short.
    let tenths = count.saturating_add(unit / 2) / unit;
    Some(if tenths >= 1000 {
        format!("{}{letter}", count.saturating_add(unit * 5) / (unit * 10))
    } else if tenths.is_multiple_of(10) {
        format!("{}{letter}", tenths / 10)
    } else {
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    })
}

#[cfg(test)]
mod tests;
