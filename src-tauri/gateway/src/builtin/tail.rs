//! The last lines that a child wrote to its error output, for the day when it ends.
//!
//! Bounded in lines and in their length, whatever the child writes. llama.cpp writes no prompt at its usual verbosity,
//! and nobody here asks it for more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Lines kept.
const LINES: usize = 24;
/// Bytes kept of one line.
const LINE: usize = 300;
/// Bytes of a reason.
const REASON: usize = 320;

/// The last lines. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Tail {
    /// Reads until the other end is closed.
    pub(super) async fn read(self, mut output: impl AsyncRead + Unpin) {
        let mut piece = vec![0; 4096];
        let mut line = Vec::new();
        while let Ok(read @ 1..) = output.read(&mut piece).await {
            for byte in &piece[..read] {
                match byte {
                    b'\n' | b'\r' => self.push(&std::mem::take(&mut line)),
                    // The rest of an endless line is passed over.
                    _ if line.len() >= LINE => {}
                    byte => line.push(*byte),
                }
            }
        }
        self.push(&line);
    }

    fn push(&self, line: &[u8]) {
        let line: String = String::from_utf8_lossy(line).chars().filter(|char| !char.is_control()).collect();
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        tracing::debug!(target: "builtin", "llama-server: {line}");
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The lines that say most about an end, in one line: those that complain, else the last one.
    pub(super) fn reason(&self) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told: Vec<&str> = lines.iter().map(|line| without_stamp(line)).filter(|line| complains(line)).collect();
        // The same failure goes up through the layers; the first two lines name it, the last says what it led to.
        told.dedup();
        if told.len() > 3 {
            told = vec![told[0], told[1], told[told.len() - 1]];
        }
        if told.is_empty() {
            told.extend(lines.back().map(|line| without_stamp(line)));
        }
        let reason = shortened(&told.join("; "));
        (!reason.is_empty()).then_some(reason)
    }

    /// Whether it could not have its port.
    pub(super) fn port_was_taken(&self) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| line.to_lowercase()).any(|line| {
            line.contains("couldn't bind") || line.contains("already in use") || line.contains("failed to bind")
        })
    }
}

/// A line without llama.cpp's time and level: `0.00.007.887 E srv    load_model: ...`.
fn without_stamp(line: &str) -> &str {
    let stamped = line.split_once(' ').filter(|(stamp, _)| {
        stamp.starts_with(|first: char| first.is_ascii_digit())
            && stamp.chars().all(|char| char.is_ascii_digit() || char == '.')
    });
    let Some((_, rest)) = stamped else { return line };
    let rest = rest.trim_start();
    let level = ["I ", "W ", "E ", "D "].into_iter().find_map(|level| rest.strip_prefix(level));
    level.unwrap_or(rest).trim_start()
}

fn complains(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        "error",
        "fail",
        "couldn't",
        "cannot",
        "unable",
        "invalid",
        "abort",
        "assert",
        "out of memory",
        "unknown",
        "what()",
    ]
    .into_iter()
    .any(|word| line.contains(word))
}

fn shortened(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.len() + word.len() >= REASON {
            words.push_str(" ...");
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reason(output: &str) -> Option<String> {
        let tail = Tail::default();
        tail.clone().read(output.as_bytes()).await;
        tail.reason()
    }

    #[tokio::test]
    async fn the_reason_is_what_complains() {
        let check = async |output: &str, expected: Option<&str>| {
            assert_eq!(reason(output).await.as_deref(), expected, "{output:?}");
        };
        check("", None).await;
        check("\n\r\n", None).await;
        check("loading\nready", Some("ready")).await;
        check("a\nerror: no\x1b[31m memory\nbye", Some("error: no[31m memory")).await;
        let real = "0.00.007.879 E gguf_init_from_reader: invalid magic characters\n\
                    0.00.007.885 E llama_model_load: error loading model: failed to load\n\
                    0.00.007.886 E cmn  common_init_: failed to load model\n\
                    0.00.007.888 I srv    operator(): cleaning up before exit...\n\
                    0.00.008.132 E srv  llama_server: exiting due to model loading error\n";
        let told = "gguf_init_from_reader: invalid magic characters; \
                    llama_model_load: error loading model: failed to load; \
                    srv llama_server: exiting due to model loading error";
        check(real, Some(told)).await;
    }

    #[tokio::test]
    async fn whatever_is_written_little_is_kept() {
        let endless = "error ".repeat(1_000_000);
        let told = reason(&endless).await.unwrap();
        assert!(told.len() <= REASON + 8, "{} bytes", told.len());
        let word = "x".repeat(100_000);
        assert!(reason(&word).await.unwrap().len() <= LINE, "one endless word is cut as well");
    }
}
