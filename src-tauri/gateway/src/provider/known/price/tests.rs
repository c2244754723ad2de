//! Costs worked out by hand.

use super::*;

/// Tokens as `input read write write1h output reasoning`.
fn billed([input, cache_read, cache_write, cache_write_hour, output, reasoning]: [u64; 6]) -> Billed {
    Billed { input, cache_read, cache_write, cache_write_hour, output, reasoning }
}

fn price(standard: &str, tiers: &str, more: &str, claude: bool) -> Option<Price> {
    let mut parts = standard.split('/');
    let standard = std::array::from_fn(|_| parts.next().unwrap_or_default());
    Price::read(standard, tiers, more, claude).expect("a price that can be read")
}

#[test]
fn each_kind_of_token_has_its_price() {
    #[track_caller]
    fn check(standard: &str, more: &str, claude: bool, tokens: [u64; 6], expected: Option<&str>) {
        let cost = price(standard, "", more, claude).expect("a price").cost(&billed(tokens), Service::Standard);
        assert_eq!(cost.map(|it| it.to_string()).as_deref(), expected, "{standard} for {tokens:?}");
    }
    // 1000 × 3 and 500 × 15 a million.
    check("3/15", "", false, [1000, 0, 0, 0, 500, 0], Some("0.0105"));
    check("3/15", "", false, [0; 6], Some("0"));
    check("0.15/0.6", "", false, [1, 0, 0, 0, 1, 0], Some("0.00000075"));
    // 200 × 3 + 700 × 0.3 + 100 × 3.75 + 500 × 15.
    check("3/15/0.3/3.75/6", "", false, [1000, 700, 100, 0, 500, 0], Some("0.008685"));
    // 200 × 3 + 700 × 0.3 + 60 × 3.75 + 40 × 6 + 500 × 15.
    check("3/15/0.3/3.75/6", "", false, [1000, 700, 60, 40, 500, 0], Some("0.008775"));
    // What the cache costs is not stated: the input's price.
    check("3/15", "", false, [1000, 700, 60, 40, 0, 0], Some("0.003"));
    check("3/15//4", "", false, [1000, 0, 0, 1000, 0, 0], Some("0.004"));
    // Claude's follows: 60 × 3.75 + 40 × 6.
    check("3/15/0.3", "", true, [100, 0, 60, 40, 0, 0], Some("0.000465"));
    check("3/15/0.3/3.5", "", true, [100, 0, 100, 0, 0, 0], Some("0.00035"));
    // Thought is a part of the answer: 500 × 8, or 200 × 8 + 300 × 3.
    check("2/8", "", false, [0, 0, 0, 0, 500, 300], Some("0.004"));
    check("2/8", "reasoning:3", false, [0, 0, 0, 0, 500, 300], Some("0.0025"));
    check("0/2.8", "request:0.005", false, [1000, 0, 0, 0, 1000, 0], Some("0.0078"));
    check("2/8", "audio_in:40", false, [1000, 0, 0, 0, 0, 0], Some("0.002"));
    // An unknown price is asked for only where there are tokens for it.
    check("/7.5", "", false, [0, 0, 0, 0, 1000, 0], Some("0.0075"));
    check("/7.5", "", false, [1, 0, 0, 0, 1000, 0], None);
    check("0.02", "", false, [1000, 0, 0, 0, 0, 0], Some("0.00002"));
    check("0.02", "", false, [1000, 0, 0, 0, 1, 0], None);
    // An upstream that counts nonsense makes no nonsense sum.
    check("3/15/0.3", "", false, [10, 20, 0, 0, 0, 0], Some("0.000006"));
    check("3/15", "", false, [0, 0, 0, 0, 10, 20], Some("0.00015"));
    check("3/15", "", false, [u64::MAX, 0, 0, 0, 0, 0], Some("18446744.073709551615"));
}

#[test]
fn a_tier_holds_where_its_condition_does() {
    #[track_caller]
    fn check(tiers: &str, service: Service, input: u64, expected: Option<&str>) {
        let cost = price("5/30/0.5", tiers, "", false)
            .expect("a price")
            .cost(&billed([input, input / 2, 0, 0, 1000, 0]), service);
        assert_eq!(cost.map(|it| it.to_string()).as_deref(), expected, "{tiers} for {input} at {service:?}");
    }
    use Service::{Batch, Flex, Priority, Standard, Ultrafast};
    let tiers = ">272k:10/45/1 batch:x0.5 batch>272k:5/22.5/0.5 flex:2.5//0.25 priority:x2 ultrafast>272k:60/270/6";
    // 500 × 5 + 500 × 0.5 + 1000 × 30.
    check(tiers, Standard, 1000, Some("0.03275"));
    check("", Standard, 1000, Some("0.03275"));
    check("offpeak:x0.5", Standard, 1000, Some("0.03275"));
    // The limit itself is below: 136,000 × 5 + 136,000 × 0.5 + 1000 × 30, then all of it by the higher price.
    check(tiers, Standard, 272_000, Some("0.778"));
    check(tiers, Standard, 272_002, Some("1.541011"));
    check(tiers, Batch, 1000, Some("0.016375"));
    // 136,001 × 5 + 136,001 × 0.5 + 1000 × 22.5.
    check(tiers, Batch, 272_002, Some("0.7705055"));
    check(tiers, Priority, 1000, Some("0.0655"));
    check(tiers, Priority, 272_002, None);
    check(tiers, Flex, 1000, None);
    check(tiers, Ultrafast, 1000, None);
    check("", Flex, 1000, None);
    // The highest limit that is passed: 15,000 × 10 + 15,000 × 1 + 1000 × 60.
    check(">32k:x1.5 >16k:x2 >131072:x3", Standard, 30_000, Some("0.225"));
    check(">32k:x1.5 >16k:x2 >131072:x3", Standard, 131_072, Some("0.585672"));
    // A tier that does not say what the cache costs: 500 × 2.5 twice, 1000 × 15.
    check("flex:2.5/15", Flex, 1000, Some("0.0175"));
    // A service with only one price has it for long requests too, where the standard price knows no limit.
    check("flex:2.5/15", Flex, 1_000_000, Some("2.515"));
}

#[test]
fn units_are_sold_where_no_tokens_are() {
    #[track_caller]
    fn check(standard: &str, more: &str, expected: Option<&str>) {
        let cost = price(standard, "", more, false).and_then(|price| price.of_units(3)).map(|sum| sum.to_string());
        assert_eq!(cost.as_deref(), expected, "{standard} {more}");
    }
    check("", "query:0.002", Some("0.006"));
    check("", "query:0.002 request:0.01", Some("0.016"));
    check("", "second:0.0001", Some("0.0003"));
    check("2.5/10", "audio_in:6 second:0.0001", None);
    // An answer has one count, and does not say of what.
    check("", "query:0.00007 second:0.00014", None);
    check("", "char:15", None);
}

#[test]
fn what_is_no_price_is_not_read() {
    let check = |standard: [&str; 5], tiers: &str, more: &str, expected: Option<bool>| {
        let read = Price::read(standard, tiers, more, false);
        assert_eq!(read.map(|price| price.is_some()), expected, "{standard:?} {tiers} {more}");
    };
    check(["", "", "", "", ""], "", "", Some(false));
    check(["", "", "", "", ""], "", "image:0.04", Some(true));
    check(["", "", "", "", ""], "", "char:15", Some(false));
    check(["0", "0", "", "", ""], "", "", Some(true));
    check(["a", "", "", "", ""], "", "", None);
    check(["1", "2", "", "", ""], "flex", "", None);
    check(["1", "2", "", "", ""], "slow:1/2", "", None);
    check(["1", "2", "", "", ""], "flex>many:1/2", "", None);
    check(["1", "2", "", "", ""], "flex:1/2/3/4/5/6", "", None);
    check(["1", "2", "", "", ""], "flex:xx", "", None);
    check(["1", "2", "", "", ""], "", "gold:1", None);
}

#[test]
fn services_have_names() {
    let check = |name: &str, expected: Option<Service>| assert_eq!(Service::named(name), expected, "{name}");
    check("", Some(Service::Standard));
    check("default", Some(Service::Standard));
    check("flex", Some(Service::Flex));
    check("priority", Some(Service::Priority));
    check("scale", None);
}
