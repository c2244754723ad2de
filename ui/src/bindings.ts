// The shapes that go between the window and the gateway, as `src-tauri/gateway/src/control` writes them.
//
// Shapes only. What is left out of the JSON when it is empty is optional here; what is there and empty is null.

export type Command =
  | { command: "snapshot" }
  | { command: "watch" }
  | { command: "set_route"; name: string; targets: string[]; context?: number | null }
  | { command: "remove_route"; name: string }
  | { command: "set_local_only"; on: boolean }
  | { command: "add_client_key"; name: string }
  | { command: "remove_client_key"; name: string }
  | { command: "store_credential"; endpoint: string; secret: SecretText }
  | {
      command: "add_provider";
      provider: string;
      name?: string | null;
      base_url?: string | null;
      allow_private?: boolean;
      secret: SecretText;
    }
  | { command: "check_key"; endpoint: string }
  | { command: "remove_credential"; endpoint: string }
  | {
      command: "add_endpoint";
      name: string;
      base_url: string;
      protocol: string[];
      models?: string[];
      allow_private?: boolean;
      secret?: SecretText | null;
    }
  | { command: "remove_endpoint"; name: string }
  | { command: "requests"; limit: number; before?: number | null; filter?: Filter }
  | { command: "usage"; days: number }
  | { command: "watch_live" }
  | { command: "cancel_request"; id: number }
  | { command: "test_route"; name: string }
  | { command: "own_key" }
  | { command: "set_paused"; on: boolean }
  | { command: "settings" }
  | { command: "set_setting"; key: string; value: Json }
  | { command: "providers" }
  | { command: "tools"; route: string; key?: SecretText | null }
  | { command: "load_model"; endpoint: string; model: string }
  | { command: "unload_model"; endpoint: string; model: string }
  | { command: "pull_model"; endpoint: string; name: string }
  | { command: "cancel_pull"; endpoint: string; name: string }
  | { command: "start_runtime"; runtime: string }
  | { command: "conversations"; search?: string | null }
  | { command: "conversation"; id: number }
  | { command: "save_message"; conversation?: number | null; message: NewMessage }
  | { command: "rename_conversation"; id: number; title: string }
  | { command: "delete_conversation"; id: number }
  | { command: "rescan" }
  | { command: "stop" };

export type Reply =
  | ({ reply: "snapshot" } & Snapshot)
  | { reply: "done" }
  | { reply: "client_key"; key: SecretText }
  | { reply: "stored"; place: string; note: string }
  | { reply: "checked"; good: boolean | null; says: string }
  | { reply: "requests"; rows: Request[] }
  | { reply: "usage"; rows: UsageDay[] }
  | { reply: "live"; requests: LiveRequest[] }
  | ({ reply: "tested" } & Tested)
  | { reply: "settings"; settings: Setting[] }
  | { reply: "providers"; rows: ProviderView[] }
  | { reply: "tools"; rows: ToolView[] }
  | { reply: "conversations"; rows: ConversationRow[] }
  | ({ reply: "conversation" } & Conversation)
  | { reply: "saved"; conversation: number; message: number }
  | { reply: "failed"; message: string };

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type SecretText = string;

export interface NewMessage {
  parent?: number | null;
  role: string;
  text: string;
  reasoning?: string | null;
  images?: string[];
  facts?: Json;
}

export interface Filter {
  client?: string | null;
  tool?: string | null;
  endpoint?: string | null;
  model?: string | null;
  errors?: boolean;
}

export interface Snapshot {
  version: string;
  instance: string;
  process: number;
  addresses: string[];
  ollama_port: OllamaPort;
  revision: number;
  settled: boolean;
  open_streams: number;
  local_only: boolean;
  paused: boolean;
  key_always: boolean;
  settings_problem: string | null;
  settings_warnings: string[];
  settings_file: string;
  keychain_problem: string | null;
  endpoints: EndpointView[];
  models: Model[];
  routes: RouteView[];
  client_keys: ClientKeyView[];
  installed: Installed[];
  refused: Refusal[];
  machine: Machine;
  pulls: Pull[];
  usage_dropped: number;
}

export interface OllamaPort {
  addresses: string[];
  problem: string | null;
}

export interface EndpointView {
  id: string;
  name: string;
  runtime: string | null;
  provider?: string;
  /** `discovered`, `settings` or `builtin`. */
  origin: string;
  base_url: string;
  speaks: string[];
  local: boolean;
  state: EndpointState;
  cooling_seconds: number | null;
  version: string | null;
  process: number | null;
  credential: string | null;
  models: number;
  actions: ModelActions;
  notes: string[];
}

export type EndpointState = "starting" | "ready" | "needs_key" | "unreachable";

export interface RouteView {
  name: string;
  targets: string[];
  context: number | null;
  answers: string[];
  problem: string | null;
}

export interface ClientKeyView {
  name: string;
  created: string | null;
  last_used_ms: number | null;
}

export interface ModelActions {
  load: boolean;
  unload: boolean;
  pull: boolean;
}

export interface Machine {
  memory_total: number;
  memory_available: number;
  gpus: Gpu[];
}

export interface Gpu {
  name: string;
  memory_total: number;
  memory_free: number;
}

export interface Pull {
  endpoint: string;
  name: string;
  state: PullState;
}

export type PullState =
  | { state: "running"; says: string; done: number; total: number | null }
  | { state: "failed"; message: string };

export interface Installed {
  runtime: string;
  name: string;
  path: string;
  start: string[];
}

export interface Refusal {
  place: string;
  looked_like: string | null;
  reason: string;
}

export interface Model {
  id: string;
  aliases?: string[];
  endpoint: string;
  size?: number;
  parameters?: string;
  quantisation?: string;
  family?: string;
  format?: string;
  context: Context;
  capabilities: Capabilities;
  state: ModelState;
  memory?: number;
  gpu_memory?: number;
  digest?: string;
  local: boolean;
  terms?: Terms;
  created?: number;
}

export interface Context {
  trained?: number;
  effective?: number;
  configured?: number;
}

export interface Capabilities {
  chat: boolean;
  tools?: boolean;
  vision?: boolean;
  reasoning?: boolean;
  audio?: boolean;
  embeddings: boolean;
  rerank: boolean;
}

export type ModelState = "loaded" | "loading" | "cold" | "hosted" | "unknown";

export interface Terms {
  name?: string;
  max_output?: number;
  input_price?: number;
  output_price?: number;
  cached_price?: number;
  caching?: boolean;
  structured?: boolean;
  retires?: string;
}

export interface Request {
  id: number;
  started_ms: number;
  client: string | null;
  tool: string | null;
  surface: string;
  operation: string;
  asked: string;
  endpoint: string | null;
  model: string | null;
  local: boolean;
  stream: boolean;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_tokens: number | null;
  reasoning_tokens: number | null;
  first_byte_us: number | null;
  total_us: number;
  status: number;
  outcome: Outcome;
  attempts: number;
  error: string | null;
  chunks: number;
  /** US dollars, where the price is known. */
  cost_usd?: string;
}

export type Outcome = "complete" | "client_gone" | "upstream_died" | "refused" | "failed";

export interface UsageDay {
  day: string;
  model: string | null;
  endpoint: string | null;
  client: string | null;
  local: boolean;
  requests: number;
  errors: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  first_byte_ms: number | null;
  total_ms: number;
  cost_usd: number | null;
}

export interface LiveRequest {
  id: number;
  started_ms: number;
  client: string | null;
  tool: string | null;
  surface: string;
  operation: string;
  asked: string;
  endpoint: string | null;
  model: string | null;
  local: boolean;
  stream: boolean;
  attempts: number;
  chunks: number;
  first_byte_ms: number | null;
}

export interface Tested {
  target: string | null;
  local: boolean;
  first_token_ms: number | null;
  tokens_per_second: number | null;
  attempts: number;
  text: string;
  problem: string | null;
}

export interface Setting {
  key: string;
  help: string;
  kind: SettingKind;
  value: Json;
  default: Json;
  restart: boolean;
}

export type SettingKind =
  | { kind: "switch" }
  | { kind: "number"; least: number; most: number }
  | { kind: "choice"; options: string[] }
  | { kind: "text" }
  | { kind: "list" };

export interface ProviderView {
  id: string;
  name: string;
  base_url: string | null;
  base_url_like: string | null;
  speaks: string[];
  variables: string[];
  found: string | null;
  endpoints: string[];
}

export interface ToolView {
  id: string;
  name: string;
  speaks: string;
  steps: ToolStep[];
  note: string;
  seen_ms: number | null;
}

export interface ToolStep {
  place: string;
  text: string;
}

export interface ConversationRow {
  id: number;
  title: string;
  updated_ms: number;
  messages: number;
  excerpt: string | null;
}

export interface Conversation {
  id: number;
  title: string;
  messages: Message[];
}

export interface Message {
  id: number;
  parent: number | null;
  created_ms: number;
  role: string;
  text: string;
  reasoning: string | null;
  images: string[];
  facts: Json;
}
