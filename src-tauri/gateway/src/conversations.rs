//! The conversations of the window's own chat, which the user keeps, searches and deletes.
//!
//! Written when a shell says so, and never by the request path: what tools ask is kept nowhere (but see `recall`). One
//! SQLite file that only its owner can read, touched on threads that may wait. What is deleted is overwritten.

/// The tables, and all that is asked of them.
mod database;
/// Words: how text is cut into them, and what a search means.
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use self::database::Database;
use crate::control::{Conversation, ConversationRow, NewMessage};
use crate::private::{self, sqlite};

/// The most bytes of one message, its images included.
pub const LARGEST_MESSAGE: usize = 32 << 20;
/// The most bytes of one conversation: it is shown whole.
pub const LARGEST_CONVERSATION: i64 = 128 << 20;
/// The most conversations in a list; a search finds the older ones.
pub const MOST_ROWS: u32 = 1_000;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such conversation.
    #[error("there is no conversation {0} (any more)")]
    Unknown(i64),
    /// The message that it should follow is not there.
    #[error("there is no message {parent} in conversation {conversation} (any more)")]
    UnknownParent {
        /// The conversation.
        conversation: i64,
        /// The message that is missing.
        parent: i64,
    },
    /// No message of a conversation has this role.
    #[error("`{0}` is no role: a message is of `user`, `assistant` or `system`")]
    Role(String),
    /// It is an image by its address, which is never fetched, or none at all.
    #[error("an image is kept as a `data:` URL, and nothing else is")]
    Image,
    /// The message is too large.
    #[error("the message has {} MB with its images; {} MB are the most", .0.div_ceil(1 << 20), LARGEST_MESSAGE >> 20)]
    MessageTooLarge(usize),
    /// The conversation is too large.
    #[error("the conversation has grown to {} MB, which is the most; go on in a new one", LARGEST_CONVERSATION >> 20)]
    ConversationTooLarge,
    /// The file was damaged.
    #[error("the kept conversations could not be read any more; the file was put aside as {}, and a new one is begun", .0.display())]
    PutAside(PathBuf),
    /// The file cannot be used now.
    #[error("conversations cannot be kept: {0}")]
    Database(#[from] sqlite::Error),
    /// The program is ending.
    #[error("it was given up")]
    GivenUp,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        Error::Database(error.into())
    }
}

/// The kept conversations. Clones share one file.
#[derive(Debug, Clone)]
pub struct Conversations {
    path: PathBuf,
    open: Arc<Mutex<Option<Database>>>,
}

impl Conversations {
    /// Those in this file, which is made when the first message is kept.
    pub fn at(path: PathBuf) -> Conversations {
        Conversations { path, open: Arc::default() }
    }

    /// All of them or those in which all these words stand, newest first.
    pub async fn list(&self, search: Option<String>) -> Result<Vec<ConversationRow>, Error> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        self.with(move |database| match search.filter(|search| !search.trim().is_empty()) {
            None => database.list(),
            Some(search) => database.search(&search),
        })
        .await
    }

    /// One with all its messages.
    pub async fn one(&self, id: i64) -> Result<Conversation, Error> {
        self.existing(id)?;
        self.with(move |database| database.one(id)).await
    }

    /// Keeps a message, in a new conversation where none is named. Says the ids of both.
    pub async fn save(&self, conversation: Option<i64>, message: NewMessage) -> Result<(i64, i64), Error> {
        if !matches!(&*message.role, "user" | "assistant" | "system") {
            return Err(Error::Role(message.role));
        }
        if message.images.iter().any(|image| !image.starts_with("data:image/")) {
            return Err(Error::Image);
        }
        let size = message.size();
        if size > LARGEST_MESSAGE {
            return Err(Error::MessageTooLarge(size));
        }
        self.with(move |database| database.save(conversation, &message, SystemTime::now())).await
    }

    /// Gives one another title.
    pub async fn rename(&self, id: i64, title: String) -> Result<(), Error> {
        self.existing(id)?;
        self.with(move |database| database.rename(id, &title)).await
    }

    /// Deletes one, so that nothing of it is left.
    pub async fn delete(&self, id: i64) -> Result<(), Error> {
        self.existing(id)?;
        self.with(move |database| database.delete(id)).await
    }

    /// Nothing is made only to find nothing in it.
    fn existing(&self, id: i64) -> Result<(), Error> {
        if self.path.exists() { Ok(()) } else { Err(Error::Unknown(id)) }
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.work(work)).await.unwrap_or(Err(Error::GivenUp))
    }

    fn work<T>(&self, work: impl FnOnce(&mut Database) -> Result<T, Error>) -> Result<T, Error> {
        // A fault in the middle left a transaction that was rolled back, and nothing else.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever deletes the file by hand wants it gone, and the open one would go on in it unseen.
        open.take_if(|_| !self.path.exists());
        let worked = match &mut *open {
            Some(database) => work(database),
            None => Database::open(&self.path).map_err(Error::from).and_then(|database| work(open.insert(database))),
        };
        match worked {
            Err(Error::Database(error)) if error.is_corrupt() => {
                *open = None;
                tracing::error!(%error, "the file of conversations is damaged");
                let aside = private::move_aside(&self.path, SystemTime::now())
                    .map_err(|(path, source)| sqlite::Error::File { path, source })?;
                Err(Error::PutAside(aside))
            }
            worked => worked,
        }
    }
}

impl NewMessage {
    /// About as many bytes as it takes in the file.
    fn size(&self) -> usize {
        let reasoning = self.reasoning.as_ref().map_or(0, String::len);
        self.text.len() + reasoning + self.images.iter().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
