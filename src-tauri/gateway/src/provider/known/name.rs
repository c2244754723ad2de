//! The names under which a model may have its row: without its date, its region, its account; then at its vendor.
//!
//! `models/table.py` leaves a row out where these rules find another that says the same, so its rules are repeated here
//! to the letter. Every name is in lower case. Nothing here looks anything up.

use std::borrow::Cow;

/// Where Amazon's models run, as their names begin.
const BEDROCK: [&str; 14] =
    ["us", "eu", "apac", "jp", "au", "ca", "sa", "me", "af", "in", "il", "mx", "global", "us-gov"];
/// The same at Azure.
const AZURE: [&str; 6] = ["global", "global-standard", "us", "us-gov", "eu", "apac"];
/// Where OpenRouter sends a request, behind a model's name.
const VARIANTS: [&str; 5] = [":nitro", ":floor", ":online", ":exacto", ":extended"];
/// The account under which Fireworks' own models are.
const FIREWORKS: &str = "accounts/fireworks/models/";

/// The names in the order in which they are tried.
pub(super) fn candidates<'a>(provider: &str, model: &'a str) -> Vec<Cow<'a, str>> {
    let plain = without_region(provider, model);
    let names = [model, without_date(provider, model), plain, without_date(provider, plain)];
    let mut found: Vec<Cow<'a, str>> = Vec::with_capacity(names.len());
    for name in names {
        if !name.is_empty() && !found.iter().any(|it| it == name) {
            found.push(Cow::Borrowed(name));
        }
    }
    if provider == "fireworks" {
        let short: Vec<Cow<'a, str>> = found.iter().filter(|name| !name.contains('/')).cloned().collect();
        found.extend(short.iter().map(|name| Cow::Owned(format!("{FIREWORKS}{name}"))));
    }
    found
}

/// The vendor whose model this provider only forwards, and the vendor's name for it.
///
/// Only vendors who keep their weights to themselves: a model that others run is what they make of it, with the context
/// that they give it.
pub(super) fn vendor<'a>(provider: &str, model: &'a str) -> Option<(&'static str, Cow<'a, str>)> {
    let plain = without_region(provider, model);
    match provider {
        "azureopenai" => Some(("openai", Cow::Borrowed(plain))),
        "azureanthropic" | "vertexaianthropic" => Some(("anthropic", claude(plain))),
        "bedrock" => Some(("anthropic", claude(plain.strip_prefix("anthropic.")?))),
        "vertexai" => {
            let short = plain.strip_prefix("publishers/google/models/").or_else(|| plain.strip_prefix("google/"));
            Some(("gemini", Cow::Borrowed(short.unwrap_or(plain))))
        }
        _ => {
            let routed = if provider == "openrouter" { without_date(provider, plain) } else { plain };
            match routed.split_once('/')? {
                ("anthropic", model) => Some(("anthropic", claude(model))),
                ("openai", model) if !model.starts_with("gpt-oss") => Some(("openai", Cow::Borrowed(model))),
                ("google", model) if model.starts_with("gemini-") => Some(("gemini", Cow::Borrowed(model))),
                ("x-ai" | "xai", model) => Some(("xai", Cow::Borrowed(model))),
                _ => None,
            }
        }
    }
}

/// `claude-opus-4@20250514`, `claude-opus-4-20250514-v1:0` and `claude-sonnet-4.6` as Anthropic writes them.
fn claude(model: &str) -> Cow<'_, str> {
    let uncounted = without_counter(model, ":", model);
    let model = without_counter(uncounted, "-v", uncounted);
    let model = model.strip_suffix("@default").or_else(|| model.strip_suffix("@latest")).unwrap_or(model);
    if model.contains(['@', '.']) { Cow::Owned(model.replace(['@', '.'], "-")) } else { Cow::Borrowed(model) }
}

/// `gpt-4o-2024-08-06` is `gpt-4o`, `anthropic.claude-opus-4-20250514-v1:0` is `anthropic.claude-opus-4`, a fine-tuned
/// `ft:gpt-4o:mine::id` is `ft:gpt-4o`.
fn without_date<'a>(provider: &str, model: &'a str) -> &'a str {
    if let Some(tuned) = model.strip_prefix("ft:")
        && let Some(end) = tuned.find(':')
    {
        return &model[.."ft:".len() + end];
    }
    if provider == "openrouter" && !model.starts_with("ft:") {
        return VARIANTS.iter().find_map(|variant| model.strip_suffix(variant)).unwrap_or(model);
    }
    let uncounted = without_counter(model, ":", model);
    let unversioned = without_counter(uncounted, "-v", uncounted);
    // A version alone is part of the name (`nova-pro-v1`), unless a counter or a date says that it is none.
    without_day(unversioned).unwrap_or(if uncounted.len() < model.len() { unversioned } else { model })
}

/// `text` without `mark` and digits at its end, else `otherwise`.
fn without_counter<'a>(text: &'a str, mark: &str, otherwise: &'a str) -> &'a str {
    match text.trim_end_matches(|c: char| c.is_ascii_digit()) {
        bare if bare.len() < text.len() => bare.strip_suffix(mark).unwrap_or(otherwise),
        _ => otherwise,
    }
}

fn without_day(model: &str) -> Option<&str> {
    let named = ["@default", "@latest", "-latest"].iter().find_map(|name| model.strip_suffix(name));
    named
        .or_else(|| without_form(model, b"-0000-00-00"))
        .or_else(|| without_form(model, b"-00000000").or_else(|| without_form(model, b"@00000000")))
}

/// Takes a form off the end, in which `0` is any digit.
fn without_form<'a>(model: &'a str, form: &[u8]) -> Option<&'a str> {
    let (name, end) = model.split_at_checked(model.len().checked_sub(form.len())?)?;
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    end.bytes().zip(form).all(fits).then_some(name)
}

/// `us.amazon.nova-pro-v1:0` is `amazon.nova-pro-v1:0`, `eu/gpt-5` is `gpt-5`. At Fireworks the account is left out.
fn without_region<'a>(provider: &str, model: &'a str) -> &'a str {
    let plain = match provider {
        "bedrock" => match (model.split_once('.'), model.split_once('/')) {
            (Some((region, name)), _) if BEDROCK.contains(&region) => Some(name),
            (_, Some((region, name))) if is_aws_region(region) => Some(name),
            _ => None,
        },
        "azureopenai" | "azureanthropic" => {
            model.split_once('/').filter(|(region, _)| AZURE.contains(region)).map(|(_, name)| name)
        }
        "fireworks" => model.strip_prefix(FIREWORKS).or_else(|| model.strip_prefix("accounts/fireworks/routers/")),
        "openrouter" => model.strip_prefix('~'),
        _ => None,
    };
    plain.unwrap_or(model)
}

/// `us-east-1`, `us-gov-west-1`.
fn is_aws_region(region: &str) -> bool {
    let mut parts = region.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let land = parts.next().is_some_and(|part| part.len() == 2 && letters(part));
    let number = parts.next_back().is_some_and(|part| part.len() == 1 && part.as_bytes()[0].is_ascii_digit());
    land && number && parts.clone().next().is_some() && parts.all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(provider: &str, model: &str, expected: &[&str]) {
        assert_eq!(candidates(provider, model), expected, "{provider}:{model}");
    }

    #[test]
    fn dates_are_left_out_first_then_regions() {
        check("openai", "gpt-4o", &["gpt-4o"]);
        check("openai", "gpt-4o-2024-08-06", &["gpt-4o-2024-08-06", "gpt-4o"]);
        check("openai", "ft:gpt-4o:mine::id", &["ft:gpt-4o:mine::id", "ft:gpt-4o"]);
        check("openai", "ft:gpt-4o-2024-08-06", &["ft:gpt-4o-2024-08-06", "ft:gpt-4o"]);
        check("openai", "gpt-4-0613", &["gpt-4-0613"]);
        check("mistral", "mistral-large-latest", &["mistral-large-latest", "mistral-large"]);
        check("vertexaianthropic", "claude-opus-4@20250514", &["claude-opus-4@20250514", "claude-opus-4"]);
        check("vertexaianthropic", "claude-opus-4@default", &["claude-opus-4@default", "claude-opus-4"]);
        check("bedrock", "x.y-v1", &["x.y-v1"]);
        check("bedrock", "x.y-v1:0", &["x.y-v1:0", "x.y"]);
        check("bedrock", "x.y:0", &["x.y:0", "x.y"]);
        check("bedrock", "x.y-20250514-v1", &["x.y-20250514-v1", "x.y"]);
        check("bedrock", "us.x.y-20250514-v1:0", &["us.x.y-20250514-v1:0", "us.x.y", "x.y-20250514-v1:0", "x.y"]);
        check("bedrock", "us-gov-west-1/x.y", &["us-gov-west-1/x.y", "x.y"]);
        check("bedrock", "us-1/x.y", &["us-1/x.y"]);
        check("bedrock", "mistral.us.y", &["mistral.us.y"]);
        check("azureopenai", "eu/gpt-5-2025-08-07", &["eu/gpt-5-2025-08-07", "eu/gpt-5", "gpt-5-2025-08-07", "gpt-5"]);
        check("openai", "eu/gpt-5", &["eu/gpt-5"]);
        check("openrouter", "~a/b:nitro", &["~a/b:nitro", "~a/b", "a/b:nitro", "a/b"]);
        check("openrouter", "a/b-2024-08-06", &["a/b-2024-08-06"]);
        check("fireworks", "glm", &["glm", "accounts/fireworks/models/glm"]);
        check(
            "fireworks",
            "accounts/fireworks/routers/glm",
            &["accounts/fireworks/routers/glm", "glm", "accounts/fireworks/models/glm"],
        );
        check("openai", "-latest", &["-latest"]);
        check("openai", "ü-20250514", &["ü-20250514", "ü"]);
        check("openai", "üüüüüüüüü", &["üüüüüüüüü"]);
        check("openai", "", &[]);
    }

    #[test]
    fn a_forwarded_model_is_its_vendors() {
        let check = |provider: &str, model: &str, expected: Option<(&'static str, &str)>| {
            let found = vendor(provider, model);
            assert_eq!(found.as_ref().map(|(vendor, name)| (*vendor, &**name)), expected, "{provider}:{model}");
        };
        check("azureopenai", "eu/gpt-9", Some(("openai", "gpt-9")));
        check("azureanthropic", "claude-x", Some(("anthropic", "claude-x")));
        check("vertexaianthropic", "claude-x@20250514", Some(("anthropic", "claude-x-20250514")));
        check("vertexaianthropic", "claude-x@default", Some(("anthropic", "claude-x")));
        check("bedrock", "us.anthropic.claude-x-20250514-v1:0", Some(("anthropic", "claude-x-20250514")));
        check("bedrock", "anthropic.claude-x-v1", Some(("anthropic", "claude-x")));
        check("bedrock", "meta.llama3-70b-v1:0", None);
        check("vertexai", "publishers/google/models/gemini-x", Some(("gemini", "gemini-x")));
        check("openrouter", "anthropic/claude-sonnet-9.6:nitro", Some(("anthropic", "claude-sonnet-9-6")));
        check("openrouter", "google/gemini-9", Some(("gemini", "gemini-9")));
        check("huggingface", "google/gemma-9", None);
        check("together", "openai/gpt-oss-9b", None);
        check("deepinfra", "openai/gpt-9", Some(("openai", "gpt-9")));
        check("openrouter", "x-ai/grok-9", Some(("xai", "grok-9")));
        check("openrouter", "qwen/qwen9", None);
        check("openai", "gpt-9", None);
    }
}
