//! The hub's order of documents: how relevant each is to a query, between protocols that differ.
//!
//! Documents are texts. What a client wants back of them is written from its own request, so that no upstream is asked to
//! send them twice.

use super::completion::Usage;

/// Documents to put in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RerankRequest {
    /// The name asked for; an encoder writes the target's name instead.
    pub model: String,
    /// What they are to be relevant to.
    pub query: String,
    /// The documents.
    pub documents: Vec<String>,
    /// How many of the best are wanted; absent = all.
    pub top: Option<u32>,
    /// Whether the answer has the documents' texts in it.
    pub return_documents: bool,
    /// The most tokens of each document that are read.
    pub max_tokens_per_document: Option<u32>,
    /// What the client said that this form has no place for, by its own field names.
    pub dropped: Vec<String>,
}

/// The documents in order, the most relevant first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    /// The upstream's id; empty where it gives none.
    pub id: String,
    /// The model that ordered them, as the upstream names it; empty where it does not.
    pub model: String,
    /// The documents that are in it.
    pub ranked: Vec<Ranked>,
    /// Token counts, where told.
    pub usage: Option<Usage>,
    /// Cohere's unit of what a search costs, where told.
    pub search_units: Option<u32>,
}

/// One document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its place in the request, from 0.
    pub index: usize,
    /// How relevant it is; what the number means differs by model.
    pub score: f64,
}

impl Ranking {
    /// The best first, and no more than were asked for; `None` if it names a document that there is not, or one twice.
    pub fn checked(mut self, request: &RerankRequest) -> Option<Ranking> {
        let mut seen = vec![false; request.documents.len()];
        for ranked in &self.ranked {
            if std::mem::replace(seen.get_mut(ranked.index)?, true) {
                return None;
            }
        }
        self.ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        if let Some(top) = request.top {
            self.ranked.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_of_what_was_asked() {
        #[track_caller]
        fn check(top: Option<u32>, ranked: &[(usize, f64)], expected: Option<&[usize]>) {
            let request = RerankRequest { documents: vec![String::new(); 3], top, ..RerankRequest::default() };
            let ranked = ranked.iter().map(|(index, score)| Ranked { index: *index, score: *score }).collect();
            let checked = Ranking { ranked, ..Ranking::default() }.checked(&request);
            let order = checked.map(|it| it.ranked.iter().map(|ranked| ranked.index).collect::<Vec<_>>());
            assert_eq!(order.as_deref(), expected);
        }
        check(None, &[(0, 0.1), (2, 0.9), (1, -3.0)], Some(&[2, 0, 1]));
        check(Some(1), &[(0, 0.1), (2, 0.9)], Some(&[2]));
        check(Some(9), &[(1, 0.5), (0, 0.5)], Some(&[1, 0]));
        check(None, &[], Some(&[]));
        check(None, &[(3, 0.5)], None);
        check(None, &[(1, 0.5), (1, 0.4)], None);
    }
}
