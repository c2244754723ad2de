//! What a hosted model costs and what is promised of it, as far as the committed table knows.
//!
//! For people and for lists. What a request cost is worked out from the table itself, in whole numbers.

use serde::{Deserialize, Serialize};

use super::Model;
use crate::provider::known::{self, Known, Mode, Price, Rate, Retirement};

/// The terms on which a provider offers a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(default)]
pub struct Terms {
    /// What a person reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tokens of an answer at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u32>,
    /// US dollars for a million tokens of prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_price: Option<f64>,
    /// US dollars for a million tokens of answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_price: Option<f64>,
    /// US dollars for a million tokens of prompt that come from the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_price: Option<f64>,
    /// Whether prompts are cached.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub caching: bool,
    /// Whether answers come in a form that the request gives.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub structured: bool,
    /// The day on which it is or was taken away, `2027-01-31`; `someday` where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires: Option<String>,
}

impl Model {
    /// A model of a provider's that has no list, as the table has it.
    pub fn known(known: &Known, endpoint: super::EndpointId) -> Model {
        let mut model = Model::named(known.model, endpoint, false);
        model.complete(known);
        model
    }

    /// Adds what the table knows. What the provider said itself stays.
    pub fn complete_from_table(&mut self, provider: &str) {
        if let Some(known) = known::find(provider, &self.id) {
            self.complete(&known);
        }
    }

    /// Says what it costs, whatever was said before.
    pub fn costs(&mut self, price: &Price) {
        let (terms, rates) = (self.terms.get_or_insert_default(), price.standard);
        terms.input_price = rates.input.map(dollars);
        terms.output_price = rates.output.map(dollars);
        terms.cached_price = rates.cache_read.map(dollars);
    }

    fn complete(&mut self, known: &Known) {
        let (said, badges) = (&mut self.capabilities, known.badges);
        self.context.effective = self.context.effective.or(known.context);
        // False means that nobody says so.
        for (ability, known) in [
            (&mut said.tools, badges.tools),
            (&mut said.vision, badges.vision),
            (&mut said.reasoning, badges.reasoning),
            (&mut said.audio, badges.audio),
        ] {
            *ability = ability.or(known.then_some(true));
        }
        said.chat = matches!(known.mode, Mode::Chat | Mode::Responses | Mode::Completion);
        said.embeddings = known.mode == Mode::Embedding;
        said.rerank = known.mode == Mode::Rerank;
        self.terms = Some(Terms {
            name: known.name.map(str::to_owned),
            max_output: known.max_output,
            caching: badges.caching,
            structured: badges.structured,
            retires: known.retires.map(|retires| match retires {
                Retirement::On(day) => format!("{}-{:02}-{:02}", day.year, day.month, day.day),
                Retirement::Someday => "someday".to_owned(),
            }),
            ..Terms::default()
        });
        if let Some(price) = &known.price {
            self.costs(price);
        }
    }
}

fn dollars(rate: Rate) -> f64 {
    // Exact to fifteen digits, which is more than any price has.
    rate.0 as f64 / 1e12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fills_gaps_and_no_more() {
        let mut model = Model::named("claude-sonnet-4-5-20250929", "anthropic".into(), false);
        model.context.effective = Some(7);
        model.capabilities.vision = Some(false);
        model.complete_from_table("anthropic");
        let terms = model.terms.clone().unwrap();
        assert_eq!((terms.input_price, terms.output_price, terms.cached_price), (Some(3.0), Some(15.0), Some(0.3)));
        assert!(terms.caching && terms.max_output.is_some_and(|most| most >= 64_000), "{terms:?}");
        assert_eq!(model.context.effective, Some(7), "the provider's own word holds");
        assert_eq!((model.capabilities.vision, model.capabilities.tools), (Some(false), Some(true)));
        let mut vectors = Model::named("text-embedding-3-small", "openai".into(), false);
        vectors.complete_from_table("openai");
        assert!(vectors.capabilities.embeddings && !vectors.capabilities.chat, "{vectors:?}");
        let mut new = Model::named("gpt-99", "openai".into(), false);
        new.complete_from_table("openai");
        assert_eq!(new, Model::named("gpt-99", "openai".into(), false), "nothing is made up");
    }
}
