//! An answer that comes line by line for as long as it takes: a download's progress.
//!
//! Each line is bounded in size and each wait in time; the whole is not.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{Fault, Reach, Site, cause};

/// The longest line.
const LONGEST: usize = 64 << 10;

/// The lines of an answer. Dropping them closes the connection, which gives up what they tell of.
pub(crate) struct Lines {
    /// The answer's status.
    pub(crate) status: u16,
    body: Incoming,
    read: BytesMut,
    patience: Duration,
}

impl Site {
    /// Asks with POST for an answer in lines. `patience` bounds the wait for its head and for each line. Only on this machine.
    pub(crate) async fn lines(&self, path: &str, body: Bytes, patience: Duration) -> Result<Lines, Fault> {
        let Reach::Loopback(client) = &self.reach else {
            return Err(Fault::Refused("it is not on this machine".to_owned()));
        };
        let request = self.request(Method::POST, path, Some(body))?;
        let response = tokio::time::timeout(patience, client.request(request)).await.map_err(|_| Fault::TimedOut)?;
        let response = response.map_err(|error| Fault::of(&error))?;
        let status = response.status().as_u16();
        Ok(Lines { status, body: response.into_body(), read: BytesMut::new(), patience })
    }
}

impl Lines {
    /// The next line without its end; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read) {
                let line = self.read.split_to(end).freeze();
                self.read.advance(1);
                return Ok(Some(line));
            }
            if self.read.len() > LONGEST {
                return Err(Fault::TooLarge);
            }
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await.map_err(|_| Fault::TimedOut)?;
            match frame {
                Some(Ok(frame)) => {
                    // What comes beside the data says nothing.
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(Fault::Broken(cause(&error))),
                None if self.read.is_empty() => return Ok(None),
                None => return Ok(Some(self.read.split().freeze())),
            }
        }
    }
}
