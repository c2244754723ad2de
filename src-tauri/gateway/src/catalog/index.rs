//! Finds models by name: exact, up to case and `:latest`, and the nearest ones for an error message.
//!
//! Built once per snapshot whose models changed. It knows names only: which of several equal names answers is
//! `routing`'s business.

use std::collections::HashMap;
use std::sync::Arc;

use super::Model;

/// Names to models.
#[derive(Debug, Default)]
pub struct Index {
    exact: HashMap<Arc<str>, Vec<Arc<Model>>>,
    folded: HashMap<String, Vec<Arc<Model>>>,
}

impl Index {
    pub(super) fn build<'a>(models: impl Iterator<Item = &'a Arc<Model>>) -> Index {
        let mut index = Index::default();
        for model in models {
            for name in std::iter::once(&model.id).chain(&model.aliases) {
                push(index.exact.entry(Arc::clone(name)).or_default(), model);
                push(index.folded.entry(fold(name)).or_default(), model);
            }
        }
        index
    }

    /// The models with exactly this name.
    pub fn exact(&self, name: &str) -> &[Arc<Model>] {
        self.exact.get(name).map_or(&[], Vec::as_slice)
    }

    /// The models with this name up to case and Ollama's `:latest`.
    pub fn folded(&self, name: &str) -> &[Arc<Model>] {
        self.folded.get(&fold(name)).map_or(&[], Vec::as_slice)
    }

    /// Up to three names that look like this one, best first.
    pub fn nearest(&self, name: &str) -> Vec<Arc<str>> {
        let wanted = fold(name);
        let mut scored: Vec<(usize, &Arc<str>)> = self
            .exact
            .keys()
            .map(|known| (distance(&wanted, &fold(known)), known))
            .filter(|(distance, known)| *distance <= wanted.len().min(known.len()) / 2)
            .collect();
        scored.sort();
        scored.into_iter().take(3).map(|(_, name)| Arc::clone(name)).collect()
    }
}

fn push(models: &mut Vec<Arc<Model>>, model: &Arc<Model>) {
    if !models.iter().any(|known| Arc::ptr_eq(known, model)) {
        models.push(Arc::clone(model));
    }
}

/// A name as people mean it: lower case, without `:latest`.
pub(crate) fn fold(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.strip_suffix(":latest").map(str::to_owned).unwrap_or(lower)
}

/// Edits between two names, where a name inside another counts as one edit: `qwen3` is near `qwen3:8b`.
fn distance(wanted: &str, known: &str) -> usize {
    // Names are short; a hostile one must not make this slow.
    let (wanted, known) = (bounded(wanted), bounded(known));
    if !wanted.is_empty() && (known.contains(wanted) || wanted.contains(known)) {
        return 1;
    }
    let known: Vec<char> = known.chars().collect();
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in wanted.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in known.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[known.len()]
}

fn bounded(name: &str) -> &str {
    let end = name.char_indices().nth(80).map_or(name.len(), |(at, _)| at);
    &name[..end]
}
