// The states in which the window is looked at and tested.

import type { Conversation, Pull, Request, Snapshot, UsageDay } from "../bindings.ts";
import { conversations, requests, usage } from "./history.ts";
import { anthropic, builtin, cluster, endpoint, few, GIB, llamacpp, many, ollama, openrouter } from "./models.ts";

export interface World {
  snapshot: Snapshot;
  requests: Request[];
  usage: UsageDay[];
  conversations: Conversation[];
  /** Whether the gateway is there at all. */
  gone: boolean;
}

const bare = (): Snapshot => ({
  version: "0.1.0",
  instance: "fake",
  process: 4242,
  addresses: ["127.0.0.1:4747", "[::1]:4747"],
  ollama_port: { addresses: [], problem: null },
  revision: 1,
  settled: true,
  open_streams: 0,
  local_only: false,
  paused: false,
  key_always: false,
  settings_problem: null,
  settings_warnings: [],
  settings_file: "/home/ada/.config/pointsman/settings.toml",
  keychain_problem: null,
  endpoints: [],
  models: [],
  routes: [{ name: "default", targets: [], context: null, answers: [], problem: "nothing that can chat is running" }],
  client_keys: [],
  installed: [],
  refused: [],
  machine: { memory_total: 16 * GIB, memory_available: 7.4 * GIB, gpus: [] },
  pulls: [],
  first_model: null,
  bodies_until_ms: null,
  usage_dropped: 0,
});

const counted = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  endpoints: snapshot.endpoints.map((one) => ({
    ...one,
    models: snapshot.models.filter((model) => model.endpoint === one.id).length,
  })),
});

const nothing = { requests: [], usage: [], conversations: [], gone: false };

const first_model = { name: "SmolLM2-135M-Instruct", bytes: 98_362_432, licence: "Apache-2.0", about: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct" };

/** The first start, where nothing runs at all. */
export const alone = (): World => ({ ...nothing, snapshot: { ...bare(), first_model } });

/** Set up, but nothing runs and nothing was ever asked. */
export const empty = (): World => ({
  ...nothing,
  snapshot: { ...bare(), first_model, client_keys: [{ name: "editor", created: "2026-11-20", last_used_ms: null }] },
});

/** The first start, with a runtime running and another installed. */
export const first = (): World => ({
  ...nothing,
  snapshot: counted({
    ...bare(),
    endpoints: [ollama],
    models: few().filter((model) => model.endpoint === ollama.id).map((model) => ({ ...model, state: model.local ? "cold" as const : model.state })),
    routes: [{ name: "default", targets: [], context: null, answers: ["ollama@11434/gemma3:12b"], problem: null }],
    installed: [{ runtime: "lmstudio", name: "LM Studio", path: "/opt/lmstudio", start: ["lms", "server", "start"] }],
  }),
});

export const normal = (): World => {
  const now = Date.now();
  const pulling: Pull = {
    endpoint: ollama.id,
    name: "qwen3-coder:30b",
    state: { state: "running", says: "pulling 1194192cf2a1", done: 7_600_000_000, total: 18_600_000_000 },
  };
  return {
    gone: false,
    snapshot: counted({
      ...bare(),
      revision: 41,
      open_streams: 2,
      endpoints: [ollama, llamacpp, builtin, anthropic, cluster].map((one) => (one.id === "cluster" ? { ...one, state: "needs_key" as const, credential: null } : one)),
      models: few(),
      pulls: [pulling],
      routes: [
        { name: "default", targets: [], context: null, answers: ["ollama@11434/qwen3:8b", "llamacpp@8080/Qwen2.5-Coder-7B-Instruct-Q5_K_M.gguf"], problem: null },
        { name: "code", targets: ["anthropic/claude-sonnet-5", "llamacpp/qwen2.5-coder", "ollama/qwen3:8b"], context: 32_768, answers: ["anthropic/claude-sonnet-5", "llamacpp@8080/Qwen2.5-Coder-7B-Instruct-Q5_K_M.gguf", "ollama@11434/qwen3:8b"], problem: null },
        { name: "fast", targets: ["builtin/SmolLM2-135M-Instruct"], context: null, answers: ["builtin/SmolLM2-135M-Instruct"], problem: null },
      ],
      client_keys: [
        { name: "claude-code", created: "2026-11-02", last_used_ms: now - 180_000 },
        { name: "editor", created: "2026-11-10", last_used_ms: now - 86_400_000 * 2 },
        { name: "aider", created: "2026-11-21", last_used_ms: null },
      ],
      installed: [{ runtime: "lmstudio", name: "LM Studio", path: "/opt/lmstudio", start: ["lms", "server", "start"] }],
      refused: [
        { place: "127.0.0.1:1234", looked_like: "LM Studio", reason: "It answers like LM Studio but lists no models: load one there." },
        { place: "/home/ada/models/broken.gguf", looked_like: null, reason: "The file ends in the middle of its header." },
      ],
      machine: { memory_total: 16 * GIB, memory_available: 7.4 * GIB, gpus: [{ name: "NVIDIA GeForce RTX 4060 Laptop GPU", memory_total: 8 * GIB, memory_free: 3.1 * GIB }] },
    }),
    requests: requests(240, now),
    usage: usage(90, new Date()),
    conversations: conversations(now),
  };
};

/** Two thousand models of everybody's. */
export const full = (): World => {
  const world = normal();
  const routes = Array.from({ length: 12 }, (_, index) => ({
    name: `project-${index + 1}`,
    targets: ["ollama/qwen3:8b", "anthropic/claude-haiku-5"],
    context: null,
    answers: ["ollama@11434/qwen3:8b", "anthropic/claude-haiku-5"],
    problem: null,
  }));
  return {
    ...world,
    requests: requests(2000, Date.now()),
    snapshot: counted({
      ...world.snapshot,
      endpoints: [...world.snapshot.endpoints, openrouter],
      models: [...few(), ...many(2000 - few().length)],
      routes: [...world.snapshot.routes, ...routes],
    }),
  };
};

/** What can be wrong at once. */
export const broken = (): World => {
  const world = normal();
  const lost = "connection refused: nothing listens at 127.0.0.1:8080 any more";
  return {
    ...world,
    snapshot: counted({
      ...world.snapshot,
      settings_problem: "line 14: `require_key` is \"sometimes\", which is neither \"hosted\" nor \"always\"; the last good settings are in force",
      settings_warnings: ["line 20: `discovery.portz` means nothing"],
      keychain_problem: "the keychain is locked and nobody unlocked it within 5 s; keys stored in it cannot be read",
      ollama_port: { addresses: [], problem: "port 11434 is taken by ollama (process 2210); set another in ollama_port.port" },
      endpoints: [
        { ...ollama, cooling_seconds: 12, notes: ["did not answer twice in a row"] },
        endpoint({ id: "workstation", name: "workstation", origin: "settings", base_url: "http://127.0.0.1:8080", state: "unreachable", notes: [lost] }),
        { ...anthropic, state: "needs_key" },
      ],
      models: few().filter((model) => model.endpoint === ollama.id),
      routes: [
        { name: "default", targets: [], context: null, answers: ["ollama@11434/qwen3:8b"], problem: null },
        { name: "code", targets: ["workstation/qwen2.5-coder", "anthropic/claude-sonnet-5"], context: null, answers: [], problem: "`workstation` does not answer, and `anthropic` wants a key" },
      ],
      pulls: [{ endpoint: ollama.id, name: "qwen3-coder:30b", state: { state: "failed", message: "no space left on device" } }],
      usage_dropped: 3,
    }),
  };
};

export const gone = (): World => ({ ...normal(), gone: true });

export const scenarios: Record<string, () => World> = { empty, alone, "first-run": first, normal, full, broken, gone };
