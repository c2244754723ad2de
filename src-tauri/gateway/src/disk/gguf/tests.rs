use std::io::{Cursor, SeekFrom};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::fixture::Gguf;
use super::input::{LONGEST_HEADER, MOST_LAYERS, TEXT_KEPT};
use super::*;

fn header(gguf: &Gguf) -> Header {
    from_bytes(gguf.bytes()).unwrap()
}

fn from_bytes(bytes: Vec<u8>) -> Result<Header, GgufError> {
    let size = bytes.len() as u64;
    read(Cursor::new(bytes), size)
}

fn refusal(bytes: Vec<u8>) -> String {
    from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn reads_what_a_chat_model_says() {
    let tokens: Vec<String> = (0..5000).map(|number| format!("token {number}")).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let gguf = Gguf::new("qwen3moe")
        .text("general.type", "model")
        .text("general.name", " Qwen3 30B A3B ")
        .text("general.basename", "Qwen3")
        .text("general.size_label", "30B-A3B")
        .number("general.file_type", 15 | 1024)
        .numbers("tokenizer.ggml.scores", &[7; 5000])
        .texts("tokenizer.ggml.tokens", &tokens)
        .number("qwen3moe.context_length", 40960)
        .number("qwen3moe.block_count", 48)
        .number("qwen3moe.embedding_length", 2048)
        .number("qwen3moe.attention.head_count", 32)
        .number("qwen3moe.attention.head_count_kv", 4)
        .number("qwen3moe.attention.key_length", 128)
        .number("qwen3moe.attention.value_length", 128)
        .number("qwen3moe.expert_count", 128)
        .text("tokenizer.chat_template", "{%- if tools %}...{%- if enable_thinking is defined %}")
        .tensor(0);
    let header = header(&gguf);

    assert_eq!(header.architecture, "qwen3moe");
    assert_eq!(header.name.as_deref(), Some("Qwen3 30B A3B"));
    assert_eq!(header.basename.as_deref(), Some("Qwen3"));
    assert_eq!(header.size_label.as_deref(), Some("30B-A3B"));
    assert_eq!(header.quantisation.as_deref(), Some("Q4_K_M"), "the bit for a guess is not part of the name");
    assert_eq!(header.trained_context, Some(40960), "keys behind the token list are read too");
    assert_eq!(header.expert_count, Some(128));
    assert_eq!(header.chat_template, ChatTemplate { present: true, tools: true, reasoning: true });
    assert_eq!(header.tensor_count, 1);
    assert!(header.is_chat());
    assert_eq!(header.kv_bytes_per_token(), Some(48 * 4 * (128 + 128) * 2));
    assert_eq!(header.memory_estimate(1000), Some(gguf.bytes().len() as u64 + 1000 * 48 * 4 * 256 * 2));
}

#[test]
fn reads_every_version_and_the_architecture_wherever_it_stands() {
    for version in 1..=3 {
        let gguf = Gguf::of_version(version)
            .texts("tokenizer.ggml.tokens", &["a", "bc", ""])
            .number("llama.context_length", 512)
            .text("general.architecture", "llama")
            .tensor(0);
        assert_eq!(header(&gguf).trained_context, Some(512), "version {version}");
    }
}

#[test]
fn knows_what_a_model_is_for() {
    type Is = fn(&Header) -> bool;
    let kinds: [(&str, Is); 6] = [
        ("chat", Header::is_chat),
        ("embedding", Header::is_embedding),
        ("rerank", Header::is_rerank),
        ("projector", Header::is_projector),
        ("adapter", Header::is_adapter),
        ("draft", Header::is_draft),
    ];
    let check = |gguf: Gguf, expected: &str| {
        let header = header(&gguf);
        let answers: Vec<&str> = kinds.iter().filter(|(_, is)| is(&header)).map(|(name, _)| *name).collect();
        assert_eq!(answers.join(" "), expected, "architecture {}", header.architecture);
    };
    check(Gguf::chat(), "chat");
    check(Gguf::model("llama"), "chat");
    check(Gguf::model("bert"), "embedding");
    check(Gguf::model("nomic-bert-moe"), "embedding");
    check(Gguf::model("gemma-embedding"), "embedding");
    check(Gguf::model("qwen3").number("qwen3.pooling_type", 3), "embedding");
    check(Gguf::model("qwen3").number("qwen3.pooling_type", 0), "chat");
    check(Gguf::model("qwen3").number("qwen3.pooling_type", 4), "rerank");
    check(Gguf::model("bert").number("bert.pooling_type", 4), "rerank");
    check(Gguf::model("bert").text("general.name", "Bge Reranker V2 M3"), "rerank");
    check(Gguf::projector(), "projector");
    check(Gguf::model("llama").text("adapter.type", "lora"), "adapter");
    check(Gguf::model("llama").text("general.type", "adapter"), "adapter");
    check(Gguf::model("eagle3"), "draft");
    check(Gguf::model("gemma4-assistant"), "draft");
    check(Gguf::model("wavtokenizer-dec"), "");
    check(Gguf::new("flux").number("general.file_type", 1), "");
}

#[test]
fn chat_templates_tell_what_they_can() {
    let check = |template: &str, tools: bool, reasoning: bool| {
        let found = header(&Gguf::new("llama").text("tokenizer.chat_template", template)).chat_template;
        assert_eq!(found, ChatTemplate { present: true, tools, reasoning }, "{template}");
    };
    check("{{ messages }}", false, false);
    check("{% if tools %}", true, false);
    check("{{ '<think>' }}", false, true);
    check("{{ reasoning_effort }}", false, true);
    let named = header(&Gguf::new("llama").text("tokenizer.chat_template.tool_use", "x"));
    assert!(named.chat_template.tools, "a template of its own for tools says so by its name");
    assert_eq!(header(&Gguf::new("llama")).chat_template, ChatTemplate::default());
}

#[test]
fn counts_memory_layer_by_layer() {
    let check = |gguf: Gguf, context: u32, expected: Option<u64>, why: &str| {
        assert_eq!(header(&gguf).kv_bytes(context), expected, "{why}");
    };
    let four_layers = |architecture: &str| {
        let key = |rest: &str| format!("{architecture}.{rest}");
        Gguf::new(architecture)
            .number(&key("block_count"), 4)
            .number(&key("embedding_length"), 64)
            .number(&key("attention.head_count"), 4)
    };
    let head = (16 + 16) * 2;
    check(four_layers("llama"), 10, Some(4 * 4 * head * 10), "without a number of its own, each head keeps one");
    let per_layer = four_layers("lfm2").numbers("lfm2.attention.head_count_kv", &[0, 2, 0, 1]);
    check(per_layer, 10, Some(3 * head * 10), "layers without attention cost nothing");
    let hybrid = four_layers("qwen3next").number("qwen3next.full_attention_interval", 4);
    check(hybrid, 10, Some(4 * head * 10), "one layer in four has attention");
    let shared = four_layers("gemma4").number("gemma4.attention.shared_kv_layers", 3);
    check(shared, 10, Some(4 * head * 10), "three layers use the keys of others");
    let latent = four_layers("deepseek2")
        .number("deepseek2.attention.head_count_kv", 1)
        .number("deepseek2.attention.key_length", 576)
        .number("deepseek2.attention.key_length_mla", 192);
    check(latent, 10, Some(4 * 576 * 2 * 10), "latent attention keeps no values");
    let windowed = four_layers("gpt-oss").number("gpt-oss.attention.sliding_window", 128);
    check(windowed.clone(), 10, Some(16 * head * 10), "within the window all layers are equal");
    check(windowed, 10_000, Some(8 * head * (640 + 10_000)), "beyond it, every second layer forgets");
    let pattern = four_layers("mimo2")
        .number("mimo2.attention.sliding_window", 128)
        .numbers("mimo2.attention.sliding_window_pattern", &[1, 1, 1, 0]);
    check(pattern, 10_000, Some(4 * head * (3 * 640 + 10_000)), "the file's own pattern");
    check(Gguf::new("llama"), 10, None, "nothing is known");
    let absurd = Gguf::new("llama")
        .number("llama.block_count", u32::MAX)
        .number("llama.embedding_length", u32::MAX)
        .number("llama.attention.head_count", 1);
    check(absurd, u32::MAX, None, "a number that nobody can mean");
    let overflowing = four_layers("llama")
        .number("llama.attention.head_count_kv", u32::MAX)
        .number("llama.attention.key_length", u32::MAX)
        .number("llama.attention.value_length", u32::MAX);
    check(overflowing, u32::MAX, None, "a sum beyond 64 bits");
}

#[test]
fn refuses_what_is_no_whole_gguf() {
    let check = |bytes: Vec<u8>, expected: &str| {
        let message = refusal(bytes);
        assert!(message.contains(expected), "`{message}` should contain `{expected}`");
    };
    let whole = Gguf::chat().bytes();
    check(Vec::new(), "not a GGUF");
    check(b"GGU".to_vec(), "not a GGUF");
    check(b"PK\x03\x04 a zip file".to_vec(), "not a GGUF");
    check([&b"GGUF"[..], &3_u32.to_be_bytes(), &[0; 64]].concat(), "big-endian");
    check([&b"GGUF"[..], &4_u32.to_le_bytes(), &[0; 64]].concat(), "version 4");
    check([&b"GGUF"[..], &0_u32.to_le_bytes(), &[0; 64]].concat(), "version 0");
    check(whole[..100].to_vec(), "ends too early");
    check(whole[..whole.len() - 64].to_vec(), "ends too early");
    check(Gguf::chat().tensor(1 << 30).bytes(), "ends too early");
    check([&b"GGUF"[..], &3_u32.to_le_bytes(), &[0; 8], &[0xff; 8]].concat(), "ends too early");
    check(Gguf::new("llama").array("tokenizer.ggml.tokens", 8, u64::MAX, &[]).bytes(), "ends too early");
    check(Gguf::new("llama").array("tokenizer.ggml.scores", 6, u64::MAX, &[]).bytes(), "ends too early");
    check(Gguf::new("llama").entry("general.name", 8, &u64::MAX.to_le_bytes()).bytes(), "ends too early");
    check(Gguf::new("llama").array("a", 9, 1, &[0; 64]).bytes(), "array of an unknown type");
    check(Gguf::new("llama").entry("a", 77, &[]).bytes(), "value of an unknown type");
    check(Gguf::new("llama").number(&"k".repeat(70_000), 1).bytes(), "more than 64 KiB");
    check(Gguf::new("llama").text("general.name", &"x".repeat(17 << 20)).bytes(), "more than 16 MiB");
}

#[test]
fn keeps_little_of_what_is_long() {
    let long = "x".repeat(1 << 20);
    let gguf = Gguf::new("llama")
        .text("general.name", &long)
        .text("general.description", &long)
        .number(&"k".repeat(60_000), 1)
        .numbers("llama.attention.head_count_kv", &[1; 5000])
        .text("tokenizer.chat_template", &format!("{long}{long}tools"))
        .number("llama.block_count", 2);
    let header = header(&gguf);
    assert_eq!(header.name.map(|name| name.len()), Some(1024));
    assert_eq!(header.head_count_kv, None, "no model has 5000 layers");
    assert!(header.chat_template.present && !header.chat_template.tools, "the search has an end");
    assert_eq!(header.block_count, Some(2), "what follows is still read");
}

/// A file of any length that holds a beginning and then nothing but zeros; counts what is read of it.
struct Sparse {
    start: Vec<u8>,
    at: u64,
    read: u64,
}

impl Read for &mut Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        let left = usize::try_from(self.at).ok().and_then(|at| self.start.get(at..)).unwrap_or_default();
        let length = left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.at += buffer.len() as u64;
        self.read += buffer.len() as u64;
        Ok(buffer.len())
    }
}

impl Seek for &mut Sparse {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match position {
            SeekFrom::Start(at) => self.at = at,
            SeekFrom::Current(by) => self.at = self.at.checked_add_signed(by).unwrap(),
            SeekFrom::End(_) => unreachable!("the end is known from the size"),
        }
        Ok(self.at)
    }
}

#[test]
fn a_sparse_file_of_terabytes_costs_little() {
    let check = |gguf: Gguf, most: u64| {
        let mut start = gguf.bytes();
        start.truncate(start.len() - 64);
        let mut sparse = Sparse { start, at: 0, read: 0 };
        let began = Instant::now();
        let outcome = read(&mut sparse, 1 << 42);
        assert!(outcome.is_err(), "a header of terabytes is no header");
        assert!(sparse.read <= most, "read {} bytes", sparse.read);
        assert!(began.elapsed() < Duration::from_secs(60), "took {:?}", began.elapsed());
    };
    let endless = LONGEST_HEADER + (1 << 20);
    // Four billion empty strings are claimed; after them, the reader would meet zeros for keys.
    check(Gguf::new("llama").array("tokenizer.ggml.tokens", 8, 1 << 32, &[]), endless);
    check(Gguf::new("llama").array("tokenizer.ggml.scores", 6, 1 << 38, &[]), 1 << 20);
    check(Gguf::new("llama").entry("general.description", 8, &(1_u64 << 40).to_le_bytes()), 1 << 20);
    check(Gguf::new("llama").entry("general.name", 8, &(1_u64 << 40).to_le_bytes()), 1 << 20);
}

#[test]
fn a_claimed_count_of_entries_is_not_believed() {
    for place in [8, 16] {
        let mut start = Gguf::new("llama").bytes();
        start[place..place + 8].copy_from_slice(&(1_u64 << 36).to_le_bytes());
        let mut sparse = Sparse { start, at: 0, read: 0 };
        assert!(matches!(read(&mut sparse, 1 << 42), Err(GgufError::Endless)));
        assert!(sparse.read <= 1 << 20, "read {} bytes", sparse.read);
    }
}

/// What a header holds at most, whatever the file says.
fn is_short(header: &Header) -> bool {
    let texts = [&header.name, &header.basename, &header.size_label, &header.kind];
    let lists = [&header.head_count, &header.head_count_kv];
    // An unreadable byte becomes a character of three bytes.
    let longest = 3 * TEXT_KEPT as usize;
    header.architecture.len() <= longest
        && texts.into_iter().flatten().all(|text| text.len() <= longest)
        && lists.into_iter().flatten().all(|list| match list {
            PerLayer::All(_) => true,
            PerLayer::Each(numbers) => numbers.len() <= MOST_LAYERS as usize,
        })
}

fn survives(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let began = Instant::now();
    if let Ok(header) = from_bytes(bytes) {
        prop_assert!(is_short(&header));
        let _ = header.memory_estimate(u32::MAX);
        let _ = (header.is_chat(), header.is_embedding(), header.is_rerank(), header.is_draft());
    }
    prop_assert!(began.elapsed() < Duration::from_secs(5));
    Ok(())
}

/// A header with every kind of value in it.
fn rich(version: u32) -> Vec<u8> {
    Gguf::of_version(version)
        .text("general.architecture", "gemma3")
        .text("general.name", "Gemma 3")
        .numbers("gemma3.attention.head_count_kv", &[1, 2, 3, 4])
        .texts("tokenizer.ggml.tokens", &["<pad>", "<bos>", "a"])
        .number("gemma3.block_count", 4)
        .number("gemma3.embedding_length", 64)
        .number("gemma3.attention.head_count", 4)
        .number("gemma3.attention.sliding_window", 16)
        .entry("gemma3.attention.causal", 7, &[1])
        .entry("gemma3.rope.freq_base", 6, &1.0_f32.to_le_bytes())
        .entry("gemma3.pooling_type", 11, &(-1_i64).to_le_bytes())
        .text("tokenizer.chat_template", "{% if tools %}")
        .tensor(0)
        .tensor(32)
        .bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        survives(bytes.clone())?;
        survives([b"GGUF".as_slice(), &3_u32.to_le_bytes(), &bytes].concat())?;
    }

    #[test]
    fn any_cut_is_an_error(version in 1_u32..=3, part in 0.0..1.0_f64) {
        let mut bytes = rich(version);
        // The padding and the data of the last tensor may be cut without notice.
        let header = bytes.len() - 64;
        bytes.truncate((header as f64 * part) as usize);
        prop_assert!(from_bytes(bytes).is_err());
    }

    #[test]
    fn any_damage_is_survived(
        version in 1_u32..=3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = rich(version);
        for (place, byte) in damage {
            let length = bytes.len();
            bytes[place.index(length)] = byte;
        }
        survives(bytes)?;
    }

    #[test]
    fn any_number_in_the_place_of_a_length_is_survived(place in any::<prop::sample::Index>(), number in any::<u64>()) {
        let mut bytes = rich(3);
        let at = place.index(bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        survives(bytes)?;
    }
}

#[test]
fn a_folder_and_a_missing_file_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read_header(folder.path()), Err(GgufError::NotAFile)));
    assert!(matches!(read_header(&folder.path().join("missing")), Err(GgufError::Io(_))));
}

/// The real SmolLM2 that `make test` puts among the test parts.
#[test]
fn reads_a_real_model() {
    let Some(parts) = std::env::var_os("POINTSMAN_TEST_PARTS") else {
        println!("left out: POINTSMAN_TEST_PARTS is not set; `make test` sets it");
        return;
    };
    let path = Path::new(&parts).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let header = read_header(&path).unwrap();
    assert_eq!(header.architecture, "llama");
    assert_eq!(header.quantisation.as_deref(), Some("Q4_1"));
    assert_eq!(header.trained_context, Some(8192));
    assert_eq!(header.block_count, Some(30));
    assert_eq!(header.file_size, 98_362_432);
    assert!(header.is_chat() && header.chat_template.present && !header.chat_template.tools);
    // 30 layers of 3 heads, 64 wide, keys and values at 16 bits.
    assert_eq!(header.kv_bytes_per_token(), Some(30 * 3 * 128 * 2));
}
