//! Pieces that may alternate, put into the order in which they can be told one part at a time.
//!
//! Anthropic's blocks and OpenAI's output items stand one after another in a stream; the hub's parts may not: parallel
//! tool calls can come in turns. A part stays open while it may still grow. What begins meanwhile waits: text and thoughts
//! end where something else begins, a function's arguments where their JSON is whole, a custom tool's text at the end of
//! the stream. A call is told with its first argument, not before: the state that belongs to it stands before it where
//! protocols have no place for one in a call.

use std::collections::{BTreeMap, VecDeque};

use crate::completion::{Delta, OpaqueState, ToolKind};

/// What happens to the one part that is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It begins.
    Open(Opening),
    /// It grows: text, or arguments of a call.
    Piece(String),
    /// A thought's state comes.
    State(OpaqueState),
    /// It is over.
    Close,
}

/// What begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Text.
    Text,
    /// A thought.
    Thought,
    /// A refusal in words.
    Refusal,
    /// A tool call.
    ToolCall {
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// Function or custom.
        kind: ToolKind,
        /// Gemini's state of the thought that led to it.
        state: Option<OpaqueState>,
    },
}

/// Takes the pieces of the first answer, gives steps. Pieces of further answers are left out: neither protocol has them.
#[derive(Debug, Default)]
pub struct Serial {
    open: Option<Open>,
    waiting: VecDeque<Open>,
    /// What each part is that was ever begun.
    known: BTreeMap<u32, Kind>,
}

#[derive(Debug)]
struct Open {
    part: u32,
    opening: Opening,
    /// What came of it: all of a call's arguments, and for one that waits everything.
    text: String,
    /// A thought's.
    state: Option<OpaqueState>,
    /// Whether its opening was told.
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    Refusal,
    ToolCall,
}

impl Opening {
    fn kind(&self) -> Kind {
        match self {
            Opening::Text => Kind::Text,
            Opening::Thought => Kind::Thought,
            Opening::Refusal => Kind::Refusal,
            Opening::ToolCall { .. } => Kind::ToolCall,
        }
    }
}

impl Serial {
    /// Takes a piece. What is no piece of a part means nothing here.
    pub fn push(&mut self, delta: Delta, each: &mut impl FnMut(Step)) {
        match delta {
            Delta::Text { choice: 0, part, text } => self.piece(part, Opening::Text, text, each),
            Delta::Thought { choice: 0, part, text } => self.piece(part, Opening::Thought, text, each),
            Delta::Refusal { choice: 0, part, text } => self.piece(part, Opening::Refusal, text, each),
            Delta::ToolCall { choice: 0, part, id, name, kind } if !self.known.contains_key(&part) => {
                self.begin(part, Opening::ToolCall { id, name, kind, state: None }, each);
            }
            Delta::Arguments { choice: 0, part, json } => self.arguments(part, json, each),
            Delta::ThoughtState { choice: 0, part, state } => self.state(part, state, each),
            Delta::Text { .. }
            | Delta::Thought { .. }
            | Delta::Refusal { .. }
            | Delta::ToolCall { .. }
            | Delta::Arguments { .. }
            | Delta::ThoughtState { .. }
            | Delta::Start { .. }
            | Delta::Logprobs { .. }
            | Delta::Finish { .. }
            | Delta::Usage(_)
            | Delta::Failed { .. } => {}
        }
    }

    /// Nothing follows: what is open ends, what waits is told.
    pub fn finish(&mut self, each: &mut impl FnMut(Step)) {
        self.close(each);
        while let Some(next) = self.waiting.pop_front() {
            tell(next, each);
            each(Step::Close);
        }
    }

    fn piece(&mut self, part: u32, opening: Opening, text: String, each: &mut impl FnMut(Step)) {
        match self.known.get(&part) {
            Some(kind) if *kind != opening.kind() => return,
            Some(_) | None => {}
        }
        if self.open.as_ref().is_some_and(|open| open.part == part) {
            if !text.is_empty() {
                each(Step::Piece(text));
            }
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.part == part) {
            waiting.text.push_str(&text);
        } else {
            // A part that was closed begins anew: nothing is lost, though it is in two now.
            self.begin(part, opening, each);
            self.grow(part, text, each);
        }
    }

    fn arguments(&mut self, part: u32, json: String, each: &mut impl FnMut(Step)) {
        if self.known.get(&part) != Some(&Kind::ToolCall) {
            return;
        }
        self.grow(part, json, each);
        if !self.waiting.is_empty() && self.open.as_ref().is_some_and(Open::is_whole) {
            self.advance(each);
        }
    }

    fn state(&mut self, part: u32, state: OpaqueState, each: &mut impl FnMut(Step)) {
        match self.known.get(&part) {
            Some(Kind::Thought) | None => {}
            Some(Kind::ToolCall) => return self.call_state(part, state),
            Some(Kind::Text | Kind::Refusal) => return,
        }
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.part == part) {
            waiting.state = Some(state);
            return;
        }
        if self.open.as_ref().is_none_or(|open| open.part != part) {
            self.begin(part, Opening::Thought, each);
        }
        match self.waiting.iter_mut().find(|waiting| waiting.part == part) {
            Some(waiting) => waiting.state = Some(state),
            None => each(Step::State(state)),
        }
    }

    /// A call's state. One that comes after its arguments began comes too late.
    fn call_state(&mut self, part: u32, known: OpaqueState) {
        let call = self.open.iter_mut().chain(&mut self.waiting).find(|call| call.part == part && !call.told);
        if let Some(Open { opening: Opening::ToolCall { state, .. }, .. }) = call {
            *state = Some(known);
        }
    }

    /// Opens a part, or lets it wait.
    fn begin(&mut self, part: u32, opening: Opening, each: &mut impl FnMut(Step)) {
        self.known.insert(part, opening.kind());
        let next = Open { part, opening, text: String::new(), state: None, told: false };
        if self.open.as_ref().is_some_and(|open| !open.is_whole()) {
            self.waiting.push_back(next);
            return;
        }
        self.close(each);
        let call = next.opening.kind() == Kind::ToolCall;
        let open = self.open.insert(next);
        if !call {
            open.tell(each);
        }
    }

    /// Closes what is open.
    fn close(&mut self, each: &mut impl FnMut(Step)) {
        if let Some(mut open) = self.open.take() {
            open.tell(each);
            each(Step::Close);
        }
    }

    /// Adds to a part that is open or waits.
    fn grow(&mut self, part: u32, text: String, each: &mut impl FnMut(Step)) {
        if text.is_empty() {
            return;
        }
        if let Some(open) = self.open.as_mut().filter(|open| open.part == part) {
            if open.opening.kind() == Kind::ToolCall {
                open.text.push_str(&text);
            }
            open.tell(each);
            each(Step::Piece(text));
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.part == part) {
            waiting.text.push_str(&text);
        }
    }

    /// Closes what is whole and opens what waits, as far as that goes.
    fn advance(&mut self, each: &mut impl FnMut(Step)) {
        while self.open.as_ref().is_none_or(Open::is_whole) {
            let Some(next) = self.waiting.pop_front() else { return };
            self.close(each);
            let call = next.opening.kind() == Kind::ToolCall;
            if call && next.text.is_empty() {
                self.open = Some(next);
                continue;
            }
            let (opening, text) = (next.opening.clone(), next.text.clone());
            self.open = Some(Open { part: next.part, opening, text, state: None, told: true });
            tell(next, each);
        }
    }
}

impl Open {
    /// Tells that it begins, once.
    fn tell(&mut self, each: &mut impl FnMut(Step)) {
        if !std::mem::replace(&mut self.told, true) {
            each(Step::Open(self.opening.clone()));
        }
    }

    /// Whether it can be closed without losing a piece that may yet come.
    fn is_whole(&self) -> bool {
        match &self.opening {
            Opening::Text | Opening::Thought | Opening::Refusal => true,
            Opening::ToolCall { kind: ToolKind::Function, .. } => {
                self.text.trim_end().ends_with('}') && serde_json::from_str::<serde::de::IgnoredAny>(&self.text).is_ok()
            }
            Opening::ToolCall { kind: ToolKind::Custom, .. } => false,
        }
    }
}

fn tell(part: Open, each: &mut impl FnMut(Step)) {
    each(Step::Open(part.opening));
    if !part.text.is_empty() {
        each(Step::Piece(part.text));
    }
    if let Some(state) = part.state {
        each(Step::State(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps as a line: `T` text, `H` thought, `C` call, then what came, then `.`.
    fn steps(deltas: &[(u32, &str)]) -> String {
        let mut told = String::new();
        let mut serial = Serial::default();
        let mut each = |step| match step {
            Step::Open(Opening::Text) => told.push('T'),
            Step::Open(Opening::Thought) => told.push('H'),
            Step::Open(Opening::Refusal) => told.push('R'),
            Step::Open(Opening::ToolCall { id, state, .. }) => {
                told.push_str(&state.map(|state| state.value).unwrap_or_default());
                told.push_str(&id);
            }
            Step::Piece(text) => told.push_str(&text),
            Step::State(state) => told.push_str(&state.value),
            Step::Close => told.push('.'),
        };
        for (part, what) in deltas {
            let (choice, part, text) = (0, *part, what[1..].to_owned());
            let state =
                || OpaqueState { kind: crate::completion::StateKind::Gemini, id: None, value: what[1..].to_owned() };
            let call = |kind| Delta::ToolCall { choice, part, id: text.clone(), name: "f".into(), kind };
            let delta = match what.as_bytes()[0] {
                b't' => Delta::Text { choice, part, text },
                b'h' => Delta::Thought { choice, part, text },
                b's' => Delta::ThoughtState { choice, part, state: state() },
                b'c' => call(ToolKind::Function),
                b'x' => call(ToolKind::Custom),
                b'2' => Delta::Text { choice: 1, part, text },
                _ => Delta::Arguments { choice, part, json: text },
            };
            serial.push(delta, &mut each);
        }
        serial.finish(&mut each);
        told
    }

    fn check(deltas: &[(u32, &str)], expected: &str) {
        assert_eq!(steps(deltas), expected, "{deltas:?}");
    }

    #[test]
    fn one_part_at_a_time() {
        check(&[], "");
        check(&[(0, "ta"), (0, "tb"), (0, "2x")], "Tab.");
        check(&[(0, "hx"), (0, "s1"), (1, "ta"), (2, "cA"), (2, "a{}")], "Hx1.Ta.A{}.");
        check(&[(0, "cA"), (0, "a{}"), (1, "cB"), (1, "a{}")], "A{}.B{}.");
        check(&[(0, "cA"), (1, "cB"), (1, "a{1}"), (0, "a{\"a\":"), (0, "a1}"), (1, "a2")], "A{\"a\":1}.B{1}2.");
        check(&[(0, "cA"), (1, "cB"), (2, "tx"), (0, "a{}"), (1, "a{}"), (2, "ty")], "A{}.B{}.Txy.");
        check(&[(0, "xA"), (0, "a{}"), (1, "tx"), (0, "a!")], "A{}!.Tx.");
        check(&[(0, "cA"), (1, "h?"), (1, "s1")], "A.H?1.");
    }

    #[test]
    fn a_calls_state_is_told_with_it() {
        check(&[(0, "cA"), (0, "s1"), (0, "a{}"), (1, "cB"), (1, "a{}")], "1A{}.B{}.");
        check(&[(0, "cA"), (1, "cB"), (0, "s1"), (1, "s2"), (0, "a{}"), (1, "a{}")], "1A{}.2B{}.");
        check(&[(0, "cA"), (1, "cB"), (0, "a{}"), (1, "s2"), (1, "a{}")], "A{}.2B{}.");
        check(&[(0, "cA"), (0, "s1")], "1A.");
        check(&[(0, "cA"), (0, "a{}"), (0, "s1")], "A{}.");
    }

    #[test]
    fn contradictions_are_left_out() {
        check(&[(0, "a{}"), (0, "ta"), (0, "a{}"), (0, "cA"), (0, "hb"), (0, "s1")], "Ta.");
        check(&[(0, "ha"), (1, "tb"), (0, "s1"), (1, "tc")], "Ha.Tb.H1.Tc.");
    }
}
