//! What the names of model files give away: parts of a model, helpers of a model, and a name for people.
//!
//! Names are habits of those who share models, not rules. Where a header says the same thing it is believed instead.

/// The parts that a model was split into: `Qwen3-235B-Q4_K_M-00001-of-00003`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shard<'a> {
    pub(super) base: &'a str,
    pub(super) number: u32,
    pub(super) count: u32,
}

/// Reads a file's stem as one part of a model.
pub(super) fn shard(stem: &str) -> Option<Shard<'_>> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (base, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| {
        let is_number = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok() } else { None }
    };
    let (number, count) = (digits(number)?, digits(count)?);
    (number >= 1 && number <= count).then_some(Shard { base, number, count })
}

/// Whether the file lets another model see or hear.
pub(super) fn is_projector(stem: &str) -> bool {
    stem.to_ascii_lowercase().contains("mmproj")
}

/// Whether the file only guesses ahead for another model. `MTP` within a name is a whole model that can do it itself.
pub(super) fn is_draft(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    ["mtp-", "eagle3-", "dflash-", "dspark-"].iter().any(|mark| stem.starts_with(mark))
}

/// The words of a name in lower case, without what only says how it was quantised.
pub(super) fn words(stem: &str) -> Vec<String> {
    let mut words: Vec<String> =
        stem.split(['-', '_', '.', ' ']).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let quantised = words.iter().rposition(|word| is_quantisation(word));
    if let Some(place) = quantised
        && words[place + 1..].iter().all(|word| is_behind_quantisation(word))
    {
        words.truncate(place);
        if words.last().is_some_and(|word| word == "ud") {
            words.pop();
        }
    }
    words
}

/// Whether the name would fit any model: `model`, `ggml-model-q4_0`.
pub(super) fn is_generic(stem: &str) -> bool {
    words(stem).iter().all(|word| matches!(word.as_str(), "ggml" | "gguf" | "model" | "mmproj" | "weights"))
}

/// Whether a projector is named after this model: `mmproj-gemma-3-4b-it-f16` after `gemma-3-4b-it-Q4_K_M`.
pub(super) fn is_named_after(projector: &str, model: &str) -> bool {
    let projector: Vec<String> = words(projector).into_iter().filter(|word| word != "mmproj").collect();
    !projector.is_empty() && words(model).starts_with(&projector)
}

/// A name for people and tools: no separators that a tool's `runtime:model` or `provider/model` would be cut at, nothing
/// that a terminal would act on.
pub(super) fn public(name: &str) -> String {
    let clean = |letter: char| match letter {
        '/' | '\\' | ':' | '@' => '-',
        letter if letter.is_whitespace() || letter.is_control() => '-',
        letter => letter,
    };
    let name: String = name.chars().map(clean).take(128).collect();
    if name.is_empty() { "model".to_owned() } else { name }
}

/// A repository's name without the ending that only says what lies in it.
pub(super) fn repository(name: &str) -> &str {
    let at = name.len().saturating_sub("-GGUF".len());
    match (name.get(..at), name.get(at..)) {
        (Some(rest), Some(ending)) if ending.eq_ignore_ascii_case("-gguf") && !rest.is_empty() => rest,
        _ => name,
    }
}

fn is_quantisation(word: &str) -> bool {
    let bits = word.trim_start_matches(['i', 't']).strip_prefix('q');
    bits.is_some_and(|bits| bits.len() == 1 && bits.bytes().all(|byte| byte.is_ascii_digit()))
        || matches!(word, "f16" | "bf16" | "fp16" | "f32" | "fp32" | "mxfp4" | "nvfp4")
}

fn is_behind_quantisation(word: &str) -> bool {
    matches!(word, "0" | "1" | "k" | "s" | "m" | "l" | "xs" | "xl" | "xxs" | "nl" | "moe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_their_numbers() {
        let check = |stem: &str, expected: Option<(&str, u32, u32)>| {
            assert_eq!(shard(stem).map(|shard| (shard.base, shard.number, shard.count)), expected, "{stem}");
        };
        check("a-b-00002-of-00003", Some(("a-b", 2, 3)));
        check("a-00004-of-00003", None);
        check("a-00000-of-00003", None);
        check("a-2-of-3", None);
        check("best-of-breed", None);
        check("a-+0001-of-00003", None);
    }

    #[test]
    fn a_quantisation_is_not_part_of_the_name() {
        let check = |stem: &str, expected: &str| assert_eq!(words(stem).join(" "), expected, "{stem}");
        check("gemma-3-4b-it-Q4_K_M", "gemma 3 4b it");
        check("Qwen3-8B-UD-Q4_K_XL", "qwen3 8b");
        check("phi-2.IQ2_XXS", "phi 2");
        check("gpt-oss-20b-mxfp4", "gpt oss 20b");
        check("phi-2", "phi 2");
        check("q8-chat-7b", "q8 chat 7b");
    }

    #[test]
    fn draft_heads_are_told_from_models_that_have_one() {
        assert!(is_draft("mtp-Qwen3.6-27B"));
        assert!(!is_draft("Qwen3.6-27B-MTP-Q4_K_M"));
    }

    #[test]
    fn names_that_would_fit_any_model() {
        for name in ["model", "ggml-model-q4_0", "ggml-model-f16", "mmproj-model-f16", "mmproj-BF16"] {
            assert!(is_generic(name), "{name}");
        }
        for name in ["Qwen3-8B", "tinyllama-model", "7b-q4_0"] {
            assert!(!is_generic(name), "{name}");
        }
    }

    #[test]
    fn public_names_can_be_typed() {
        let check = |name: &str, expected: &str| assert_eq!(public(name), expected);
        check("Qwen3-8B-Q4_K_M", "Qwen3-8B-Q4_K_M");
        check("my model\u{1b}[31m", "my-model-[31m");
        check("a:b/c\\d@e", "a-b-c-d-e");
        check("", "model");
        assert_eq!(public(&"é".repeat(500)).chars().count(), 128);
        assert_eq!(repository("Qwen3-8B-GGUF"), "Qwen3-8B");
        assert_eq!(repository("-gguf"), "-gguf");
        assert_eq!(repository("modèle"), "modèle");
    }
}
