//! What a person tells a runtime to do, passed on.

use super::Handle;
use crate::control::Reply;
use crate::settings::{BuiltInMode, edit};
use crate::upkeep::BUILT_IN;

impl Handle {
    pub(super) async fn load_model(&self, endpoint: &str, model: &str) -> Result<Reply, String> {
        self.0.upkeep.load(endpoint, model).await.map(|()| Reply::Done)
    }

    pub(super) async fn unload_model(&self, endpoint: &str, model: &str) -> Result<Reply, String> {
        self.0.upkeep.unload(endpoint, model).await.map(|()| Reply::Done)
    }

    pub(super) async fn pull_model(&self, endpoint: &str, name: &str) -> Result<Reply, String> {
        self.0.upkeep.pull(endpoint, name).await.map(|()| Reply::Done)
    }

    /// One that is turned off is of no use to whoever has a model fetched for it.
    pub(super) async fn fetch_first(&self) -> Result<Reply, String> {
        self.0.upkeep.fetch_first()?;
        if self.0.settings.borrow().builtin.enabled == BuiltInMode::Off {
            return self.edit(|file| edit::set_value(file, "builtin.enabled", Some(&"auto".into()))).await;
        }
        Ok(Reply::Done)
    }

    pub(super) fn cancel_pull(&self, endpoint: &str, name: &str) -> Result<Reply, String> {
        self.0.upkeep.cancel_pull(endpoint, name).map(|()| Reply::Done)
    }

    /// Ours has no server that stands: it is turned on, and starts with the first request. Why it has nothing to offer, if
    /// so, stands among what is refused.
    pub(super) async fn start_runtime(&self, runtime: &str) -> Result<Reply, String> {
        if runtime == BUILT_IN {
            return self.edit(|file| edit::set_value(file, "builtin.enabled", Some(&"on".into()))).await;
        }
        self.0.upkeep.start(runtime).map(|()| Reply::Done)
    }
}
