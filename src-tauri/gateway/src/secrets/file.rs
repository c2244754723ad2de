//! The credentials file, for machines where no keychain runs: names and values, readable by its owner only.
//!
//! Values stand in it as they are. A file that others can read is not used: what is in it is no secret any more.

use std::path::Path;

use toml_edit::DocumentMut;

use super::{Secret, SecretError};
use crate::replace::{self, lines};

const HEAD: &str =
    "# Credentials, kept here because no keychain runs. Nobody but you may read this file (mode 0600).\n";

/// An entry; `None` where there is none.
pub(super) fn get(path: &Path, name: &str) -> Result<Option<Secret>, SecretError> {
    check_mode(path)?;
    let Some(text) = replace::text(path)? else {
        return Ok(None);
    };
    let document = parse(path, &text)?;
    let value = document.get(name).and_then(toml_edit::Item::as_str);
    value.map(|value| Secret::checked(value.to_owned())).transpose()
}

/// Makes or replaces an entry, and the file if need be.
pub(super) fn set(path: &Path, name: &str, secret: &Secret) -> Result<(), SecretError> {
    change(path, |document| {
        document[name] = toml_edit::value(secret.expose());
    })
}

/// Removes an entry, if there is one.
pub(super) fn delete(path: &Path, name: &str) -> Result<(), SecretError> {
    if !path.exists() {
        return Ok(());
    }
    change(path, |document| {
        document.remove(name);
    })
}

fn change(path: &Path, mut change: impl FnMut(&mut DocumentMut)) -> Result<(), SecretError> {
    check_mode(path)?;
    replace::edit(path, |old| {
        let old = old.unwrap_or(HEAD);
        let mut document = parse(path, old)?;
        if document.is_empty() {
            document = DocumentMut::new();
            change(&mut document);
            return Ok::<_, SecretError>(Some(lines::append(old, &document.to_string())));
        }
        change(&mut document);
        Ok(Some(lines::keep(old, &document.to_string())))
    })?;
    Ok(())
}

/// The parser's own message shows the line, and on it the credential.
fn parse(path: &Path, text: &str) -> Result<DocumentMut, SecretError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1);
        SecretError::NotReadable { path: path.to_path_buf(), line }
    })
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;

    // A file that is not there exposes nothing; one that cannot be asked is told by whoever opens it.
    let Ok(metadata) = std::fs::metadata(path) else {
        return Ok(());
    };
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        return Err(SecretError::Exposed(path.to_path_buf()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), SecretError> {
    Ok(())
}
