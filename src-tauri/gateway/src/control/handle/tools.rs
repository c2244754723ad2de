//! How each known tool is pointed at this gateway, and when it was last seen here.

use super::Handle;
use crate::control::{Reply, SecretText, ToolStep, ToolView};
use crate::tools::{Filling, Form, Tool, fill};
use crate::usage::live::Seen;

impl Handle {
    pub(super) fn tools(&self, route: &str, key: Option<&SecretText>) -> Result<Reply, String> {
        let table = Tool::table().map_err(|error| format!("the table of tools is broken: {error}"))?;
        let port = self.0.addresses.first().map_or(0, std::net::SocketAddr::port);
        let with = Filling { port, key: key.map(|key| key.0.as_str()), route };
        let seen = self.0.shared.live.seen();
        Ok(Reply::Tools { rows: table.into_iter().map(|tool| view(tool, &with, &seen)).collect() })
    }
}

fn view(tool: Tool, with: &Filling<'_>, seen: &Seen) -> ToolView {
    let steps = tool.steps.iter().map(|step| ToolStep { place: step.place.clone(), text: step.filled(with) });
    ToolView {
        steps: steps.collect(),
        note: fill(&tool.note, Form::Words, with),
        seen_ms: last_seen(&tool, seen),
        id: tool.id,
        name: tool.name,
        speaks: tool.speaks,
    }
}

/// By what it calls itself, or by the key that bears its name.
fn last_seen(tool: &Tool, seen: &Seen) -> Option<i64> {
    let is_its = |name: &str| tool.agents.iter().any(|agent| name.starts_with(agent.as_str()));
    let called = seen.tools.iter().filter(|(name, _)| is_its(name)).map(|(_, when)| *when);
    called.chain(seen.clients.get(tool.id.as_str()).copied()).max()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_tool_is_known_by_its_name_and_by_its_key() {
        let names = |rows: &[(&str, i64)]| rows.iter().map(|(name, when)| (Arc::from(*name), *when)).collect();
        let seen = Seen {
            clients: names(&[("codex", 7), ("editor", 50)]),
            tools: names(&[("claude-cli/1.0.83", 3), ("claude-cli/2.1.330", 4), ("curl/8", 90), ("codex_exec/1", 5)]),
        };
        let table = Tool::table().unwrap();
        let check = |id: &str, expected| {
            let tool = table.iter().find(|tool| tool.id == id).unwrap();
            assert_eq!(last_seen(tool, &seen), expected, "{id}");
        };
        check("claude-code", Some(4));
        check("codex", Some(7));
        check("zed", None);
    }
}
