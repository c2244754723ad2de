//! A turn of a conversation and what it is made of: texts, media, thoughts, calls and what they came to.
//!
//! The same in requests and answers. What a turn means to a vendor is its protocol's business.

use super::Wording;

/// One turn, or a system text between turns.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Whose.
    pub role: Role,
    /// What, in order. A plain string is one [`Part::Text`]: a text stays the same text in either form.
    pub parts: Vec<Part>,
    /// A participant's name, where the surface has one.
    pub name: Option<String>,
}

/// Whose turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator's text. OpenAI's `developer` is this too.
    System,
    /// The person's.
    User,
    /// The model's.
    Assistant,
    /// A tool's result.
    Tool,
}

/// A piece of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// An image, a sound, a document.
    Media(Media),
    /// What the model thought.
    Thought(Thought),
    /// A call that the model made.
    ToolCall(ToolCall),
    /// What a call came to.
    ToolResult(ToolResult),
    /// The model's refusal in words.
    Refusal(String),
}

impl Part {
    /// A plain text.
    pub fn text(text: impl Into<Wording>) -> Part {
        Part::Text(Text { text: text.into(), cache: None })
    }
}

/// A piece of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: Wording,
    /// Whether the prompt is to be cached up to here.
    pub cache: Option<CacheMark>,
}

/// Anthropic's `cache_control`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheMark {
    /// `5m` or `1h`; absent = the vendor's default.
    pub ttl: Option<String>,
}

/// An image, a sound or a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: MediaSource,
    /// Its name, for documents.
    pub name: Option<String>,
    /// OpenAI's `detail` for images: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// Whether the prompt is to be cached up to here.
    pub cache: Option<CacheMark>,
}

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A PDF or a text file.
    Document,
    /// A film.
    Video,
}

/// Where a medium's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// In the request, as base64 without line breaks, with their media type: `image/png`.
    Data {
        /// The media type.
        mime: String,
        /// Base64.
        base64: String,
    },
    /// At a URL. Pointsman never fetches it.
    Url(String),
    /// In the vendor's own file store.
    File(String),
}

/// What the model thought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thought {
    /// The text; empty where the vendor keeps it back.
    pub text: String,
    /// What must come back unchanged for the thought to be believed.
    pub state: Option<OpaqueState>,
}

/// A vendor's own bytes, bound to the model that made them: Anthropic's signature, Gemini's thoughtSignature, OpenAI's
/// encrypted_content. Meaningless and often refused elsewhere, so that an encoder of another protocol drops it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueState {
    /// Whose.
    pub kind: StateKind,
    /// The vendor's item id, where it has one.
    pub id: Option<String>,
    /// The bytes as text.
    pub value: String,
}

/// Whose opaque state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateKind {
    /// `thinking.signature`.
    AnthropicSignature,
    /// `redacted_thinking.data`.
    AnthropicRedacted,
    /// `thoughtSignature`.
    Gemini,
    /// `reasoning.encrypted_content`.
    OpenAi,
}

/// A call that the model made.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The id by which its result is given. Never empty: a decoder makes one up where the protocol has none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments as JSON text, in the order in which the model wrote them; free text for a custom tool.
    pub arguments: String,
    /// Whether it is a function's or a custom tool's.
    pub kind: ToolKind,
    /// Gemini puts its thought's state on the call that it led to.
    pub state: Option<OpaqueState>,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The call.
    pub call_id: String,
    /// The tool's name, where the protocol repeats it.
    pub name: Option<String>,
    /// Texts and images.
    pub parts: Vec<Part>,
    /// Whether it failed.
    pub is_error: bool,
    /// Whether it answers a function or a custom tool.
    pub kind: ToolKind,
    /// Whether the prompt is to be cached up to here.
    pub cache: Option<CacheMark>,
}

/// What kind of tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// Arguments are a JSON object.
    #[default]
    Function,
    /// Arguments are free text (OpenAI's custom tools).
    Custom,
}
