//! Thoughts that a model writes into its text: `<think>…</think>answer`.
//!
//! Only at the start of an answer, where reasoning models put them; later the same letters are text. Any split of the text
//! gives the same pieces. Servers that tell thoughts in a field of their own need none of this ([`Tags::off`]).

/// Opening and closing tags.
const TAGS: &[(&str, &str)] = &[("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]")];

/// What a piece of text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A thought.
    Thought(String),
    /// The answer.
    Text(String),
}

/// One answer's text as it comes.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    state: State,
    /// What may be part of a tag, or white space beside one.
    held: String,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Nothing but white space yet.
    #[default]
    Start,
    /// In a thought; whether it has begun, and the tag that closes it.
    Inside(bool, &'static str),
    /// Between the closing tag and the answer.
    Gap,
    /// In the answer.
    Plain,
}

impl Tags {
    /// Takes text.
    pub(crate) fn push(&mut self, text: &str, each: &mut impl FnMut(Piece)) {
        if matches!(self.state, State::Plain) {
            if !text.is_empty() {
                each(Piece::Text(text.to_owned()));
            }
            return;
        }
        self.held.push_str(text);
        while self.step(each) {}
    }

    /// The text is over.
    pub(crate) fn finish(&mut self, each: &mut impl FnMut(Piece)) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Start | State::Plain if !held.is_empty() => each(Piece::Text(held)),
            State::Inside(..) if !held.trim_end().is_empty() => each(Piece::Thought(held.trim_end().to_owned())),
            State::Start | State::Plain | State::Inside(..) | State::Gap => {}
        }
        self.state = State::Plain;
    }

    /// Something else came, a thought in a field of its own or a call: from here all is text.
    pub(crate) fn off(&mut self, each: &mut impl FnMut(Piece)) {
        if !matches!(self.state, State::Plain) {
            self.finish(each);
        }
    }

    /// Goes on as far as what is held allows; whether there may be more.
    fn step(&mut self, each: &mut impl FnMut(Piece)) -> bool {
        match self.state {
            State::Start => {
                let text = self.held.trim_start();
                if let Some((open, close)) = TAGS.iter().find(|(open, _)| text.starts_with(open)) {
                    self.held = text[open.len()..].to_owned();
                    self.state = State::Inside(false, close);
                    return true;
                }
                if text.is_empty() || TAGS.iter().any(|(open, _)| open.starts_with(text)) {
                    return false;
                }
                self.state = State::Plain;
                each(Piece::Text(std::mem::take(&mut self.held)));
                false
            }
            State::Inside(begun, close) => {
                if !begun {
                    self.held = self.held.trim_start().to_owned();
                    if self.held.is_empty() {
                        return false;
                    }
                }
                if let Some(at) = self.held.find(close) {
                    let thought = self.held[..at].trim_end();
                    if !thought.is_empty() {
                        each(Piece::Thought(thought.to_owned()));
                    }
                    self.held = self.held[at + close.len()..].to_owned();
                    self.state = State::Gap;
                    return true;
                }
                // White space before the closing tag is not part of the thought, so it waits with the tag's beginning.
                let tag = (1..close.len()).rev().find(|length| self.held.ends_with(&close[..*length])).unwrap_or(0);
                let sure = self.held[..self.held.len() - tag].trim_end().len();
                if sure > 0 {
                    let rest = self.held.split_off(sure);
                    each(Piece::Thought(std::mem::replace(&mut self.held, rest)));
                    self.state = State::Inside(true, close);
                }
                false
            }
            State::Gap => {
                let text = self.held.trim_start().to_owned();
                self.held.clear();
                if !text.is_empty() {
                    self.state = State::Plain;
                    each(Piece::Text(text));
                }
                false
            }
            State::Plain => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&str]) -> (String, String) {
        let (mut thought, mut text) = (String::new(), String::new());
        let mut tags = Tags::default();
        let mut each = |piece| match piece {
            Piece::Thought(more) => thought.push_str(&more),
            Piece::Text(more) => text.push_str(&more),
        };
        for piece in pieces {
            tags.push(piece, &mut each);
        }
        tags.finish(&mut each);
        (thought, text)
    }

    fn check(text: &str, thought: &str, answer: &str) {
        assert_eq!(read(&[text]), (thought.to_owned(), answer.to_owned()), "{text:?}");
    }

    #[test]
    fn thoughts_stand_at_the_start_only() {
        check("<think>a</think>b", "a", "b");
        check("\n<think>\na b\n</think>\n\nc ", "a b", "c ");
        check("<thinking>a</think>b</thinking>c", "a</think>b", "c");
        check("[THINK]a[/THINK]b", "a", "b");
        check("<think>\n\n</think>\n\nb", "", "b");
        check("<think>never closed </thi", "never closed </thi", "");
        check("say <think>a</think>", "", "say <think>a</think>");
        check("<thin air", "", "<thin air");
        check("<think", "", "<think");
        check(" ", "", " ");
        check("", "", "");
    }

    #[test]
    fn a_field_of_its_own_turns_tags_off() {
        let mut seen = Vec::new();
        let mut tags = Tags::default();
        tags.off(&mut |piece| seen.push(piece));
        tags.push("<think>a</think>", &mut |piece| seen.push(piece));
        assert_eq!(seen, vec![Piece::Text("<think>a</think>".into())]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(text in "(<think>|<thinking>|</think>|</thinking>|<thi|</|[ a\n]|é){0,12}", cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let mut at: Vec<usize> = cuts.iter().map(|cut| letters[cut.index(letters.len())]).chain([0, text.len()]).collect();
            at.sort_unstable();
            let pieces: Vec<&str> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[&text]));
        }
    }
}
