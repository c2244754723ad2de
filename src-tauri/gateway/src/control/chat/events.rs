//! Reads server-sent events out of bytes, however they are cut into pieces.
//!
//! Only the data of an event; its name and id mean nothing to a chat completion.

/// The longest line that is kept; what is longer is no token.
const LONGEST: usize = 16 << 20;

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    skipping: bool,
}

impl Events {
    /// The data of each event that this piece completes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let ends = part.last() == Some(&b'\n');
            if self.line.len() + part.len() > LONGEST {
                self.line.clear();
                self.skipping = true;
            }
            if !self.skipping {
                self.line.extend_from_slice(part);
            }
            if ends {
                self.skipping = false;
                self.end_line(&mut complete);
            }
        }
        complete
    }

    fn end_line(&mut self, complete: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                complete.push(std::mem::take(&mut self.data));
            }
        } else if let Some(data) = line.strip_prefix("data:") {
            if self.has_data {
                self.data.push('\n');
            }
            self.has_data = true;
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stream: &str, expected: &[&str]) {
        for size in 1..=stream.len() {
            let mut events = Events::default();
            let told: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| events.push(piece)).collect();
            assert_eq!(told, expected, "in pieces of {size} bytes");
        }
    }

    #[test]
    fn events_are_whole_however_they_come() {
        check("data: {\"a\":1}\n\ndata: [DONE]\n\n", &["{\"a\":1}", "[DONE]"]);
        check("data: a\r\n\r\ndata:b\r\n\r\n", &["a", "b"]);
        check(": loading\n\nevent: x\nid: 3\ndata: ü日\n\n", &["ü日"]);
        check("data: two\ndata: lines\n\n", &["two\nlines"]);
        check("data:\n\n", &[""]);
        check("data: cut off", &[]);
        check("data: cut off\n", &[]);
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut events = Events::default();
        for _ in 0..40 {
            assert!(events.push(&vec![b'x'; 1 << 20]).is_empty());
            assert!(events.line.len() <= LONGEST, "memory stays bounded");
        }
        assert!(events.push(b"\n").is_empty());
        assert_eq!(events.push(b"data: next\n\n"), ["next"], "what follows is read again");
    }
}
