//! One JSON value a line, in bounded lines.
//!
//! Knows neither commands nor replies and opens nothing.

use std::io;

use serde::Serialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Text(Vec<u8>),
    /// More bytes than allowed before the line's end. What follows cannot be made sense of.
    TooLong,
    /// The other side hung up, perhaps in the middle of a line.
    End,
}

/// The next line.
pub(super) async fn read(reader: &mut (impl AsyncBufRead + Unpin), most: usize) -> io::Result<Line> {
    let mut text = Vec::new();
    // One byte more than allowed tells a line that just fits from one that does not.
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(bound).read_until(b'\n', &mut text).await?;
    if text.last() == Some(&b'\n') {
        text.pop();
        return Ok(Line::Text(text));
    }
    Ok(if text.len() > most { Line::TooLong } else { Line::End })
}

/// Writes a value as a line.
pub(super) async fn write(writer: &mut (impl AsyncWrite + Unpin), value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    writer.write_all(&text).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(input: &str, expected: &[Line]) {
        let mut reader = input.as_bytes();
        for line in expected {
            assert_eq!(&read(&mut reader, 4).await.unwrap(), line, "in {input:?}");
        }
    }

    fn text(line: &str) -> Line {
        Line::Text(line.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_are_bounded() {
        check("", &[Line::End]).await;
        check("one\n\ntwo\n", &[text("one"), text(""), text("two"), Line::End]).await;
        check("four\n", &[text("four"), Line::End]).await;
        check("five5\n", &[Line::TooLong]).await;
        check("cut", &[Line::End]).await;
    }
}
