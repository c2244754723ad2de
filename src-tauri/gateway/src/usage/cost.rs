//! What a request cost, worked out from its tokens, or from its other units, when somebody looks.
//!
//! At the provider's usual service: a row does not tell another one. Whose prices they are, the user's or the committed
//! table's, is who asks' business; a price that nobody states is no price, and nothing is guessed.

use super::table::daily::Sums;
use super::table::request::Request;
use crate::provider::known::{Billed, Money, Price, Service};

/// What a row's answer cost; `None` where that is not known.
pub fn of(price: &Price, row: &Request) -> Option<Money> {
    if price.unit.is_some() {
        return price.of_units(u64::from(row.units?));
    }
    let tokens = |count: Option<u32>| u64::from(count.unwrap_or(0));
    let billed = Billed {
        input: u64::from(row.input_tokens?),
        cache_read: tokens(row.cached_tokens),
        output: tokens(row.output_tokens),
        reasoning: tokens(row.reasoning_tokens),
        ..Billed::default()
    };
    price.cost(&billed, Service::Standard)
}

/// What a day's answers of one model cost, as far as their sums tell: how long each prompt was, and what was
/// written to a cache, is not kept by day, so that neither a long prompt's higher price nor a cache's is in it. The rows
/// of the requests know more, for as long as they are kept.
pub fn estimate(price: &Price, sums: &Sums) -> Option<Money> {
    let tokens = |count: i64| u64::try_from(count).unwrap_or(0);
    let billed = Billed {
        input: tokens(sums.input_tokens),
        cache_read: tokens(sums.cached_tokens),
        output: tokens(sums.output_tokens),
        reasoning: tokens(sums.reasoning_tokens),
        ..Billed::default()
    };
    let each = price.request.unwrap_or_default().0.saturating_mul(tokens(sums.requests - sums.errors));
    let usual = Price { standard: price.standard, unit: price.unit, ..Price::default() };
    if price.unit.is_some() {
        return Some(usual.of_units(tokens(sums.units))?.saturating_add(Money(each)));
    }
    Some(usual.cost(&billed, Service::Standard)?.saturating_add(Money(each)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::known;
    use crate::usage::Outcome;

    #[track_caller]
    fn check(provider: &str, model: &str, tokens: (Option<u32>, Option<u32>, Option<u32>), expected: Option<&str>) {
        let (input_tokens, cached_tokens, output_tokens) = tokens;
        check_row(&Request { input_tokens, cached_tokens, output_tokens, ..row(provider, model) }, expected);
    }

    fn row(provider: &str, model: &str) -> Request {
        Request {
            id: 1,
            started_ms: 0,
            client: None,
            tool: None,
            surface: "openai".into(),
            operation: "chat".into(),
            asked: model.into(),
            endpoint: Some(provider.into()),
            model: Some(model.into()),
            local: false,
            stream: false,
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            reasoning_tokens: None,
            units: None,
            first_byte_us: None,
            total_us: 0,
            status: 200,
            outcome: Outcome::Complete,
            attempts: 1,
            error: None,
            chunks: 1,
            story: None,
            texts: false,
        }
    }

    #[track_caller]
    fn check_row(row: &Request, expected: Option<&str>) {
        let (provider, model) = (row.endpoint.as_deref().unwrap_or_default(), row.model.as_deref().unwrap_or_default());
        let price = known::find(provider, model).and_then(|known| known.price);
        let cost = price.and_then(|price| of(&price, row)).map(|sum| sum.to_string());
        assert_eq!(cost.as_deref(), expected, "{row:?}");
    }

    #[test]
    fn tokens_by_their_prices() {
        // 3 and 15 dollars a million, 0.3 from the cache.
        let sonnet = "claude-sonnet-4-5-20250929";
        check("anthropic", sonnet, (Some(1000), None, Some(100)), Some("0.0045"));
        check("anthropic", sonnet, (Some(1000), Some(900), Some(100)), Some("0.00207"));
        check("anthropic", sonnet, (None, None, Some(100)), None);
        check("anthropic", "claude-of-tomorrow", (Some(1000), None, Some(100)), None);
    }

    #[test]
    fn units_by_theirs() {
        #[track_caller]
        fn check(provider: &str, model: &str, units: Option<u32>, input_tokens: Option<u32>, expected: Option<&str>) {
            check_row(&Request { units, input_tokens, ..row(provider, model) }, expected);
        }
        check("cohere", "rerank-v3.5", Some(3), None, Some("0.006"));
        check("cohere", "rerank-v3.5", None, Some(1000), None);
        check("openai", "whisper-1", Some(90), None, Some("0.009"));
        check("gemini", "imagen-3.0-generate-001", Some(2), None, Some("0.08"));
        // Sold by tokens, whatever else is told.
        check("openai", "gpt-4o-transcribe", Some(60), Some(1000), Some("0.0025"));
        check("voyage", "rerank-2.5", None, Some(1_000_000), Some("0.05"));
        // Dearer where it is large or fine.
        check("bedrock", "amazon.nova-canvas-v1:0", Some(1), None, None);
    }

    #[test]
    fn a_days_units() {
        let price = known::find("cohere", "rerank-v3.5").and_then(|known| known.price).expect("a price");
        let sums = Sums { requests: 2, units: 5, ..Sums::default() };
        assert_eq!(estimate(&price, &sums).map(|sum| sum.to_string()).as_deref(), Some("0.01"));
    }
}
