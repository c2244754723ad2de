//! Names of tools: those in a namespace get one flat name for models that know no namespaces, and back.
//!
//! The flat name follows from the two alone, so that it is the same in every turn and a prompt cache holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::completion::{CompletionRequest, ToolKind};
use crate::protocol::codec::ids;

/// The longest name that every vendor takes.
const LONGEST: usize = 64;

/// The flat name of a namespace's tool.
pub(super) fn flat(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        return name.to_owned();
    };
    let whole = format!("{namespace}__{name}");
    if whole.len() <= LONGEST {
        return whole;
    }
    let mut short: String = whole.chars().take(LONGEST - 9).collect();
    while short.len() > LONGEST - 9 {
        short.pop();
    }
    format!("{short}_{}", &ids::digest(&whole)[..8])
}

/// What the client's tools are called there.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Flat name to namespace and name.
    namespaced: BTreeMap<String, (String, String)>,
    /// Tools of free text, by flat name.
    custom: BTreeSet<String>,
}

impl Names {
    /// The names in a request.
    pub(super) fn of(request: &CompletionRequest) -> Names {
        let mut namespaced = BTreeMap::new();
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let tools = request.echo.get("tools").and_then(Value::as_array);
        for group in tools.into_iter().flatten() {
            let (Some(namespace), Some(tools)) = (text(group, "name"), group.get("tools").and_then(Value::as_array))
            else {
                continue;
            };
            for name in tools.iter().filter_map(|tool| text(tool, "name")) {
                namespaced.insert(flat(Some(&namespace), &name), (namespace.clone(), name));
            }
        }
        let custom = request.tools.iter().filter(|tool| tool.kind == ToolKind::Custom);
        Names { namespaced, custom: custom.map(|tool| tool.name.clone()).collect() }
    }

    /// Whether a tool is one of free text, whatever kind of call came.
    pub(super) fn is_custom(&self, name: &str, kind: ToolKind) -> bool {
        kind == ToolKind::Custom || self.custom.contains(name)
    }

    /// A flat name as the client wrote it: namespace and name.
    pub(super) fn own<'a>(&'a self, name: &'a str) -> (Option<&'a str>, &'a str) {
        match self.namespaced.get(name) {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names() {
        assert_eq!(flat(None, "f"), "f");
        assert_eq!(flat(Some("mcp_files"), "read"), "mcp_files__read");
        let long = flat(Some(&"n".repeat(60)), "read");
        assert_eq!(long.len(), LONGEST);
        assert_ne!(long, flat(Some(&"n".repeat(60)), "write"));
        assert!(flat(Some(&"é".repeat(60)), "read").len() <= LONGEST);
    }
}
