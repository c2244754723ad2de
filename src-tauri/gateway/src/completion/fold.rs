//! The whole answer as the fold of its stream: one law, which every protocol's tests hold its decoders to.

use serde_json::Value;

use super::{Choice, Completion, Delta, Part, Text, Thought, ToolCall};

/// Takes pieces, gives the whole.
#[derive(Debug, Default)]
pub struct Fold {
    completion: Completion,
    /// Per choice, which of its parts has which number.
    numbers: Vec<Vec<u32>>,
}

impl Fold {
    /// Adds a piece. A piece that contradicts earlier ones (text for a tool call) is left out: a hostile stream must not
    /// do worse than lose its own words.
    pub fn push(&mut self, delta: Delta) {
        match delta {
            Delta::Start { id, model, created } => {
                self.completion.id = id;
                self.completion.model = model;
                self.completion.created = created;
            }
            Delta::Text { choice, part, text: piece } => {
                if let Some(Part::Text(text)) = self.part(choice, part, || Part::Text(Text::default())) {
                    text.text.push_str(&piece);
                }
            }
            Delta::Thought { choice, part, text } => {
                if let Some(Part::Thought(thought)) = self.part(choice, part, || Part::Thought(Thought::default())) {
                    thought.text.push_str(&text);
                }
            }
            Delta::ThoughtState { choice, part, state } => {
                match self.part(choice, part, || Part::Thought(Thought::default())) {
                    Some(Part::Thought(thought)) => thought.state = Some(state),
                    Some(Part::ToolCall(call)) => call.state = Some(state),
                    Some(Part::Text(_) | Part::Media(_) | Part::ToolResult(_) | Part::Refusal(_)) | None => {}
                }
            }
            Delta::ToolCall { choice, part, id, name, kind } => {
                let call = ToolCall { id, name, arguments: String::new(), kind, state: None };
                self.part(choice, part, || Part::ToolCall(call));
            }
            Delta::Arguments { choice, part, json } => {
                if let Some(Part::ToolCall(call)) = self.known(choice, part) {
                    call.arguments.push_str(&json);
                }
            }
            Delta::Refusal { choice, part, text: piece } => {
                if let Some(Part::Refusal(text)) = self.part(choice, part, || Part::Refusal(String::new())) {
                    text.push_str(&piece);
                }
            }
            Delta::Logprobs { choice, value } => {
                if let Some(choice) = self.choice(choice) {
                    append(choice.logprobs.get_or_insert_with(|| Value::Object(serde_json::Map::new())), value);
                }
            }
            Delta::Finish { choice, finish } => {
                if let Some(choice) = self.choice(choice) {
                    choice.finish = Some(finish);
                }
            }
            Delta::Usage(usage) => self.completion.usage = Some(usage),
            Delta::Failed { .. } => {}
        }
    }

    /// The whole.
    pub fn finish(self) -> Completion {
        self.completion
    }

    fn choice(&mut self, choice: u32) -> Option<&mut Choice> {
        // No client asks for more; a hostile stream could claim any number.
        let at = usize::try_from(choice).ok().filter(|at| *at < 128)?;
        if self.completion.choices.len() <= at {
            self.completion.choices.resize_with(at + 1, Choice::default);
            self.numbers.resize_with(at + 1, Vec::new);
        }
        self.completion.choices.get_mut(at)
    }

    fn known(&mut self, choice: u32, part: u32) -> Option<&mut Part> {
        let at = usize::try_from(choice).ok()?;
        let place = self.numbers.get(at)?.iter().position(|known| *known == part)?;
        self.completion.choices.get_mut(at)?.parts.get_mut(place)
    }

    fn part(&mut self, choice: u32, part: u32, make: impl FnOnce() -> Part) -> Option<&mut Part> {
        self.choice(choice)?;
        let at = usize::try_from(choice).ok()?;
        let numbers = self.numbers.get_mut(at)?;
        let place = numbers.iter().position(|known| *known == part);
        let choice = self.completion.choices.get_mut(at)?;
        let place = match place {
            Some(place) => place,
            None => {
                numbers.push(part);
                choice.parts.push(make());
                choice.parts.len() - 1
            }
        };
        choice.parts.get_mut(place)
    }
}

impl FromIterator<Delta> for Completion {
    fn from_iter<I: IntoIterator<Item = Delta>>(deltas: I) -> Completion {
        let mut fold = Fold::default();
        deltas.into_iter().for_each(|delta| fold.push(delta));
        fold.finish()
    }
}

/// Adds the arrays of one logprobs object to those of another.
fn append(whole: &mut Value, piece: Value) {
    let (Value::Object(whole), Value::Object(piece)) = (whole, piece) else { return };
    for (key, value) in piece {
        match (whole.get_mut(&key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                whole.insert(key, value);
            }
        }
    }
}
