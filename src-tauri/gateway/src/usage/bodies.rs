//! What was asked and what was said, kept beside a request's row only while the user wants that.
//!
//! Off at every start, and on only until a time that the user chose: no setting turns it on for ever. The request path
//! looks at one flag while it is off; while it is on it keeps the beginning of each body in memory and hands it on with the
//! row. Keys are taken out by the thread that writes. How long a body stays is the table's business.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::secrets::redact::Redactor;
use crate::settings::client_key;

/// How much of a body is kept.
pub const MOST: usize = 64 << 10;
/// The longest that it may be on.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A little more is handed on, so that a key which goes past the end of what is kept is still seen as one.
const MARGIN: usize = 1 << 10;
/// How much may wait for the thread that writes; what comes beyond is not kept.
const MOST_WAITING: usize = 32 << 20;
/// How often the clock is looked at: it does not stand still while the machine sleeps, and timers do.
const LOOK: Duration = Duration::from_secs(10);

/// Makes what takes every known key out of a text.
pub type Known = dyn Fn() -> Redactor + Send + Sync;

/// Until when bodies are kept. Clones share one.
#[derive(Clone)]
pub struct Keeping(Arc<Shared>);

struct Shared {
    until: watch::Sender<Option<SystemTime>>,
    waiting: AtomicUsize,
    known: Box<Known>,
}

impl Keeping {
    /// Off.
    pub fn new(known: Box<Known>) -> Keeping {
        Keeping(Arc::new(Shared { until: watch::Sender::new(None), waiting: AtomicUsize::new(0), known }))
    }

    /// Keeps bodies from now on and for so long, at most [`LONGEST`]; no time at all turns it off.
    pub fn keep_for(&self, time: Duration) {
        let until = (!time.is_zero()).then(|| SystemTime::now() + time.min(LONGEST));
        self.0.until.send_replace(until);
    }

    /// When it ends, if it is on.
    pub fn until(&self) -> Option<SystemTime> {
        self.0.until.borrow().filter(|until| SystemTime::now() < *until)
    }

    /// Changes when it is turned on or off, and when its time is over.
    pub fn follow(&self) -> watch::Receiver<Option<SystemTime>> {
        self.0.until.subscribe()
    }

    /// Turns it off when its time is over, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut changed = self.follow();
        loop {
            let left = self.until().and_then(|until| until.duration_since(SystemTime::now()).ok());
            let Some(left) = left else {
                self.0.until.send_if_modified(|until| until.take().is_some());
                let next = changed.wait_for(Option::is_some);
                if stop.run_until_cancelled(next).await.is_none() {
                    return;
                }
                continue;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(left.min(LOOK)) => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// A place for one request's bodies, if they are wanted now.
    pub(super) fn begin(&self, asked: &Bytes) -> Option<Box<Capture>> {
        // While it is off nothing else is done.
        self.0.until.borrow().as_ref()?;
        self.until()?;
        let keeping = self.clone();
        Some(Box::new(Capture { keeping, asked: asked.clone(), said: Vec::new(), said_bytes: 0 }))
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping").field("until", &self.0.until.borrow()).finish_non_exhaustive()
    }
}

/// One request's bodies while it is answered.
#[derive(Debug)]
pub(super) struct Capture {
    keeping: Keeping,
    asked: Bytes,
    said: Vec<u8>,
    said_bytes: i64,
}

impl Capture {
    /// So much of the answer goes to the client.
    pub(super) fn said(&mut self, bytes: &[u8]) {
        self.said_bytes += bytes.len() as i64;
        let room = (MOST + MARGIN).saturating_sub(self.said.len());
        self.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// What is to be kept; nothing where the user has turned it off meanwhile.
    pub(super) fn end(self) -> Option<Arc<Bodies>> {
        let Capture { keeping, asked, said, said_bytes } = self;
        keeping.until()?;
        let size = asked.len().min(MOST + MARGIN) + said.len();
        if keeping.0.waiting.fetch_add(size, Ordering::Relaxed) + size > MOST_WAITING {
            keeping.0.waiting.fetch_sub(size, Ordering::Relaxed);
            return None;
        }
        // Copied: a slice would hold the whole body.
        let first = asked[..asked.len().min(MOST + MARGIN)].to_vec();
        let asked_bytes = asked.len() as i64;
        Some(Arc::new(Bodies { keeping, size, asked: first, asked_bytes, said, said_bytes }))
    }
}

/// One request's bodies on their way to the table.
pub struct Bodies {
    keeping: Keeping,
    size: usize,
    asked: Vec<u8>,
    pub(super) asked_bytes: i64,
    said: Vec<u8>,
    pub(super) said_bytes: i64,
}

impl Bodies {
    /// What was asked and what was said, as both may be kept.
    pub(super) fn clean(&self) -> (Vec<u8>, Vec<u8>) {
        let known = (self.keeping.0.known)();
        (clean(&known, &self.asked, self.asked_bytes), clean(&known, &self.said, self.said_bytes))
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        self.keeping.0.waiting.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies")
            .field("asked", &self.asked_bytes)
            .field("said", &self.said_bytes)
            .finish_non_exhaustive()
    }
}

/// The beginning of a body of so many bytes, without keys.
fn clean(known: &Redactor, first: &[u8], whole: i64) -> Vec<u8> {
    let mut text = if first.len() as i64 == whole {
        known.redact(first).into_owned()
    } else {
        // What may be the beginning of a key at the end is held back, and left there.
        known.clone().streaming().push(Bytes::copy_from_slice(first)).into()
    };
    if let std::borrow::Cow::Owned(without) = client_key::redact(&text) {
        text = without;
    }
    text.truncate(MOST);
    // Not in the middle of a character.
    if let Err(error) = std::str::from_utf8(&text)
        && error.error_len().is_none()
    {
        text.truncate(error.valid_up_to());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk-live-0123456789abcdef";

    fn keeping() -> Keeping {
        Keeping::new(Box::new(|| Redactor::new([SECRET])))
    }

    #[test]
    fn nothing_is_taken_while_it_is_off() {
        let keeping = keeping();
        let body = Bytes::from_static(b"{}");
        assert!(keeping.begin(&body).is_none(), "it is off at the start");
        keeping.keep_for(Duration::from_secs(60));
        let capture = keeping.begin(&body).expect("it is on");
        keeping.keep_for(Duration::ZERO);
        assert!(keeping.begin(&body).is_none(), "it is off again");
        assert!(capture.end().is_none(), "and what was under way is not kept");
    }

    #[test]
    fn nobody_turns_it_on_for_ever() {
        let keeping = keeping();
        keeping.keep_for(Duration::MAX);
        assert!(keeping.until().is_some_and(|until| until <= SystemTime::now() + LONGEST));
    }

    #[tokio::test]
    async fn it_ends_by_itself() {
        let (keeping, stop) = (keeping(), CancellationToken::new());
        let running = tokio::spawn(keeping.clone().run(stop.clone()));
        keeping.keep_for(Duration::from_millis(50));
        let mut changed = keeping.follow();
        changed.wait_for(Option::is_none).await.expect("it is still there");
        assert_eq!(keeping.until(), None);
        stop.cancel();
        running.await.unwrap();
    }

    #[test]
    fn what_is_kept_is_bounded_and_has_no_keys() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            let keeping = keeping();
            keeping.keep_for(Duration::from_secs(60));
            let mut capture = keeping.begin(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
            for piece in body.as_bytes().chunks(1000) {
                capture.said(piece);
            }
            let bodies = capture.end().unwrap();
            assert_eq!((bodies.asked_bytes, bodies.said_bytes), (body.len() as i64, body.len() as i64));
            let (asked, said) = bodies.clean();
            assert_eq!(String::from_utf8(asked).unwrap(), expected);
            assert_eq!(String::from_utf8(said).unwrap(), expected);
        }
        let own = format!("pm-{}", "k".repeat(43));
        let long = "x".repeat(MOST);
        let before = "x".repeat(MOST - 10);
        check("", "");
        check("hello", "hello");
        check(&format!("a {SECRET} b"), "a [redacted] b");
        check(&format!("a {own} b"), "a [redacted] b");
        check("pm-short and a plain pm- stay", "pm-short and a plain pm- stay");
        check(&format!("{long}{long}"), &long);
        // A key on the border leaves none of its characters behind.
        check(&format!("{before}{SECRET}{long}"), &format!("{before}[redacted]"));
        check(&format!("{before}{own}{long}"), &format!("{before}[redacted]"));
        // Nor is a character cut in two.
        check(&format!("{}ä{long}", "x".repeat(MOST - 1)), &"x".repeat(MOST - 1));
    }

    #[test]
    fn what_waits_is_bounded() {
        let keeping = keeping();
        keeping.keep_for(Duration::from_secs(60));
        let body = Bytes::from(vec![b'x'; MOST]);
        let kept: Vec<_> = (0..1000).filter_map(|_| keeping.begin(&body).and_then(|capture| capture.end())).collect();
        assert_eq!(kept.len(), MOST_WAITING / MOST, "a thread that does not come after fills no memory");
        drop(kept);
        assert!(keeping.begin(&body).and_then(|capture| capture.end()).is_some(), "what was written makes room");
    }
}
