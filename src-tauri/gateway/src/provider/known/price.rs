//! What tokens and other units cost, and what an answer cost.
//!
//! Whole numbers throughout, so that a sum of many answers is exact and two machines agree. It does not know which tier an
//! answer was given in, nor what an upstream itself says that it took: both come in, or go before it.

mod rate;

pub use rate::{Money, Rate};

/// The prices of a model. Whoever knows better than the table makes one by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Price {
    /// Where no other condition holds.
    pub standard: Rates,
    /// For each request, besides its tokens.
    pub request: Option<Money>,
    /// For each search, picture or second of sound, where that is what is sold and no tokens are.
    pub unit: Option<Money>,
    /// Under other conditions.
    pub tiers: Vec<Tier>,
}

/// Prices by what the tokens are; what nobody states is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Input that was neither read from the cache nor written to it.
    pub input: Option<Rate>,
    /// The answer.
    pub output: Option<Rate>,
    /// Input from the cache; else as `input`.
    pub cache_read: Option<Rate>,
    /// Input written to the cache; else as `input`.
    pub cache_write: Option<Rate>,
    /// Input written to the cache for an hour; else as `cache_write`.
    pub cache_write_hour: Option<Rate>,
    /// The part of the answer that is thought; else as `output`.
    pub reasoning: Option<Rate>,
}

/// Prices that hold instead of the standard ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// For answers of this service.
    pub service: Service,
    /// For the whole request, once its input has more tokens than this.
    pub above: Option<u64>,
    /// What they are.
    pub rates: Rates,
}

/// How fast, and for that how dear, an answer was. Off-peak hours are left out: which hours they are, the table does not
/// say, so that the standard price holds for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Service {
    /// As usual.
    #[default]
    Standard,
    /// Within a day.
    Batch,
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
    /// Faster still.
    Ultrafast,
}

/// Tokens to be paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Billed {
    /// All of the prompt, whatever a cache did with it.
    pub input: u64,
    /// The part of `input` that came from a cache.
    pub cache_read: u64,
    /// The part of `input` that was written to a cache.
    pub cache_write: u64,
    /// The part of `input`, and not of `cache_write`, that was written to a cache for an hour.
    pub cache_write_hour: u64,
    /// All of the answer, its thought included.
    pub output: u64,
    /// The part of `output` that was thought.
    pub reasoning: u64,
}

impl Service {
    /// The service that an answer names in its `service_tier`; `None` for one whose prices are not known.
    pub fn named(name: &str) -> Option<Service> {
        Some(match name {
            "" | "standard" | "default" | "on_demand" => Service::Standard,
            "batch" => Service::Batch,
            "flex" => Service::Flex,
            "priority" => Service::Priority,
            "ultrafast" => Service::Ultrafast,
            _ => return None,
        })
    }
}

impl Price {
    /// What an answer cost, or `None` where a price that it needs is not known.
    pub fn cost(&self, billed: &Billed, service: Service) -> Option<Money> {
        let tokens = self.rates(billed.input, service)?.cost(billed)?;
        Some(tokens.saturating_add(self.request.unwrap_or_default()))
    }

    /// What so many units cost, or `None` where they are not what is sold.
    pub fn of_units(&self, count: u64) -> Option<Money> {
        Some(Money(self.unit?.0.saturating_mul(count)).saturating_add(self.request.unwrap_or_default()))
    }

    /// The prices of a request: those of its service above the highest limit that its input passes. What a long request
    /// costs in a service that states only short ones is not known: no rule leads from one to the other.
    fn rates(&self, input: u64, service: Service) -> Option<&Rates> {
        let highest = |service| {
            let holds = |tier: &&Tier| tier.service == service && tier.above.is_none_or(|above| input > above);
            self.tiers.iter().filter(holds).max_by_key(|tier| tier.above)
        };
        let long = highest(Service::Standard);
        match (service, highest(service)) {
            (Service::Standard, _) => Some(long.map_or(&self.standard, |tier| &tier.rates)),
            (_, Some(tier)) if tier.above >= long.and_then(|tier| tier.above) => Some(&tier.rates),
            (_, Some(_) | None) => None,
        }
    }

    /// Reads a row's prices: the standard ones, its tiers and its other prices. `claude` has the cache's prices follow
    /// from the input's where they are not stated. The outer `None` is for what cannot be read.
    pub(super) fn read(standard: [&str; 5], tiers: &str, more: &str, claude: bool) -> Option<Option<Price>> {
        let mut price = Price { standard: Rates::read(standard)?, ..Price::default() };
        let mut units = Vec::new();
        for other in more.split_whitespace() {
            let (unit, rate) = other.split_once(':')?;
            match unit {
                "reasoning" => price.standard.reasoning = Some(Rate::read(rate)?),
                "request" => price.request = Some(Money(Rate::read(rate)?.0)),
                "query" | "image" | "second" => units.push(Money(Rate::read(rate)?.0)),
                // Sold by what nobody counts here.
                "audio_in" | "audio_out" | "image_in" | "image_out" | "video_in" | "char" | "second_out" => {}
                _ => return None,
            }
        }
        // Of two kinds of units, or of units and tokens, an answer does not say which it is billed by.
        if let ([unit], true) = (&units[..], price.standard == Rates::default()) {
            price.unit = Some(*unit);
        }
        if claude {
            price.standard = price.standard.with_anthropic_cache();
        }
        for tier in tiers.split_whitespace() {
            let (name, rates) = tier.split_once(':')?;
            let (service, above) = match name.split_once('>') {
                Some((service, above)) => (service, Some(limit(above)?)),
                None => (name, None),
            };
            let rates = match rates.strip_prefix('x') {
                Some(factor) => price.standard.times(Rate::read(factor)?),
                None => Rates::stated(rates, claude)?,
            };
            if service != "offpeak" {
                price.tiers.push(Tier { service: Service::named(service)?, above, rates });
            }
        }
        let sold = price.request.is_some() || price.unit.is_some() || price.standard != Rates::default();
        Some(sold.then_some(price))
    }
}

/// `272k` or `131072`.
fn limit(text: &str) -> Option<u64> {
    match text.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000),
        None => text.parse().ok(),
    }
}

impl Rates {
    fn cost(&self, billed: &Billed) -> Option<Money> {
        let written = billed.cache_write.saturating_add(billed.cache_write_hour);
        let fresh = billed.input.saturating_sub(billed.cache_read).saturating_sub(written);
        let write = self.cache_write.or(self.input);
        let reasoning = billed.reasoning.min(billed.output);
        let parts = [
            (fresh, self.input),
            (billed.cache_read, self.cache_read.or(self.input)),
            (billed.cache_write, write),
            (billed.cache_write_hour, self.cache_write_hour.or(write)),
            (billed.output - reasoning, self.output),
            (reasoning, self.reasoning.or(self.output)),
        ];
        let mut sum: u128 = 0;
        for (tokens, rate) in parts {
            if tokens > 0 {
                // Six products of two u64 always fit below the sum's end, save for counts that no model has.
                sum = sum.saturating_add(u128::from(tokens) * u128::from(rate?.0));
            }
        }
        Some(Money::of_millionths(sum))
    }

    fn read(prices: [&str; 5]) -> Option<Rates> {
        let read = |text: &str| if text.is_empty() { Some(None) } else { Rate::read(text).map(Some) };
        let [input, output, cache_read, cache_write, cache_write_hour] = prices;
        Some(Rates {
            input: read(input)?,
            output: read(output)?,
            cache_read: read(cache_read)?,
            cache_write: read(cache_write)?,
            cache_write_hour: read(cache_write_hour)?,
            reasoning: None,
        })
    }

    /// A tier's `in/out/read/write/write1h`, the last empty ones left out.
    fn stated(text: &str, claude: bool) -> Option<Rates> {
        let mut parts = text.split('/');
        let prices = std::array::from_fn(|_| parts.next().unwrap_or_default());
        if parts.next().is_some() {
            return None;
        }
        let rates = Rates::read(prices)?;
        Some(if claude { rates.with_anthropic_cache() } else { rates })
    }

    fn times(&self, factor: Rate) -> Rates {
        let times = |rate: Option<Rate>| rate.map(|rate| rate.times(factor));
        Rates {
            input: times(self.input),
            output: times(self.output),
            cache_read: times(self.cache_read),
            cache_write: times(self.cache_write),
            cache_write_hour: times(self.cache_write_hour),
            reasoning: times(self.reasoning),
        }
    }

    /// Whoever sells Claude takes for what is written to the cache 1.25 times the input's price, twice for an hour.
    fn with_anthropic_cache(self) -> Rates {
        let times = |thousandths: u64| self.input.map(|rate| rate.times(Rate::thousandths(thousandths)));
        Rates {
            cache_write: self.cache_write.or_else(|| times(1250)),
            cache_write_hour: self.cache_write_hour.or_else(|| times(2000)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
