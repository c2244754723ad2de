// Settings, providers and tools as the gateway's own tables have them, in part.

import type { ProviderView, Setting, ToolView } from "../bindings.ts";

export const settings = (): Setting[] => [
  { key: "port", help: "The one port for every tool, on 127.0.0.1 and [::1].", kind: { kind: "number", least: 1, most: 65535 }, value: 4747, default: 4747, restart: true },
  { key: "bind", help: "Addresses to listen on. Anything but a loopback address needs `require_key = \"always\"`.", kind: { kind: "list" }, value: ["127.0.0.1", "::1"], default: ["127.0.0.1", "::1"], restart: true },
  { key: "require_key", help: "Who needs a client key: \"hosted\" = only requests that leave this machine, \"always\" = all.", kind: { kind: "choice", options: ["hosted", "always"] }, value: "hosted", default: "hosted", restart: false },
  { key: "local_only", help: "Nothing leaves this machine while this is true, whatever a route says.", kind: { kind: "switch" }, value: false, default: false, restart: false },
  { key: "allowed_origins", help: "Web pages that may call, as exact origins. None by default.", kind: { kind: "list" }, value: [], default: [], restart: false },
  { key: "log.level", help: "Prompts and answers are never logged.", kind: { kind: "choice", options: ["error", "warn", "info", "debug", "trace"] }, value: "info", default: "info", restart: false },
  { key: "discovery.enabled", help: "Whether runtimes on this machine are looked for.", kind: { kind: "switch" }, value: true, default: true, restart: false },
  { key: "discovery.ignore", help: "Rows of the runtime table that are not looked for.", kind: { kind: "list" }, value: ["gpt4all"], default: [], restart: false },
  { key: "discovery.processes", help: "Whether the process list is read for runtimes on other ports.", kind: { kind: "switch" }, value: true, default: true, restart: false },
  { key: "builtin.enabled", help: "Pointsman's own llama.cpp, for models that lie on disk. \"auto\" = only where no other runtime is found.", kind: { kind: "choice", options: ["auto", "on", "off"] }, value: "auto", default: "auto", restart: false },
  { key: "builtin.server", help: "The llama-server to run; empty = look for one on the PATH and in Pointsman's own folder.", kind: { kind: "text" }, value: "", default: "", restart: false },
  { key: "ollama_port.enabled", help: "A second port for tools that can be told no other address than Ollama's. Local models only.", kind: { kind: "switch" }, value: false, default: false, restart: false },
  { key: "usage.retention_days", help: "Requests are counted (never their text) and kept for so many days; 0 = nothing is kept.", kind: { kind: "number", least: 0, most: 3650 }, value: 30, default: 90, restart: false },
  { key: "responses.store", help: "Whether answers of the Responses API are kept with the question. false = nothing is kept, and what was is deleted at once.", kind: { kind: "switch" }, value: true, default: true, restart: false },
];

const row = (id: string, name: string, variable: string, of: Partial<ProviderView> = {}): ProviderView => ({
  id, name, base_url: `https://api.${id}.example`, base_url_like: null, speaks: ["OpenAI chat completions"], variables: [variable],
  key_page: `https://${id}.example/keys`,
  found: null, needs_key: true, settings: [], endpoints: [], ...of,
});

export const providers = (): ProviderView[] => [
  row("openai", "OpenAI", "OPENAI_API_KEY", { base_url: "https://api.openai.com", speaks: ["OpenAI chat completions", "OpenAI Responses"], found: "OPENAI_API_KEY" }),
  row("anthropic", "Anthropic", "ANTHROPIC_API_KEY", { base_url: "https://api.anthropic.com", speaks: ["Anthropic Messages"] }),
  row("gemini", "Google Gemini", "GEMINI_API_KEY", { base_url: "https://generativelanguage.googleapis.com", speaks: ["Gemini"], variables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"] }),
  row("cerebras", "Cerebras", "CEREBRAS_API_KEY"),
  row("cohere", "Cohere", "COHERE_API_KEY"),
  row("deepseek", "DeepSeek", "DEEPSEEK_API_KEY", { speaks: ["OpenAI chat completions", "Anthropic Messages"] }),
  row("groq", "Groq", "GROQ_API_KEY"),
  row("huggingface", "Hugging Face", "HF_TOKEN"),
  row("mistral", "Mistral", "MISTRAL_API_KEY"),
  row("openrouter", "OpenRouter", "OPENROUTER_API_KEY", { base_url: "https://openrouter.ai/api" }),
  row("together", "Together AI", "TOGETHER_API_KEY"),
  row("xai", "xAI", "XAI_API_KEY"),
  row("vertexai", "Google Vertex AI", "GOOGLE_APPLICATION_CREDENTIALS", {
    base_url: "https://{location}-aiplatform.googleapis.com", speaks: ["Gemini"], needs_key: false,
    settings: [
      { name: "project", help: "the Google Cloud project that is asked and that pays", default: null, required: true, found: "my-project" },
      { name: "location", help: "the region, or `global`, `eu` or `us`", default: "global", required: false, found: null },
    ],
  }),
  row("azureopenai", "Azure OpenAI", "AZURE_OPENAI_API_KEY", { base_url: null, base_url_like: "https://NAME.openai.azure.com" }),
];

const soon = Date.now() - 180_000;

export const tools = (route: string, key: string): ToolView[] => [
  {
    id: "claude-code", name: "Claude Code", speaks: "Anthropic Messages", seen_ms: soon,
    note: "An env block in settings.json changes every session. To try it in one shell only, export the same names there.",
    steps: [
      { place: "~/.claude/settings.json", text: `{\n  "env": {\n    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4747",\n    "ANTHROPIC_AUTH_TOKEN": "${key}",\n    "ANTHROPIC_MODEL": "${route}"\n  }\n}` },
    ],
  },
  {
    id: "codex", name: "Codex CLI", speaks: "OpenAI Responses", seen_ms: null, note: "",
    steps: [
      { place: "~/.codex/config.toml", text: `model = "${route}"\nmodel_provider = "pointsman"\n\n[model_providers.pointsman]\nname = "Pointsman"\nbase_url = "http://127.0.0.1:4747/v1"\nwire_api = "responses"\nenv_key = "POINTSMAN_KEY"` },
      { place: "Shell", text: `export POINTSMAN_KEY=${key}\ncodex` },
    ],
  },
  { id: "aider", name: "aider", speaks: "OpenAI chat completions", seen_ms: soon - 7_200_000, note: "", steps: [{ place: "Shell", text: `export OPENAI_API_BASE=http://127.0.0.1:4747/v1 OPENAI_API_KEY=${key}\naider --model openai/${route}` }] },
  { id: "zed", name: "Zed", speaks: "Ollama's native API", seen_ms: null, note: "", steps: [{ place: "~/.config/zed/settings.json", text: `{ "language_models": { "ollama": { "api_url": "http://127.0.0.1:4747" } } }` }] },
  { id: "openai-sdk", name: "OpenAI SDK", speaks: "OpenAI chat completions", seen_ms: null, note: "", steps: [{ place: "Shell", text: `export OPENAI_BASE_URL=http://127.0.0.1:4747/v1\nexport OPENAI_API_KEY=${key}` }] },
  { id: "cursor", name: "Cursor", speaks: "OpenAI chat completions", seen_ms: null, steps: [], note: "Cursor asks its own servers, which cannot reach this machine. It cannot be pointed here." },
];
