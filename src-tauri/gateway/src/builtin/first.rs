//! The model that can be fetched where the built-in runtime has none: a row of `first_models.toml`, and whether it is here.
//!
//! Data and a look at the disk; who fetches it is `upkeep`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::environment::{Environment, Folders};
use crate::settings::BuiltIn;

/// The table as it is compiled in.
const TABLE: &str = include_str!("../../first_models.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    models: Vec<Arc<FirstModel>>,
}

/// A row of `first_models.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstModel {
    /// What a person reads.
    pub name: String,
    /// The file's name on this disk.
    pub file: String,
    /// Where it is fetched from.
    pub url: String,
    /// A page that tells of it.
    pub about: String,
    /// How large it is.
    pub bytes: u64,
    /// What its bytes must come to, in hexadecimal digits.
    pub sha256: String,
    /// Under which licence it may be used.
    pub licence: String,
}

impl FirstModel {
    /// The one that is offered.
    pub fn offered() -> Result<Arc<FirstModel>, toml::de::Error> {
        let missing = || serde::de::Error::custom("the table has no row");
        toml::from_str::<Table>(TABLE)?.models.into_iter().next().ok_or_else(missing)
    }

    /// Whether its file lies where the built-in runtime looks for its own.
    pub fn is_here(&self, settings: &BuiltIn, environment: &Environment, folders: &Folders) -> bool {
        own_folders(settings, environment, folders).any(|folder| folder.join(&self.file).is_file())
    }
}

/// Where what is fetched is put.
pub fn folder(folders: &Folders) -> PathBuf {
    folders.data.join("models")
}

/// The folders whose files are the built-in runtime's before any other's.
pub(super) fn own_folders(
    settings: &BuiltIn,
    environment: &Environment,
    folders: &Folders,
) -> impl Iterator<Item = PathBuf> {
    let given = environment.get("POINTSMAN_MODELS_DIR").map(PathBuf::from);
    let own = settings.folders.iter().cloned().chain(given).chain([folder(folders)]);
    own.filter(|folder| Path::has_root(folder)).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_fit_to_be_fetched() {
        let row = FirstModel::offered().unwrap();
        assert!(row.url.starts_with("https://huggingface.co/") && row.url.ends_with(&row.file), "{row:?}");
        assert!(!row.url.contains("/main/"), "a revision, not a branch: what is fetched must not change");
        assert!(row.file.ends_with(".gguf") && !row.file.contains(['/', '\\']), "{row:?}");
        assert!(row.sha256.len() == 64 && row.sha256.bytes().all(|it| it.is_ascii_hexdigit()), "{row:?}");
        assert!(row.bytes > 1_000_000 && !row.licence.is_empty() && row.about.starts_with("https://"), "{row:?}");
    }
}
