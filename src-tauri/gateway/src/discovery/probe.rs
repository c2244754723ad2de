//! Asks a site what it is, as the table says.
//!
//! The first fingerprint that holds wins. Each path is asked once at most, and only when all that a fingerprint wants
//! before it holds, so that a server sees another's paths only where it looks alike. It identifies; what the site offers
//! is `listing`'s business.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use super::client::{Answer, Fault, Site};
use super::{pointer, text};
use crate::provider::{Check, Fingerprint, Meaning, RuntimeSpec, at_least};

/// The header by which one Pointsman knows another.
const INSTANCE: &str = "x-pointsman-instance";

/// What is known before the first question.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    /// What it was last time: row and fingerprint.
    pub last: Option<(usize, usize)>,
    /// The row whose process listens.
    pub process: Option<usize>,
    /// Rows that the port or a file suggests.
    pub hinted: Vec<usize>,
    /// Nothing else is tried: the port is known by its process alone.
    pub only: bool,
    /// It is an app's control port: only whether its server is off is asked.
    pub control: bool,
}

/// What a site turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// A runtime.
    Runtime(Identity),
    /// Ourselves.
    Own,
    /// Another Pointsman.
    Pointsman,
    /// It answers, but is nothing of the table.
    Other {
        /// What it seems to be.
        looked_like: Option<String>,
        /// Why it is not used.
        reason: String,
    },
    /// It does not answer.
    Silent(Fault),
}

/// A runtime's row and how it was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The row's place in the table.
    pub row: usize,
    /// The fingerprint's place in the row.
    pub fingerprint: usize,
    /// What the fingerprint means.
    pub meaning: Meaning,
    /// Its own version, where it tells.
    pub version: Option<String>,
    /// The version that counts for what it speaks.
    pub at_least: Option<String>,
}

/// Asks a site what it is.
pub(super) async fn probe(site: &Site, table: &[RuntimeSpec], expected: &Expected, instance: &str) -> Finding {
    let mut answers = Answers { site, known: BTreeMap::new() };
    for (row, fingerprint) in order(table, expected) {
        let spec = &table[row];
        match holds(&mut answers, spec, &spec.fingerprints[fingerprint]).await {
            Ok(true) => return identified(&mut answers, table, row, fingerprint).await,
            Ok(false) => {}
            Err(fault) => return Finding::Silent(fault),
        }
        if let Some(seen) = answers.instance() {
            return if seen == instance { Finding::Own } else { Finding::Pointsman };
        }
    }
    other(&answers)
}

/// The fingerprints in the order in which they are tried.
fn order(table: &[RuntimeSpec], expected: &Expected) -> Vec<(usize, usize)> {
    let all = |row: usize| (0..table[row].fingerprints.len()).map(move |fingerprint| (row, fingerprint));
    let hinted = expected.process.into_iter().chain(expected.hinted.iter().copied());
    let rest = 0..if expected.only { 0 } else { table.len() };
    let mut order = Vec::new();
    for next in expected.last.into_iter().chain(hinted.chain(rest).flat_map(all)) {
        let (row, fingerprint) = next;
        let Fingerprint { needs_process, needs_hint, meaning, .. } = table[row].fingerprints[fingerprint];
        let by_process = expected.process == Some(row);
        let hinted = by_process || expected.hinted.contains(&row) || expected.last.is_some_and(|last| last.0 == row);
        // A process may hold ports that are no API: they see only what its own kind would know.
        let needs_hint_too = expected.only && table[row].fingerprints.iter().any(|it| it.needs_hint);
        let fits = (!needs_process || by_process)
            && (!needs_hint || hinted)
            && (!needs_hint_too || needs_hint)
            && (meaning == Meaning::ServerOff) == expected.control;
        if fits && !order.contains(&next) {
            order.push(next);
        }
    }
    order
}

async fn holds(answers: &mut Answers<'_>, spec: &RuntimeSpec, fingerprint: &Fingerprint) -> Result<bool, Fault> {
    for check in &fingerprint.checks {
        match answers.ask(&check.path).await {
            // Whatever else a Pointsman says, it says for others.
            Ok(answer) if answer.header(INSTANCE).is_none() && fits(answer, check, spec) => {}
            Ok(_) | Err(Fault::TooLarge) => return Ok(false),
            Err(fault) => return Err(fault),
        }
    }
    Ok(true)
}

/// Whether an answer is what a check wants.
fn fits(answer: &Answer, check: &Check, spec: &RuntimeSpec) -> bool {
    let matches = |pattern: &String, text: &str| WildMatch::new(pattern).matches(text);
    if answer.status != check.status
        || check.absent.iter().any(|name| answer.headers.contains_key(name))
        || !check.header.iter().all(|(name, value)| answer.header(name).is_some_and(|seen| matches(value, seen)))
    {
        return false;
    }
    if let Some(wanted) = &check.text
        && !std::str::from_utf8(&answer.body).is_ok_and(|body| matches(wanted, body.trim()))
    {
        return false;
    }
    let wants_json = check.list || check.below.is_some() || !check.body.is_empty() || !check.lacks.is_empty();
    if !wants_json {
        return true;
    }
    let Some(json) = answer.json() else { return false };
    let old_enough = || {
        let version = spec.version.as_ref().and_then(|place| pointer::text(json, &place.at));
        check
            .below
            .as_ref()
            .is_none_or(|below| version.and_then(|version| at_least(&version, below)).is_some_and(|reached| !reached))
    };
    (!check.list || is_list(json))
        && check.body.iter().all(|(at, value)| pointer::text(json, at).is_some_and(|seen| matches(value, &seen)))
        && check.lacks.iter().all(|at| pointer::raw(json, at).is_none())
        && old_enough()
}

/// An object with `data`: an array whose items have a string `id`, or null.
fn is_list(json: &[u8]) -> bool {
    let Some(data) = pointer::raw(json, "/data") else {
        return false;
    };
    let empty = data.strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]");
    data == "null" || empty || pointer::raw(json, "/data/0/id").is_some_and(|id| id.starts_with('"'))
}

async fn identified(answers: &mut Answers<'_>, table: &[RuntimeSpec], row: usize, fingerprint: usize) -> Finding {
    let spec = &table[row];
    let Fingerprint { meaning, ref implies, .. } = spec.fingerprints[fingerprint];
    let mut version = None;
    if meaning == Meaning::Ready
        && let Some(place) = &spec.version
        && let Ok(answer) = answers.ask(&place.path).await
        && answer.status == 200
    {
        version = answer.json().and_then(|json| pointer::text(json, &place.at)).and_then(|it| text::fact(&it));
    }
    let at_least = version.clone().or_else(|| implies.clone());
    Finding::Runtime(Identity { row, fingerprint, meaning, version, at_least })
}

/// Says what answered, for a person.
fn other(answers: &Answers<'_>) -> Finding {
    let mut looked_like = None;
    let mut reason = "it answers, but not as a language-model runtime known here".to_owned();
    for answer in answers.known.values().flatten() {
        let server = answer.header("server").or_else(|| answer.header("x-powered-by")).and_then(text::fact);
        looked_like = looked_like.or(server);
        if answer.json().is_some_and(|json| answer.status == 200 && is_list(json)) {
            looked_like.get_or_insert_with(|| "OpenAI-compatible server".to_owned());
            "it lists models like OpenAI's API but is no runtime known here; to use it, add it as `[[endpoints]]`"
                .clone_into(&mut reason);
        } else if answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("HTTPS") {
            "it speaks HTTPS, which runtimes on this machine do not; to use it, add it as `[[endpoints]]`"
                .clone_into(&mut reason);
        }
    }
    Finding::Other { looked_like, reason }
}

/// What the site has answered so far.
struct Answers<'a> {
    site: &'a Site,
    known: BTreeMap<String, Result<Answer, Fault>>,
}

impl Answers<'_> {
    async fn ask(&mut self, path: &str) -> Result<&Answer, Fault> {
        if !self.known.contains_key(path) {
            let answer = self.site.get(path).await;
            self.known.insert(path.to_owned(), answer);
        }
        match self.known.get(path) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(Fault::TimedOut),
        }
    }

    fn instance(&self) -> Option<&str> {
        self.known.values().flatten().find_map(|answer| answer.header(INSTANCE))
    }
}

#[cfg(test)]
mod tests;
