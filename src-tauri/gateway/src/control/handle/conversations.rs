//! Conversations: asked of the file, and told in the shell's shapes.

use super::Handle;
use crate::control::{NewMessage, Reply};

impl Handle {
    pub(super) async fn conversations(&self, search: Option<String>) -> Result<Reply, String> {
        let rows = self.0.conversations.list(search).await.map_err(|error| error.to_string())?;
        Ok(Reply::Conversations { rows })
    }

    pub(super) async fn conversation(&self, id: i64) -> Result<Reply, String> {
        self.0.conversations.one(id).await.map(Reply::Conversation).map_err(|error| error.to_string())
    }

    pub(super) async fn save_message(&self, conversation: Option<i64>, message: NewMessage) -> Result<Reply, String> {
        let (conversation, message) =
            self.0.conversations.save(conversation, message).await.map_err(|error| error.to_string())?;
        Ok(Reply::Saved { conversation, message })
    }

    pub(super) async fn rename_conversation(&self, id: i64, title: String) -> Result<Reply, String> {
        self.0.conversations.rename(id, title).await.map(|()| Reply::Done).map_err(|error| error.to_string())
    }

    pub(super) async fn delete_conversation(&self, id: i64) -> Result<Reply, String> {
        self.0.conversations.delete(id).await.map(|()| Reply::Done).map_err(|error| error.to_string())
    }
}
