//! What a request cost, worked out from its tokens when somebody looks.
//!
//! At the provider's usual service: a row does not tell another one. Whose prices they are, the user's or the committed
//! table's, is who asks' business; a price that nobody states is no price, and nothing is guessed.

use super::table::daily::Sums;
use super::table::request::Request;
use crate::provider::known::{Billed, Money, Price, Service};

/// What a row's answer cost; `None` where that is not known.
pub fn of(price: &Price, row: &Request) -> Option<Money> {
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
    let usual = Price { standard: price.standard, ..Price::default() };
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
        let row = Request {
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
            input_tokens,
            output_tokens,
            cached_tokens,
            reasoning_tokens: None,
            first_byte_us: None,
            total_us: 0,
            status: 200,
            outcome: Outcome::Complete,
            attempts: 1,
            error: None,
            chunks: 1,
            story: None,
            texts: false,
        };
        let price = known::find(provider, model).and_then(|known| known.price);
        assert_eq!(
            price.and_then(|price| of(&price, &row)).map(|sum| sum.to_string()).as_deref(),
            expected,
            "{provider} {model} {tokens:?}"
        );
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
}
