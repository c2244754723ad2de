//! Changes the settings file as a careful person would: what is asked for, and not a byte besides.
//!
//! Comments, order and line ends stay, the file's mode and a symbolic link too. What would no longer be good settings is
//! not written. Each function waits for the disk, so call it where waiting is allowed.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::check::{NAME, is_name};
use super::read::{Problem, read};
use super::{ClientKey, ConfiguredEndpoint};
use crate::replace::{self, Fault, lines};
use crate::secrets::CredentialRef;

/// Why the settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] Fault),
    /// The file has a mistake already.
    #[error("the settings file has a mistake, mend it first: {0}")]
    Broken(Problem),
    /// With the change it would have one.
    #[error("the settings were left as they are: {0}")]
    Refused(Problem),
    /// A name that cannot be one.
    #[error("`{}` cannot be used: {NAME}", .0.escape_debug())]
    BadName(String),
    /// A tool of that name has a key already.
    #[error("`{0}` has a client key already; remove it first with `pointsman keys remove {0}`")]
    KeyExists(String),
    /// Another endpoint bears the name.
    #[error("an endpoint `{0}` is in the settings already, at another place; choose another name with `--name`")]
    EndpointExists(String),
    /// No endpoint of that name is in the settings.
    #[error("no endpoint `{0}` is in the settings; add it under `[[endpoints]]` first")]
    NoSuchEndpoint(String),
}

/// Makes a route or replaces its targets and context.
pub fn set_route(path: &Path, name: &str, targets: &[String], context: Option<u32>) -> Result<(), EditError> {
    named(name)?;
    change(path, |document| {
        let routes = document.entry("routes").or_insert_with(|| {
            // `[routes]` itself says nothing: only `[routes.NAME]` is written.
            let mut routes = Table::new();
            routes.set_implicit(true);
            Item::Table(routes)
        });
        let in_line = routes.is_inline_table();
        let Some(routes) = routes.as_table_like_mut() else {
            return Ok(false);
        };
        if !routes.contains_key(name) {
            let route = if in_line { Item::Value(InlineTable::new().into()) } else { Item::Table(Table::new()) };
            routes.insert(name, route);
        }
        let Some(route) = routes.get_mut(name).and_then(Item::as_table_like_mut) else {
            return Ok(false);
        };
        set(route, "targets", targets.iter().collect::<Array>().into());
        match context {
            Some(context) => set(route, "context", i64::from(context).into()),
            None => drop(route.remove("context")),
        }
        Ok(true)
    })?;
    Ok(())
}

/// Removes a route. Whether there was one is returned.
pub fn remove_route(path: &Path, name: &str) -> Result<bool, EditError> {
    change(path, |document| {
        let routes = document.get_mut("routes").and_then(Item::as_table_like_mut);
        Ok(routes.is_some_and(|routes| routes.remove(name).is_some()))
    })
}

/// Turns local-only mode on or off.
pub fn set_local_only(path: &Path, on: bool) -> Result<(), EditError> {
    change(path, |document| {
        set(document.as_table_mut(), "local_only", on.into());
        Ok(true)
    })?;
    Ok(())
}

/// Adds a tool's client key.
pub fn add_client_key(path: &Path, key: &ClientKey) -> Result<(), EditError> {
    named(&key.name)?;
    change(path, |document| {
        if entry(document, "client_keys", &key.name).is_some() {
            return Err(EditError::KeyExists(key.name.clone()));
        }
        let mut table = Table::new();
        set(&mut table, "name", key.name.as_str().into());
        set(&mut table, "hash", key.hash.as_str().into());
        if let Some(created) = &key.created {
            set(&mut table, "created", created.as_str().into());
        }
        append(document, "client_keys", table);
        Ok(true)
    })?;
    Ok(())
}

/// Revokes a tool's client key. Whether there was one is returned.
pub fn remove_client_key(path: &Path, name: &str) -> Result<bool, EditError> {
    change(path, |document| Ok(remove(document, "client_keys", name)))
}

/// An endpoint at a hosted provider, as it is written down.
#[derive(Debug, Clone)]
pub struct ProviderEntry {
    /// Its name.
    pub name: String,
    /// The provider's row.
    pub provider: String,
    /// Its address, where it is not the provider's usual one.
    pub base_url: Option<String>,
    /// Whether the address may be in a private network.
    pub allow_private: bool,
    /// What the account says of itself.
    pub settings: BTreeMap<String, String>,
    /// Where its key is kept; none where it needs none.
    pub key: Option<CredentialRef>,
}

/// Adds an endpoint at a hosted provider, or gives the one of that name another key.
pub fn set_provider(path: &Path, new: &ProviderEntry) -> Result<(), EditError> {
    named(&new.name)?;
    change(path, |document| {
        let mut table = Table::new();
        let written: &mut dyn TableLike = match entry(document, "endpoints", &new.name) {
            Some(endpoint) => {
                if endpoint.get("provider").and_then(Item::as_str) != Some(&new.provider) {
                    return Err(EditError::EndpointExists(new.name.clone()));
                }
                endpoint
            }
            None => {
                set(&mut table, "name", new.name.as_str().into());
                set(&mut table, "provider", new.provider.as_str().into());
                &mut table
            }
        };
        if let Some(url) = &new.base_url {
            set(written, "base_url", url.as_str().into());
        }
        if new.allow_private {
            set(written, "allow_private", true.into());
        }
        if !new.settings.is_empty() {
            set(written, "settings", new.settings.iter().collect::<InlineTable>().into());
        }
        match &new.key {
            Some(key) => set(written, "key", key.to_string().into()),
            None => drop(written.remove("key")),
        }
        if !table.is_empty() {
            append(document, "endpoints", table);
        }
        Ok(true)
    })?;
    Ok(())
}

/// Adds an endpoint by hand.
pub fn add_endpoint(path: &Path, new: &ConfiguredEndpoint) -> Result<(), EditError> {
    named(&new.name)?;
    change(path, |document| {
        if entry(document, "endpoints", &new.name).is_some() {
            return Err(EditError::EndpointExists(new.name.clone()));
        }
        let mut table = Table::new();
        set(&mut table, "name", new.name.as_str().into());
        set(&mut table, "base_url", new.base_url.as_str().trim_end_matches('/').into());
        match &new.protocol[..] {
            [] => {}
            [one] => set(&mut table, "protocol", one.id().into()),
            many => set(&mut table, "protocol", many.iter().map(|protocol| protocol.id()).collect::<Array>().into()),
        }
        if let Some(key) = &new.key {
            set(&mut table, "key", key.to_string().into());
        }
        if !new.models.is_empty() {
            set(&mut table, "models", new.models.iter().collect::<Array>().into());
        }
        if new.allow_private {
            set(&mut table, "allow_private", true.into());
        }
        append(document, "endpoints", table);
        Ok(true)
    })?;
    Ok(())
}

/// Removes an endpoint. Whether there was one is returned.
pub fn remove_endpoint(path: &Path, name: &str) -> Result<bool, EditError> {
    change(path, |document| Ok(remove(document, "endpoints", name)))
}

/// Sets the value at a place (`local_only`, `log.level`), or takes it out so that the default holds.
pub fn set_value(path: &Path, key: &str, value: Option<&Value>) -> Result<bool, EditError> {
    change(path, |document| {
        let (table, name) = match key.split_once('.') {
            None => (document.as_table_mut() as &mut dyn TableLike, key),
            Some((table, _)) if value.is_none() && !document.contains_key(table) => return Ok(false),
            Some((table, name)) => {
                let table = document.entry(table).or_insert_with(|| Item::Table(Table::new()));
                // Anything else is no table, which the file's own check has told before.
                let Some(table) = table.as_table_like_mut() else { return Ok(false) };
                (table, name)
            }
        };
        match value {
            Some(value) => set(table, name, value.clone()),
            None => return Ok(table.remove(name).is_some()),
        }
        Ok(true)
    })
}

/// Writes down where an endpoint's credential is kept.
pub fn set_endpoint_key(path: &Path, name: &str, reference: &CredentialRef) -> Result<(), EditError> {
    change(path, |document| {
        let Some(endpoint) = entry(document, "endpoints", name) else {
            return Err(EditError::NoSuchEndpoint(name.to_owned()));
        };
        set(endpoint, "key", reference.to_string().into());
        Ok(true)
    })?;
    Ok(())
}

/// Writes down where a further credential of an endpoint is kept.
pub fn add_spare_key(path: &Path, name: &str, reference: &CredentialRef) -> Result<(), EditError> {
    change(path, |document| {
        let Some(endpoint) = entry(document, "endpoints", name) else {
            return Err(EditError::NoSuchEndpoint(name.to_owned()));
        };
        let mut spares = endpoint.get("spare_keys").and_then(Item::as_array).cloned().unwrap_or_default();
        spares.push(reference.to_string());
        set(endpoint, "spare_keys", spares.into());
        Ok(true)
    })?;
    Ok(())
}

/// Forgets where an endpoint's credentials are kept. Whether it had one is returned.
pub fn unset_endpoint_key(path: &Path, name: &str) -> Result<bool, EditError> {
    change(path, |document| {
        let Some(endpoint) = entry(document, "endpoints", name) else { return Ok(false) };
        let spares = endpoint.remove("spare_keys").is_some();
        Ok(endpoint.remove("key").is_some() || spares)
    })
}

/// Edits the file, unless `edit` says that there is nothing to do or the result would be no good settings.
fn change(path: &Path, mut edit: impl FnMut(&mut DocumentMut) -> Result<bool, EditError>) -> Result<bool, EditError> {
    replace::edit(path, |old| {
        let old = old.unwrap_or_default();
        let (mark, text) = old.strip_prefix('\u{feff}').map_or(("", old), |text| ("\u{feff}", text));
        read(text).map_err(EditError::Broken)?;
        let plain = text.replace("\r\n", "\n");
        let mut document: DocumentMut =
            plain.parse().map_err(|error: toml_edit::TomlError| EditError::Broken(syntax(&error)))?;
        let only_comments = document.is_empty();
        if only_comments {
            document = DocumentMut::new();
        }
        if !edit(&mut document)? {
            return Ok(None);
        }
        // Comments alone hang on nothing; what comes after them is written after them.
        let new = if only_comments {
            lines::append(text, &document.to_string())
        } else {
            lines::keep(text, &document.to_string())
        };
        read(&new).map_err(EditError::Refused)?;
        Ok(Some(format!("{mark}{new}")))
    })
}

fn syntax(error: &toml_edit::TomlError) -> Problem {
    Problem { message: error.message().to_owned(), line: None, column: None }
}

fn named(name: &str) -> Result<(), EditError> {
    if is_name(name) { Ok(()) } else { Err(EditError::BadName(name.to_owned())) }
}

/// Sets a value, and leaves the spaces and the comment around the old one.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => drop(table.insert(key, Item::Value(value))),
    }
}

/// Adds an entry to a list of tables, in the form in which the list is written.
fn append(document: &mut DocumentMut, list: &str, table: Table) {
    match document.get_mut(list) {
        Some(Item::Value(Value::Array(entries))) => entries.push(table.into_inline_table()),
        Some(Item::ArrayOfTables(entries)) => entries.push(table),
        // Anything else is no list, and checking the result tells so.
        Some(_) => {}
        None => {
            document.insert(list, Item::ArrayOfTables(ArrayOfTables::from_iter([table])));
        }
    }
}

/// Takes the entry of a name out of a list of tables. Whether there was one is returned.
fn remove(document: &mut DocumentMut, list: &str, name: &str) -> bool {
    let (removed, empty) = match document.get_mut(list) {
        Some(Item::Value(Value::Array(entries))) => {
            let before = entries.len();
            entries.retain(|entry| !entry.as_inline_table().is_some_and(|entry| bears(entry, name)));
            (entries.len() < before, false)
        }
        Some(Item::ArrayOfTables(entries)) => {
            let before = entries.len();
            entries.retain(|entry| !bears(entry, name));
            (entries.len() < before, entries.is_empty())
        }
        _ => (false, false),
    };
    if empty {
        document.remove(list);
    }
    removed
}

/// Whether an entry has this name. An endpoint at a provider may leave its name out, which is then the provider's.
fn bears(entry: &dyn TableLike, name: &str) -> bool {
    entry.get("name").or_else(|| entry.get("provider")).and_then(Item::as_str) == Some(name)
}

/// The entry of a name in a list of tables, in whichever of TOML's two ways the list is written.
fn entry<'d>(document: &'d mut DocumentMut, list: &str, name: &str) -> Option<&'d mut dyn TableLike> {
    match document.get_mut(list)? {
        Item::ArrayOfTables(tables) => {
            tables.iter_mut().find(|table| bears(*table, name)).map(|table| table as &mut dyn TableLike)
        }
        Item::Value(Value::Array(array)) => array
            .iter_mut()
            .filter_map(Value::as_inline_table_mut)
            .find(|table| bears(*table, name))
            .map(|table| table as &mut dyn TableLike),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
