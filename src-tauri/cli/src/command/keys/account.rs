//! What an account at a provider says of itself: from the arguments, from the environment where the user says so, and
//! else by asking.

use std::collections::BTreeMap;

use pointsman_gateway::provider::hosted::{ProviderSetting, ProviderSpec};

use crate::failure::Failure;
use crate::world::World;

/// The settings of an account; nothing stands where nothing was said and nothing must be.
pub(super) fn settings(
    world: &World,
    row: &ProviderSpec,
    said: &[String],
    from_env: bool,
    again: bool,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut settings = BTreeMap::new();
    for pair in said {
        let pair = pair.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
        let (name, value) = pair.ok_or_else(|| Failure::Usage("a setting is said as --set NAME=VALUE".to_owned()))?;
        settings.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    for known in &row.settings {
        if settings.contains_key(&known.name) {
            continue;
        }
        let found = known.variables.iter().find_map(|name| Some((name, world.environment.get(name)?)));
        let value = match found {
            Some((_, value)) if from_env => Some(value.to_owned()),
            // What was said before stays.
            _ if again => None,
            _ if known.required && world.terminal.asks => Some(asked(world, known, found)?),
            Some((variable, _)) if known.required => {
                return Err(missing(row, known, &format!("; --from-env would take it from ${variable}")));
            }
            None if known.required => return Err(missing(row, known, "")),
            Some(_) | None => None,
        };
        settings.extend(value.filter(|value| !value.is_empty()).map(|value| (known.name.clone(), value)));
    }
    Ok(settings)
}

/// Asks for one; an empty line takes what the environment has.
fn asked(world: &World, known: &ProviderSetting, found: Option<(&String, &str)>) -> Result<String, Failure> {
    let offer = found.map(|(_, value)| format!(" [{value}]")).unwrap_or_default();
    let typed = world.terminal.ask(&format!("{} ({}){offer}: ", known.name, known.help))?;
    Ok(match (typed.trim(), found) {
        ("", Some((_, value))) => value.to_owned(),
        (typed, _) => typed.to_owned(),
    })
}

fn missing(row: &ProviderSpec, known: &ProviderSetting, way_out: &str) -> Failure {
    let ProviderSetting { name, help, .. } = known;
    Failure::Usage(format!("{} needs --set {name}=...: {help}{way_out}", row.name))
}
