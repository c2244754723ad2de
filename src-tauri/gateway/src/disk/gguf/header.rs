//! What a GGUF header says, and what follows from it: what the model is for, and how much memory it wants.
//!
//! Nothing here reads a file. The estimates are for choosing a model and a context, not for planning to the last byte:
//! the runtime's own buffers come on top.

use super::Facts;
use super::input::{MOST_LAYERS, Value};

/// The header of one GGUF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `llama`, `qwen3`, `bert`, `clip`, ...; empty where the file does not say.
    pub architecture: String,
    /// The model's own name, for people.
    pub name: Option<String>,
    /// The name without size, version and tuning.
    pub basename: Option<String>,
    /// `8B`, `8x7B`, `135M`.
    pub size_label: Option<String>,
    /// `general.type`: `model`, `adapter`, `mmproj`, `imatrix`.
    pub kind: Option<String>,
    /// How many tokens it was trained to see.
    pub trained_context: Option<u32>,
    /// How many layers it has.
    pub block_count: Option<u32>,
    /// How wide a token is inside the model: the length of an embedding model's vectors.
    pub embedding_length: Option<u32>,
    /// Attention heads.
    pub head_count: Option<PerLayer>,
    /// Attention heads that keep keys and values.
    pub head_count_kv: Option<PerLayer>,
    /// Length of one head's key.
    pub key_length: Option<u32>,
    /// Length of one head's value.
    pub value_length: Option<u32>,
    /// Experts, where it is a mixture of them.
    pub expert_count: Option<u32>,
    /// 0 none, 1 mean, 2 first token, 3 last token, 4 rank.
    pub pooling_type: Option<u32>,
    /// `Q4_K_M`, `F16`, ...
    pub quantisation: Option<String>,
    /// What its chat template can do.
    pub chat_template: ChatTemplate,
    /// Which part this file is (from 0), and of how many.
    pub split: Option<(u16, u16)>,
    /// How many tensors lie in this file. A vocabulary has none, and neither has the first part of some splits.
    pub tensor_count: u64,
    /// The size of this one file.
    pub file_size: u64,
    attention: Attention,
    adapter: bool,
}

/// A number that is the same for all layers, or one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerLayer {
    /// The same for all.
    All(u32),
    /// One for each layer, from the first.
    Each(Vec<u32>),
}

/// What the chat template says that the model can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChatTemplate {
    /// There is one.
    pub present: bool,
    /// It writes tools into the prompt.
    pub tools: bool,
    /// It knows of thinking.
    pub reasoning: bool,
}

/// How attention differs between layers, which decides what a token costs in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Attention {
    window: Option<u32>,
    window_pattern: Option<PerLayer>,
    window_key_length: Option<u32>,
    window_value_length: Option<u32>,
    full_interval: Option<u32>,
    layers_sharing: Option<u32>,
    latent: bool,
}

const GENERAL: &[&str] = &[
    "general.alignment",
    "general.architecture",
    "general.basename",
    "general.file_type",
    "general.name",
    "general.size_label",
    "general.type",
    "split.count",
    "split.no",
    "adapter.type",
];

/// Keys that stand behind the architecture's name. Which architecture it is may be said only after them.
const OF_ARCHITECTURE: &[&str] = &[
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.key_length_mla",
    "attention.key_length_swa",
    "attention.shared_kv_layers",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.value_length",
    "attention.value_length_swa",
    "block_count",
    "context_length",
    "embedding_length",
    "expert_count",
    "full_attention_interval",
    "pooling_type",
];

/// Whether the header has a use for this key.
pub(super) fn is_wanted(key: &str) -> bool {
    GENERAL.contains(&key) || key.split_once('.').is_some_and(|(_, rest)| OF_ARCHITECTURE.contains(&rest))
}

pub(super) fn from_facts(facts: &Facts, tensor_count: u64, file_size: u64) -> Header {
    let architecture = facts.text("general.architecture").unwrap_or_default();
    let key = |rest: &str| format!("{architecture}.{rest}");
    let number = |rest: &str| facts.number(&key(rest)).and_then(|number| u32::try_from(number).ok());
    let per_layer = |rest: &str| match facts.values.get(&key(rest))? {
        Value::Number(number) => u32::try_from(*number).ok().map(PerLayer::All),
        Value::Numbers(numbers) => Some(PerLayer::Each(numbers.clone())),
        Value::Text(_) => None,
    };
    let part = |key| facts.number(key).and_then(|number| u16::try_from(number).ok());
    Header {
        name: facts.text("general.name"),
        basename: facts.text("general.basename"),
        size_label: facts.text("general.size_label"),
        kind: facts.text("general.type"),
        trained_context: number("context_length"),
        block_count: number("block_count"),
        embedding_length: number("embedding_length"),
        head_count: per_layer("attention.head_count"),
        head_count_kv: per_layer("attention.head_count_kv"),
        key_length: number("attention.key_length"),
        value_length: number("attention.value_length"),
        expert_count: number("expert_count").filter(|count| *count > 0),
        pooling_type: number("pooling_type"),
        quantisation: facts.number("general.file_type").and_then(quantisation).map(str::to_owned),
        chat_template: facts.chat_template,
        split: part("split.no").zip(part("split.count")).filter(|(_, count)| *count > 1),
        tensor_count,
        file_size,
        attention: Attention {
            window: number("attention.sliding_window").filter(|window| *window > 0),
            window_pattern: per_layer("attention.sliding_window_pattern"),
            window_key_length: number("attention.key_length_swa"),
            window_value_length: number("attention.value_length_swa"),
            full_interval: number("full_attention_interval").filter(|interval| *interval > 1),
            layers_sharing: number("attention.shared_kv_layers"),
            latent: number("attention.key_length_mla").is_some(),
        },
        adapter: facts.values.contains_key("adapter.type"),
        architecture,
    }
}

impl Header {
    /// Writes text when asked. A model without a chat template counts: its runtime then takes a plain one.
    pub fn is_chat(&self) -> bool {
        // Image and video models travel as GGUF too; they name neither layers nor a context.
        let is_language_model = self.block_count.is_some() && self.trained_context.is_some();
        let is_part = self.is_projector() || self.is_adapter() || self.is_draft();
        let is_codec = matches!(self.architecture.as_str(), "wavtokenizer-dec" | "whisper");
        is_language_model && !is_part && !is_codec && !self.is_embedding() && !self.is_rerank()
    }

    /// Turns text into vectors.
    pub fn is_embedding(&self) -> bool {
        let is_pooled = matches!(self.pooling_type, Some(1..=3));
        (is_pooled || self.is_encoder()) && !self.is_rerank() && !self.is_adapter() && !self.is_draft()
    }

    /// Orders passages by how well they answer a question.
    pub fn is_rerank(&self) -> bool {
        // Converters before 2025 did not write the pooling of an encoder that ranks; its name is all there is.
        let is_named_so =
            [&self.name, &self.basename].into_iter().flatten().any(|name| name.to_ascii_lowercase().contains("rerank"));
        self.pooling_type == Some(4) || (self.is_encoder() && is_named_so)
    }

    /// The part that lets another model see or hear (`mmproj`).
    pub fn is_projector(&self) -> bool {
        self.kind.as_deref() == Some("mmproj") || self.architecture == "clip"
    }

    /// Changes another model and is nothing alone: a LoRA, or a control vector.
    pub fn is_adapter(&self) -> bool {
        self.adapter || self.kind.as_deref() == Some("adapter") || self.architecture == "controlvector"
    }

    /// Guesses ahead for another model. Heads that carry their model's own architecture are known by file name only.
    pub fn is_draft(&self) -> bool {
        let head = |name: &str| self.architecture.starts_with(name);
        head("eagle3") || head("dflash") || head("dspark") || self.architecture.ends_with("-assistant")
    }

    fn is_encoder(&self) -> bool {
        let architecture = self.architecture.as_str();
        architecture.split('-').any(|word| word.ends_with("bert"))
            || matches!(architecture, "gemma-embedding" | "llama-embed" | "t5encoder")
    }

    /// What one more token of context takes in memory while it is within every layer's window, at 16 bits.
    pub fn kv_bytes_per_token(&self) -> Option<u64> {
        self.kv_bytes(1)
    }

    /// What a context of this many tokens takes in memory, at 16 bits.
    pub fn kv_bytes(&self, context: u32) -> Option<u64> {
        let layers = self.block_count.filter(|count| u64::from(*count) <= MOST_LAYERS)?;
        let mut total: u64 = 0;
        for layer in 0..layers {
            let windowed = self.is_windowed(layer);
            let tokens = match self.attention.window {
                // llama.cpp keeps the window and one batch (512) beside it.
                Some(window) if windowed => context.min(window.saturating_add(512)),
                _ => context,
            };
            let bytes = self.layer_bytes(layer, layers, windowed)?;
            total = total.checked_add(bytes.checked_mul(u64::from(tokens))?)?;
        }
        Some(total)
    }

    /// The weights of this file and a context of this many tokens.
    pub fn memory_estimate(&self, context: u32) -> Option<u64> {
        self.file_size.checked_add(self.kv_bytes(context)?)
    }

    /// What one token takes in one layer.
    fn layer_bytes(&self, layer: u32, layers: u32, windowed: bool) -> Option<u64> {
        let attention = &self.attention;
        let is_recurrent = attention.full_interval.is_some_and(|interval| !(layer + 1).is_multiple_of(interval));
        let is_shared = attention.layers_sharing.is_some_and(|last| layer >= layers.saturating_sub(last));
        if is_recurrent || is_shared {
            return Some(0);
        }
        let heads = self.head_count_kv.as_ref().or(self.head_count.as_ref())?.at(layer);
        if heads == 0 {
            return Some(0);
        }
        let of_width = || {
            let heads = self.head_count.as_ref()?.most();
            self.embedding_length?.checked_div(heads)
        };
        let window = |length: Option<u32>| length.filter(|_| windowed);
        let key = window(attention.window_key_length).or(self.key_length).or_else(of_width)?;
        // Latent attention (DeepSeek) rebuilds values from what it keeps as keys.
        let value = match attention.latent {
            true => 0,
            false => window(attention.window_value_length).or(self.value_length).or_else(of_width)?,
        };
        u64::from(heads).checked_mul(u64::from(key) + u64::from(value))?.checked_mul(2)
    }

    fn is_windowed(&self, layer: u32) -> bool {
        // Where the file has no pattern, llama.cpp knows it by architecture: every n-th layer sees everything. An
        // architecture missing here is counted as if each layer did, which errs on the safe side.
        let every = |period: u32| period == 0 || layer % period < period - 1;
        match &self.attention.window_pattern {
            Some(PerLayer::Each(windowed)) => windowed.get(layer as usize).is_some_and(|flag| *flag != 0),
            Some(PerLayer::All(period)) => every(*period),
            None => match self.architecture.as_str() {
                "gemma2" | "gpt-oss" => every(2),
                "cohere2" | "exaone4" | "olmo2" => every(4),
                "gemma3n" => every(5),
                "gemma3" => every(6),
                _ => false,
            },
        }
    }
}

impl PerLayer {
    /// The number of this layer; of a list that is too short, its greatest.
    pub fn at(&self, layer: u32) -> u32 {
        match self {
            PerLayer::All(number) => *number,
            PerLayer::Each(numbers) => numbers.get(layer as usize).copied().unwrap_or_else(|| self.most()),
        }
    }

    /// The greatest number of any layer.
    pub fn most(&self) -> u32 {
        match self {
            PerLayer::All(number) => *number,
            PerLayer::Each(numbers) => numbers.iter().copied().max().unwrap_or_default(),
        }
    }
}

impl ChatTemplate {
    /// Notes what the default template can do.
    pub(super) fn search(&mut self, template: &[u8]) {
        let has = |word: &str| memchr::memmem::find(template, word.as_bytes()).is_some();
        self.present = true;
        self.tools |= has("tools");
        self.reasoning |= ["enable_thinking", "<think>", "[THINK]", "reasoning_effort"].into_iter().any(has);
    }
}

/// llama.cpp's number for a mix of tensor types, in the words of those who share models. Bit 1024 says that the number
/// was guessed from the tensors.
fn quantisation(file_type: u64) -> Option<&'static str> {
    Some(match file_type & !1024 {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4_MOE",
        39 => "NVFP4",
        40 => "Q1_0",
        _ => return None,
    })
}
