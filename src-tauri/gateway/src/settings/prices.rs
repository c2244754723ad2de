//! What a user pays for an endpoint's models, where that is not what the committed table says.
//!
//! By a pattern of model names, `"gpt-5*" = { input = 1.1, output = 8.8 }`, in US dollars for a million tokens. What a price
//! means is `provider::known`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wildmatch::WildMatch;

use crate::provider::known::{Price, Rate, Rates};

/// Prices by patterns of model names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(BTreeMap<String, Written>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Dollars>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Dollars>,
    /// Of a prompt from the provider's cache; else as `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<Dollars>,
}

/// US dollars for a million tokens, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dollars(Rate);

impl Prices {
    /// Whether none is stated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A model's price by the longest pattern that it has.
    pub fn of(&self, model: &str) -> Option<Price> {
        let fits = |(pattern, _): &(&String, &Written)| WildMatch::new(pattern).matches(model);
        let (_, written) = self.0.iter().filter(fits).max_by_key(|(pattern, _)| pattern.len())?;
        let rate = |dollars: Option<Dollars>| dollars.map(|dollars| dollars.0);
        let standard = Rates {
            input: rate(written.input),
            output: rate(written.output),
            cache_read: rate(written.cached),
            ..Rates::default()
        };
        Some(Price { standard, ..Price::default() })
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dollars, D::Error> {
        // A float is written back as the shortest decimal that means it, which is what the user wrote.
        let rate = Rate::read(&f64::deserialize(deserializer)?.to_string());
        rate.map(Dollars).ok_or_else(|| serde::de::Error::custom("a price is a number of US dollars, 0 or more"))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.to_string().parse().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, model: &str, expected: Option<(&str, &str)>) {
        let prices: Prices = toml::from_str(written).unwrap();
        let told = |rate: Option<Rate>| rate.map_or_else(String::new, |rate| rate.to_string());
        let seen = prices.of(model).map(|price| (told(price.standard.input), told(price.standard.output)));
        assert_eq!(seen.as_ref().map(|(input, output)| (&**input, &**output)), expected, "{model} in {written}");
        let again: Prices = toml::from_str(&toml::to_string(&prices).unwrap()).unwrap();
        assert_eq!(again, prices, "{written}");
    }

    #[test]
    fn the_closest_pattern_holds() {
        let written = "\"*\" = { input = 1 }\n\"gpt-5*\" = { input = 1.1, output = 8.8, cached = 0.11 }";
        check(written, "gpt-5-mini", Some(("1.1", "8.8")));
        check(written, "llama", Some(("1", "")));
        check("\"gpt-5\" = { output = 0 }", "gpt-5", Some(("", "0")));
        check("\"gpt-5\" = { output = 0 }", "gpt-5-mini", None);
        check("", "gpt-5", None);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for written in ["\"a\" = { input = -1 }", "\"a\" = { input = \"free\" }", "\"a\" = { inputs = 1 }"] {
            assert!(toml::from_str::<Prices>(written).is_err(), "{written}");
        }
    }
}
