//! What is known of a hosted model before anyone has asked it: context, price, abilities, habits.
//!
//! Read from `models/models.tsv`, which is compiled in and searched in place: nothing of it is parsed before it is asked
//! for, and nothing kept. What the file's columns mean stands in `models/table.py`. It is no list of what a provider
//! offers today, and a provider's own word goes before it.

mod name;
mod price;
mod table;

use crate::completion::Effort;

pub use price::{Billed, Money, Price, Rate, Rates, Service, Tier};

/// A row of the table, its texts borrowed from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The provider as the gateway names it. Another one's than asked for where only that one's row was found.
    pub provider: &'static str,
    /// The model in the provider's own case, perhaps without the date, the region or the account that was asked for.
    pub model: &'static str,
    /// What it is asked for.
    pub mode: Mode,
    /// Tokens of input at most; some providers state the whole window here, the answer included.
    pub context: Option<u32>,
    /// Tokens of answer at most.
    pub max_output: Option<u32>,
    /// What its tokens cost. None where nobody says, or where it is sold by something else: pictures, seconds.
    pub price: Option<Price>,
    /// What it can do.
    pub badges: Badges,
    /// What it takes and how it thinks.
    pub behaviour: Behaviour,
    /// How hard it can be told to think.
    pub efforts: Option<Efforts>,
    /// Tokens that a prompt needs to be cached.
    pub cache_minimum: Option<u32>,
    /// When it is or was taken away.
    pub retires: Option<Retirement>,
    /// What a person reads.
    pub name: Option<&'static str>,
    /// Who says so, as `table.py` abbreviates it.
    pub source: &'static str,
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Conversations.
    Chat,
    /// Conversations, but only over the Responses API.
    Responses,
    /// Texts to go on with.
    Completion,
    /// Vectors.
    Embedding,
    /// Pictures to make.
    Image,
    /// Texts to read aloud.
    Speech,
    /// Recordings to write down.
    Transcription,
    /// Documents to order.
    Rerank,
    /// Texts to judge.
    Moderation,
}

/// What a model is said to do. False means that nobody says so, not that it cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Badges {
    /// Calls tools.
    pub tools: bool,
    /// Sees images.
    pub vision: bool,
    /// Hears audio.
    pub audio: bool,
    /// Reads PDF files.
    pub pdf: bool,
    /// Thinks before it answers.
    pub reasoning: bool,
    /// Caches prompts.
    pub caching: bool,
    /// Answers in a form that it is given.
    pub structured: bool,
}

/// What a model takes and how it thinks; `None` where nobody says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// Takes `temperature`, `top_p` and `top_k`.
    pub sampling: Option<bool>,
    /// Decides by itself how long it thinks.
    pub adaptive_thinking: Option<bool>,
    /// Takes a budget of tokens to think.
    pub budget_thinking: Option<bool>,
    /// Goes on with an answer that the request begins.
    pub prefill: Option<bool>,
    /// Can be made to call a tool.
    pub forced_tool: Option<bool>,
    /// Cannot be kept from thinking.
    pub always_thinks: Option<bool>,
}

/// How hard a model can be told to think.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Efforts {
    /// What it takes, weakest first; empty where it takes none.
    pub accepted: Vec<Effort>,
    /// What it does when it is told nothing, where that is known.
    pub usual: Option<Effort>,
}

/// When a model is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    /// On this day, which may be over.
    On(Date),
    /// No day is known.
    Someday,
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// With four digits.
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

/// What is known of a model. `model` may have a date, a version, a region or an account that its row lacks.
///
/// Where the provider has no row and only forwards another vendor's model, that vendor's row says what the model is;
/// what it costs there, and until when it is there, the vendor cannot say.
pub fn find(provider: &str, model: &str) -> Option<Known> {
    let model = model.to_ascii_lowercase();
    if let Some(own) = under(provider, &model) {
        return Some(own);
    }
    let (vendor, model) = name::vendor(provider, &model)?;
    Some(Known { price: None, retires: None, ..under(vendor, &model)? })
}

/// Every model of a provider, for providers that have no list of their own.
pub fn all(provider: &str) -> impl Iterator<Item = Known> {
    table::lines(provider).filter_map(Known::read)
}

fn under(provider: &str, model: &str) -> Option<Known> {
    name::candidates(provider, model).iter().find_map(|name| table::line(provider, name)).and_then(Known::read)
}

impl Known {
    fn read(line: &'static str) -> Option<Known> {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (provider, model, mode, context, max_output) = (next(), next(), next(), next(), next());
        let prices = [next(), next(), next(), next(), next()];
        let (tiers, more, badges, behaviour, efforts) = (next(), next(), next(), next(), next());
        let (cache_minimum, retires, source, name) = (next(), next(), next(), next());
        let mut price = Price::read(prices, tiers, more, model.to_ascii_lowercase().contains("claude"))?;
        // What a picture of Amazon's costs goes by its size and quality, of which the table has one.
        if mode == "image" && model.starts_with("amazon.") {
            price = None;
        }
        Some(Known {
            provider,
            model,
            mode: Mode::named(mode)?,
            context: number(context)?,
            max_output: number(max_output)?,
            price,
            badges: Badges::read(badges),
            behaviour: Behaviour::read(behaviour),
            efforts: Efforts::read(efforts)?,
            cache_minimum: number(cache_minimum)?,
            retires: Retirement::read(retires)?,
            name: (!name.is_empty()).then_some(name),
            source,
        })
    }
}

/// A number that may be missing; the outer `None` is for what is no number.
fn number(text: &str) -> Option<Option<u32>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

impl Mode {
    fn named(name: &str) -> Option<Mode> {
        Some(match name {
            "chat" => Mode::Chat,
            "responses" => Mode::Responses,
            "completion" => Mode::Completion,
            "embedding" => Mode::Embedding,
            "image" => Mode::Image,
            "speech" => Mode::Speech,
            "transcription" => Mode::Transcription,
            "rerank" => Mode::Rerank,
            "moderation" => Mode::Moderation,
            _ => return None,
        })
    }
}

impl Badges {
    fn read(letters: &str) -> Badges {
        let has = |letter| letters.contains(letter);
        Badges {
            tools: has('t'),
            vision: has('v'),
            audio: has('a'),
            pdf: has('d'),
            reasoning: has('r'),
            caching: has('c'),
            structured: has('s'),
        }
    }
}

impl Behaviour {
    fn read(letters: &str) -> Behaviour {
        let says = |letter: char| match (letters.contains(letter), letters.contains(letter.to_ascii_uppercase())) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        Behaviour {
            sampling: says('s'),
            adaptive_thinking: says('a'),
            budget_thinking: says('l'),
            prefill: says('p'),
            forced_tool: says('f'),
            always_thinks: says('t'),
        }
    }
}

impl Efforts {
    fn read(text: &str) -> Option<Option<Efforts>> {
        let mut efforts = Efforts::default();
        match text {
            "" => return Some(None),
            "-" => return Some(Some(efforts)),
            _ => {}
        }
        for name in text.split(',') {
            let effort = match name.trim_end_matches('*') {
                "none" => Effort::None,
                "minimal" => Effort::Minimal,
                "low" => Effort::Low,
                "medium" => Effort::Medium,
                "high" => Effort::High,
                "xhigh" => Effort::ExtraHigh,
                "max" => Effort::Max,
                _ => return None,
            };
            if name.ends_with('*') {
                efforts.usual = Some(effort);
            }
            efforts.accepted.push(effort);
        }
        Some(Some(efforts))
    }
}

impl Retirement {
    fn read(text: &str) -> Option<Option<Retirement>> {
        match text {
            "" => return Some(None),
            "deprecated" => return Some(Some(Retirement::Someday)),
            _ => {}
        }
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let date = Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        ((1..=12).contains(&date.month) && (1..=31).contains(&date.day)).then_some(Some(Retirement::On(date)))
    }
}

#[cfg(test)]
mod tests;
