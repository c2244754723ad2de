//! Writes small GGUF files for tests, honest or not.

/// A file to be, in the order in which it will be written.
#[derive(Clone)]
pub(crate) struct Gguf {
    version: u32,
    entries: Vec<u8>,
    entry_count: u64,
    tensors: Vec<u64>,
}

impl Gguf {
    pub(crate) fn of_version(version: u32) -> Gguf {
        Gguf { version, entries: Vec::new(), entry_count: 0, tensors: Vec::new() }
    }

    /// An empty file of version 3 with this architecture.
    pub(crate) fn new(architecture: &str) -> Gguf {
        Gguf::of_version(3).text("general.architecture", architecture)
    }

    /// A small chat model: two layers of two 16-wide key/value heads, 256 bytes a token.
    pub(crate) fn chat() -> Gguf {
        Gguf::model("llama").text("tokenizer.chat_template", "{% for m in messages %}{% endfor %}")
    }

    /// A small model without a chat template.
    pub(crate) fn model(architecture: &str) -> Gguf {
        let key = |rest: &str| format!("{architecture}.{rest}");
        Gguf::new(architecture)
            .number("general.file_type", 15)
            .number(&key("context_length"), 2048)
            .number(&key("block_count"), 2)
            .number(&key("embedding_length"), 64)
            .number(&key("attention.head_count"), 4)
            .number(&key("attention.head_count_kv"), 2)
            .tensor(0)
    }

    /// A projector for any model.
    pub(crate) fn projector() -> Gguf {
        Gguf::new("clip").text("general.type", "mmproj").tensor(0)
    }

    pub(crate) fn text(self, key: &str, text: &str) -> Gguf {
        let value = self.string(text.as_bytes());
        self.entry(key, 8, &value)
    }

    pub(crate) fn number(self, key: &str, number: u32) -> Gguf {
        self.entry(key, 4, &number.to_le_bytes())
    }

    pub(crate) fn numbers(self, key: &str, numbers: &[u32]) -> Gguf {
        let elements: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.array(key, 4, numbers.len() as u64, &elements)
    }

    pub(crate) fn texts(self, key: &str, texts: &[&str]) -> Gguf {
        let elements: Vec<u8> = texts.iter().flat_map(|text| self.string(text.as_bytes())).collect();
        self.array(key, 8, texts.len() as u64, &elements)
    }

    /// An array that may claim another length than it has.
    pub(crate) fn array(self, key: &str, element: u32, count: u64, elements: &[u8]) -> Gguf {
        let value = [element.to_le_bytes().to_vec(), self.count(count), elements.to_vec()].concat();
        self.entry(key, 9, &value)
    }

    pub(crate) fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Gguf {
        let key = self.string(key.as_bytes());
        self.entries.extend([&key[..], &kind.to_le_bytes(), value].concat());
        self.entry_count += 1;
        self
    }

    /// A tensor whose data starts at this offset. Tests write 64 bytes of data.
    pub(crate) fn tensor(mut self, offset: u64) -> Gguf {
        self.tensors.push(offset);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.count(self.tensors.len() as u64));
        bytes.extend(self.count(self.entry_count));
        bytes.extend(&self.entries);
        for offset in &self.tensors {
            bytes.extend(self.string(b"blk.0.weight"));
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(self.count(16));
            bytes.extend(0_u32.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend([0; 64]);
        bytes
    }

    fn string(&self, text: &[u8]) -> Vec<u8> {
        [self.count(text.len() as u64), text.to_vec()].concat()
    }

    /// Version 1 counted in 32 bits.
    fn count(&self, count: u64) -> Vec<u8> {
        match self.version {
            1 => (count as u32).to_le_bytes().to_vec(),
            _ => count.to_le_bytes().to_vec(),
        }
    }
}
