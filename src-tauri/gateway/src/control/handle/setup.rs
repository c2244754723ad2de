//! What a window sets up: settings one by one, hosted providers, endpoints by hand.
//!
//! Every change goes into the settings file, as everywhere. What may stand there is `settings`' decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Handle;
use crate::control::{ProviderSettingView, ProviderView, Reply, SecretText, Setting, SettingKind};
use crate::discovery::configured;
use crate::protocol::Protocol;
use crate::provider::hosted::{KeyNeed, ProviderSetting, ProviderSpec};
use crate::secrets::{CredentialRef, Secret, Stored};
use crate::settings::prices::Prices;
use crate::settings::shown::{Kind, SHOWN, Shown, help};
use crate::settings::{self, ConfiguredEndpoint, Settings, edit};

/// An endpoint as a person typed it in.
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) base_url: String,
    pub(super) protocol: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) allow_private: bool,
    pub(super) secret: Option<SecretText>,
}

/// An account at a hosted provider as a person typed it in.
pub(super) struct Hosted {
    pub(super) name: String,
    pub(super) provider: String,
    pub(super) base_url: Option<String>,
    pub(super) allow_private: bool,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) secret: Option<SecretText>,
    /// The environment variable in which its key is.
    pub(super) variable: Option<String>,
}

impl Handle {
    pub(super) fn settings(&self) -> Result<Reply, String> {
        let (help, defaults) = (help(), Settings::default());
        let now = Arc::clone(&self.0.loaded.borrow().settings);
        let settings = SHOWN.iter().map(|shown| Setting {
            key: shown.key.to_owned(),
            help: help.get(shown.key).cloned().unwrap_or_default(),
            kind: kind(shown.kind),
            value: shown.value(&now),
            default: shown.value(&defaults),
            restart: shown.restart,
        });
        Ok(Reply::Settings { settings: settings.collect() })
    }

    pub(super) async fn set_setting(&self, key: &str, value: &serde_json::Value) -> Result<Reply, String> {
        let file = self.0.settings_file.display();
        let shown =
            Shown::find(key).ok_or_else(|| format!("`{}` is set in {file}, or is no setting", key.escape_debug()))?;
        let value = if value.is_null() { None } else { Some(shown.written(value)?) };
        self.edit(move |file| edit::set_value(file, shown.key, value.as_ref())).await
    }

    pub(super) fn providers(&self) -> Result<Reply, String> {
        // Whoever looks here is about to keep a key.
        self.0.keychain_check.notify_one();
        let rows = ProviderSpec::table().map_err(|error| format!("the table of providers is broken: {error}"))?;
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        let set = |name: &&String| self.0.environment.get(name).is_some_and(|value| !value.trim().is_empty());
        let setting = |known: &ProviderSetting| ProviderSettingView {
            name: known.name.clone(),
            help: known.help.clone(),
            default: known.default.clone(),
            required: known.required,
            found: known.variables.iter().find_map(|name| self.0.environment.get(name)).map(str::to_owned),
        };
        let view = |row: &Arc<ProviderSpec>| {
            let mut speaks: Vec<String> = row.speaks.iter().map(|spoken| spoken.protocol.title().to_owned()).collect();
            speaks.dedup();
            let here = |known: &&ConfiguredEndpoint| known.provider.as_ref().is_some_and(|at| at.id == row.id);
            ProviderView {
                id: row.id.to_string(),
                name: row.name.clone(),
                base_url: row.base_url.as_ref().map(ToString::to_string),
                base_url_like: row.base_url_like.clone(),
                key_page: row.key_page.clone(),
                speaks,
                variables: row.variables.clone(),
                found: row.variables.iter().find(set).cloned(),
                needs_key: row.key == KeyNeed::Required,
                settings: row.settings.iter().map(setting).collect(),
                endpoints: settings.endpoints.iter().filter(here).map(|known| known.name.clone()).collect(),
            }
        };
        Ok(Reply::Providers { rows: rows.iter().map(view).collect() })
    }

    pub(super) async fn add_provider(&self, typed: Hosted) -> Result<Reply, String> {
        let Hosted { name, provider, base_url, allow_private, settings, secret, variable } = typed;
        let in_force = Arc::clone(&self.0.loaded.borrow().settings);
        let known = in_force.endpoints.iter().find(|known| known.name == name);
        // What is not said again stays.
        let before = known.and_then(|known| known.provider.as_ref()).filter(|account| *account.id == *provider);
        let mut settings = settings;
        for (name, value) in before.iter().flat_map(|account| account.settings()) {
            settings.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let account = settings::account(&provider, settings.clone())?;
        if account.key == KeyNeed::Required && secret.is_none() && variable.is_none() {
            return Err(format!("{} is added with a key, or with the variable in which it stands", account.name));
        }
        let row = account.clone();
        let new = ConfiguredEndpoint::at(account, name.clone(), base_url.as_deref(), allow_private)?;
        if let Some(reason) = configured::refusal(&new) {
            return Err(reason.to_owned());
        }
        let elsewhere = |known: &ConfiguredEndpoint| known.provider.as_ref().is_none_or(|row| *row.id != *provider);
        if known.is_some_and(elsewhere) {
            // Before the key is stored: it would lie under that endpoint's name.
            return Err(edit::EditError::EndpointExists(name).to_string());
        }
        let stored = match (secret, variable) {
            (Some(_), Some(_)) => return Err("a key stands in a variable or is given, not both".to_owned()),
            (Some(secret), None) => {
                let secret = Secret::new(secret.0.trim().to_owned());
                Some(self.0.vault.store(&name, secret).await.map_err(|error| error.to_string())?)
            }
            (None, Some(variable)) => Some(self.read_from(&row, &variable)?),
            (None, None) => None,
        };
        let key = stored.as_ref().map(|stored| stored.reference.clone());
        // The key of an account that has none any more would lie there for ever; a variable is the user's own.
        let old = known.and_then(|known| known.key.clone()).filter(|_| key.is_none());
        let others = in_force.endpoints.iter().filter(|other| other.key == old).count();
        let old = old.filter(|old| others == 1 && !matches!(old, CredentialRef::Environment(_)));
        let entry = edit::ProviderEntry { name, provider, base_url, allow_private, settings, key };
        let written = self.edit(move |file| edit::set_provider(file, &entry)).await;
        if let (Err(_), None, Some(stored)) = (&written, known, &stored)
            && !matches!(stored.reference, CredentialRef::Environment(_))
        {
            // A key that nothing leads to would lie there for ever.
            let _ = self.0.vault.remove(&stored.reference).await;
        }
        written?;
        if let Some(old) = old {
            self.0.vault.remove(&old).await.map_err(|error| format!("its old key {old} is still there: {error}"))?;
        }
        self.0.rescan.notify_one();
        self.0.keychain_check.notify_one();
        Ok(match stored {
            Some(stored) => Reply::Stored { place: stored.reference.to_string(), note: stored.note },
            None => Reply::Done,
        })
    }

    /// A key that stays in the environment. Only a variable of the provider's own row: no other is for its eyes.
    fn read_from(&self, row: &ProviderSpec, variable: &str) -> Result<Stored, String> {
        if !row.variables.iter().any(|known| known == variable) {
            return Err(format!("the key of {} is looked for in {}", row.name, row.variables.join(", ")));
        }
        if self.0.environment.get(variable).is_none_or(|value| value.trim().is_empty()) {
            return Err(format!("{variable} is not set where Pointsman was started"));
        }
        let note = format!(
            "it is read from {variable} and kept nowhere; where Pointsman starts without that variable it has no key"
        );
        Ok(Stored { reference: CredentialRef::Environment(variable.to_owned()), note })
    }

    pub(super) async fn add_endpoint(&self, typed: Typed) -> Result<Reply, String> {
        let Typed { name, base_url, protocol, models, allow_private, secret } = typed;
        let protocol = protocol.iter().map(|id| spoken(id)).collect::<Result<Vec<_>, _>>()?;
        // The address is not repeated: what is wrong with it may be a password.
        let base_url = base_url.trim().parse().map_err(|error| format!("the address cannot be read: {error}"))?;
        let mut new = ConfiguredEndpoint {
            name,
            provider: None,
            base_url,
            protocol,
            key: None,
            spare_keys: Vec::new(),
            models,
            allow_private,
            prices: Prices::default(),
        };
        if let Some(reason) = configured::refusal(&new) {
            return Err(reason.to_owned());
        }
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        if settings.endpoints.iter().any(|known| known.name == new.name) {
            return Err(edit::EditError::EndpointExists(new.name).to_string());
        }
        let stored = match secret {
            Some(secret) => {
                let secret = Secret::new(secret.0.trim().to_owned());
                Some(self.0.vault.store(&new.name, secret).await.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        new.key = stored.as_ref().map(|stored| stored.reference.clone());
        let written = self.edit(move |file| edit::add_endpoint(file, &new)).await;
        if let (Err(_), Some(stored)) = (&written, &stored) {
            // A key that nothing leads to would lie there for ever.
            let _ = self.0.vault.remove(&stored.reference).await;
        }
        written?;
        self.0.rescan.notify_one();
        Ok(match stored {
            Some(stored) => Reply::Stored { place: stored.reference.to_string(), note: stored.note },
            None => Reply::Done,
        })
    }

    pub(super) async fn remove_endpoint(&self, name: String) -> Result<Reply, String> {
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        let known = settings.endpoints.iter().find(|known| known.name == name);
        let keys = known.map(ConfiguredEndpoint::keys).unwrap_or_default();
        let missing = format!("the settings have no endpoint named `{name}`");
        self.edit_existing(missing, move |file| edit::remove_endpoint(file, &name)).await?;
        let settings = Arc::clone(&self.0.loaded.borrow().settings);
        for key in keys {
            let shared = settings.endpoints.iter().any(|other| other.keys().contains(&key));
            // A variable is the user's own.
            if !shared && !matches!(key, CredentialRef::Environment(_)) {
                let removed = self.0.vault.remove(&key).await;
                removed
                    .map_err(|error| format!("the endpoint is removed, but its key {key} is still there: {error}"))?;
            }
        }
        Ok(Reply::Done)
    }
}

fn spoken(id: &str) -> Result<Protocol, String> {
    let known = Protocol::ALL.iter().find(|protocol| protocol.id() == id);
    known.copied().ok_or_else(|| {
        let all: Vec<&str> = Protocol::ALL.iter().map(|protocol| protocol.id()).collect();
        format!("`{}` is no protocol that Pointsman speaks; it speaks {}", id.escape_debug(), all.join(", "))
    })
}

fn kind(kind: Kind) -> SettingKind {
    match kind {
        Kind::Switch => SettingKind::Switch,
        Kind::Number(least, most) => SettingKind::Number { least, most },
        Kind::Choice(options) => SettingKind::Choice { options: options.iter().map(|&word| word.to_owned()).collect() },
        Kind::Text => SettingKind::Text,
        Kind::List => SettingKind::List,
    }
}
