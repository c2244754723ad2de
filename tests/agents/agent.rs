//! How each agent is pointed at the gateway, run without a terminal, and made to read and edit by its own tools.
//!
//! Nothing here is special to a test: it is what a user writes, and a permission to edit without asking.

use std::path::Path;

use serde_json::{Value, json};

use super::plot::Step;
use super::{AFTER, BEFORE, FILE};

/// An agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    ClaudeCode,
    Codex,
    GeminiCli,
    Opencode,
    Continue,
    Aider,
}

impl Agent {
    /// Its program in the folder of agents.
    pub(super) fn program(self) -> &'static str {
        match self {
            Agent::ClaudeCode => "claude/node_modules/.bin/claude",
            Agent::Codex => "codex/node_modules/.bin/codex",
            Agent::GeminiCli => "gemini/node_modules/.bin/gemini",
            Agent::Opencode => "opencode/node_modules/.bin/opencode",
            Agent::Continue => "cn/node_modules/.bin/cn",
            Agent::Aider => "aider/bin/aider",
        }
    }

    /// The surface on which it asks.
    pub(super) fn surface(self) -> &'static str {
        match self {
            Agent::ClaudeCode => "anthropic",
            Agent::Codex => "openai-responses",
            Agent::GeminiCli => "gemini",
            Agent::Opencode | Agent::Continue | Agent::Aider => "openai",
        }
    }

    /// The files in its home that tell it where to ask.
    pub(super) fn files(self, base: &str, model: &str) -> Vec<(&'static str, String)> {
        match self {
            Agent::ClaudeCode | Agent::Aider => Vec::new(),
            Agent::Codex => vec![(
                ".codex/config.toml",
                format!(
                    "model = \"{model}\"\nmodel_provider = \"pointsman\"\n\n[model_providers.pointsman]\n\
                     name = \"Pointsman\"\nbase_url = \"{base}/v1\"\nwire_api = \"responses\"\n"
                ),
            )],
            Agent::GeminiCli => vec![(
                ".gemini/settings.json",
                json!({"security": {"auth": {"selectedType": "gemini-api-key"}}}).to_string(),
            )],
            Agent::Opencode => {
                let name = format!("pointsman/{model}");
                let models = json!({model: {"limit": {"context": 65536, "output": 1024}}});
                let options = json!({"baseURL": format!("{base}/v1"), "apiKey": "none"});
                let provider = json!({"npm": "@ai-sdk/openai-compatible", "name": "Pointsman", "options": options,
                    "models": models});
                let settings = json!({"model": name, "small_model": name, "autoupdate": false,
                    "provider": {"pointsman": provider}});
                vec![(".config/opencode/opencode.json", settings.to_string())]
            }
            Agent::Continue => vec![(
                "continue.yaml",
                format!(
                    "name: here\nversion: 0.0.1\nschema: v1\nmodels:\n  - name: here\n    provider: openai\n    \
                     model: {model}\n    apiBase: {base}/v1\n    apiKey: none\n    roles: [chat]\n    \
                     capabilities: [tool_use]\n"
                ),
            )],
        }
    }

    /// The variables that tell it where to ask.
    pub(super) fn variables(self, base: &str, model: &str) -> Vec<(&'static str, String)> {
        let row = |name, value: &str| (name, value.to_owned());
        match self {
            Agent::ClaudeCode => vec![
                row("ANTHROPIC_BASE_URL", base),
                row("ANTHROPIC_AUTH_TOKEN", "none"),
                row("ANTHROPIC_MODEL", model),
                row("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ],
            Agent::GeminiCli => vec![row("GOOGLE_GEMINI_BASE_URL", base), row("GEMINI_API_KEY", "none")],
            Agent::Opencode => vec![row("OPENCODE_DISABLE_MODELS_FETCH", "1")],
            Agent::Aider => vec![row("OPENAI_API_BASE", &format!("{base}/v1")), row("OPENAI_API_KEY", "none")],
            Agent::Codex | Agent::Continue => Vec::new(),
        }
    }

    /// What follows its name, for one task.
    pub(super) fn arguments(self, home: &Path, model: &str, task: &str) -> Vec<String> {
        let settings = home.join("continue.yaml").display().to_string();
        let named = format!("openai/{model}");
        let words: &[&str] = match self {
            Agent::ClaudeCode => &["-p", task, "--permission-mode", "acceptEdits"],
            Agent::Codex => &["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", task],
            Agent::GeminiCli => &["-m", model, "--skip-trust", "--yolo", "-p", task],
            Agent::Opencode => &["run", task],
            Agent::Continue => &["--config", &settings, "--auto", "-p", task],
            Agent::Aider => &[
                "--model",
                &named,
                "--edit-format",
                "diff",
                "--no-git",
                "--yes-always",
                "--analytics-disable",
                "--no-check-update",
                "--no-show-model-warnings",
                "--message",
                task,
                FILE,
            ],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// What the scripted upstream has it do, by its own tools.
    pub(super) fn plot(self, file: &Path) -> Vec<Step> {
        let file = file.display().to_string();
        let (old, new) = (BEFORE.trim_end(), AFTER.trim_end());
        let call = |tool, arguments: Value| Step::Call(tool, arguments);
        match self {
            Agent::ClaudeCode => vec![
                call("Read", json!({"file_path": file})),
                call("Edit", json!({"file_path": file, "old_string": old, "new_string": new})),
            ],
            Agent::Codex => {
                let patch = format!(
                    "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: {FILE}\n@@\n-{old}\n+{new}\n\
                     *** End Patch\nEOF\n"
                );
                vec![
                    call("exec_command", json!({"cmd": format!("cat {FILE}")})),
                    call("exec_command", json!({"cmd": patch})),
                ]
            }
            Agent::GeminiCli => vec![
                call("read_file", json!({"file_path": file})),
                call(
                    "replace",
                    json!({"file_path": file, "instruction": "Set the switch to the right.", "old_string": old,
                        "new_string": new}),
                ),
            ],
            Agent::Opencode => vec![
                call("read", json!({"filePath": file})),
                call("edit", json!({"filePath": file, "oldString": old, "newString": new})),
            ],
            Agent::Continue => vec![
                call("Read", json!({"filepath": file})),
                call("Edit", json!({"file_path": file, "old_string": old, "new_string": new})),
            ],
            // It has no tools: it shows the file with the question, and reads edits out of the answer.
            Agent::Aider => {
                vec![Step::Say(format!("{FILE}\n```\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"))]
            }
        }
    }
}
