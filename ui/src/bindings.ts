// The shapes that go between the window and the gateway. Written by a test from `src-tauri/gateway/src/control`: change
// them there, then run `POINTSMAN_BLESS=1 cargo test --workspace --lib bindings`.

/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What is left of a provider's limits, as its last answer told.
 */
export type Allowance = {
/**
 * Requests that may still be made.
 */
requests: number | null,
/**
 * Of so many.
 */
requests_limit: number | null,
/**
 * Tokens that may still be used.
 */
tokens: number | null,
/**
 * Of so many.
 */
tokens_limit: number | null, };

/**
 * A target that was tried in vain, as it is told.
 */
export type Attempt = {
/**
 * The endpoint.
 */
endpoint: string,
/**
 * The model at it.
 */
model: string,
/**
 * Whether it is on this machine.
 */
local: boolean,
/**
 * How long it was waited for, in milliseconds.
 */
ms: number,
/**
 * What came of it.
 */
reason: string, };

/**
 * What a model can do. `None` means that the runtime does not tell.
 */
export type Capabilities = {
/**
 * Answers conversations.
 */
chat: boolean,
/**
 * Calls tools.
 */
tools?: boolean,
/**
 * Sees images.
 */
vision?: boolean,
/**
 * Thinks before it answers.
 */
reasoning?: boolean,
/**
 * Hears audio.
 */
audio?: boolean,
/**
 * Makes vectors.
 */
embeddings: boolean,
/**
 * Orders documents.
 */
rerank: boolean, };

/**
 * A client key as a shell shows it.
 */
export type ClientKeyView = {
/**
 * The tool's name.
 */
name: string,
/**
 * The day it was made.
 */
created: string | null,
/**
 * When it was last used, milliseconds since 1970 UTC, where known.
 */
last_used_ms: number | null, };

/**
 * What a shell can ask. One JSON object a line on the socket.
 */
export type Command = { "command": "snapshot" } | { "command": "watch" } | { "command": "set_route",
/**
 * Its name.
 */
name: string,
/**
 * Model names, tried in order.
 */
targets: Array<string>,
/**
 * Context in tokens, where given.
 */
context?: number | null, } | { "command": "remove_route",
/**
 * Its name.
 */
name: string, } | { "command": "set_local_only",
/**
 * Whether nothing may leave the machine.
 */
on: boolean, } | { "command": "add_client_key",
/**
 * The tool's name.
 */
name: string, } | { "command": "remove_client_key",
/**
 * The tool's name.
 */
name: string, } | { "command": "store_credential",
/**
 * The endpoint's name.
 */
endpoint: string,
/**
 * Whether it is a further one, used where the others are over their limit.
 */
spare?: boolean,
/**
 * The credential.
 */
secret: SecretText, } | { "command": "add_provider",
/**
 * The provider's row.
 */
provider: string,
/**
 * The endpoint's name; the provider's id where it is none.
 */
name?: string | null,
/**
 * Its address, where it is not the provider's usual one.
 */
base_url?: string | null,
/**
 * Whether the address may be in a private network.
 */
allow_private?: boolean,
/**
 * What the account says of itself: a region, a project.
 */
settings?: { [key in string]: string },
/**
 * The key; none where the provider needs none that is kept here.
 */
secret?: SecretText | null,
/**
 * One of the provider's environment variables: the key is read from there whenever it is needed, and kept nowhere.
 */
variable?: string | null, } | { "command": "check_key",
/**
 * The endpoint's name.
 */
endpoint: string, } | { "command": "remove_credential",
/**
 * The endpoint's name.
 */
endpoint: string, } | { "command": "add_endpoint",
/**
 * Its name and prefix.
 */
name: string,
/**
 * Its address.
 */
base_url: string,
/**
 * What it speaks, best first, as the settings write it: `openai`, `anthropic`, ...
 */
protocol: Array<string>,
/**
 * Models that it does not list itself.
 */
models?: Array<string>,
/**
 * Whether the address may be in a private network.
 */
allow_private?: boolean,
/**
 * The key.
 */
secret?: SecretText | null, } | { "command": "remove_endpoint",
/**
 * Its name.
 */
name: string, } | { "command": "requests",
/**
 * How many at most.
 */
limit: number,
/**
 * The last id of the page before.
 */
before?: number | null,
/**
 * Which.
 */
filter?: Filter, } | { "command": "usage",
/**
 * How many days, today included.
 */
days: number, } | { "command": "watch_live" } | { "command": "cancel_request",
/**
 * As [`LiveRequest`](super::LiveRequest) tells it.
 */
id: number, } | { "command": "keep_bodies",
/**
 * From now on.
 */
minutes: number, } | { "command": "bodies",
/**
 * The id of its row.
 */
request: number, } | { "command": "delete_bodies" } | { "command": "test_route",
/**
 * Its name, or any name that a tool may ask for.
 */
name: string, } | { "command": "own_key" } | { "command": "set_paused",
/**
 * Whether requests are refused.
 */
on: boolean, } | { "command": "settings" } | { "command": "set_setting",
/**
 * As [`Setting`](super::Setting) tells it: `discovery.enabled`.
 */
key: string,
/**
 * Its new value; null for the default.
 */
value: Json, } | { "command": "providers" } | { "command": "tools",
/**
 * The route or model that the tool is to ask for.
 */
route: string,
/**
 * The key to write into the texts; a placeholder stands there where it is none.
 */
key?: SecretText | null, } | { "command": "load_model",
/**
 * The endpoint's id.
 */
endpoint: string,
/**
 * The model's id there.
 */
model: string, } | { "command": "unload_model",
/**
 * The endpoint's id.
 */
endpoint: string,
/**
 * The model's id there.
 */
model: string, } | { "command": "pull_model",
/**
 * The endpoint's id.
 */
endpoint: string,
/**
 * The name as the runtime knows it.
 */
name: string, } | { "command": "fetch_first_model" } | { "command": "cancel_pull",
/**
 * The endpoint's id.
 */
endpoint: string,
/**
 * The name that was asked for.
 */
name: string, } | { "command": "start_runtime",
/**
 * Its row in `runtimes.toml`.
 */
runtime: string, } | { "command": "conversations",
/**
 * Only those in which all these words stand.
 */
search?: string | null, } | { "command": "conversation",
/**
 * Its id.
 */
id: number, } | { "command": "save_message",
/**
 * The conversation's id.
 */
conversation?: number | null,
/**
 * The message.
 */
message: NewMessage, } | { "command": "rename_conversation",
/**
 * Its id.
 */
id: number,
/**
 * The title.
 */
title: string, } | { "command": "delete_conversation",
/**
 * Its id.
 */
id: number, } | { "command": "rescan" } | { "command": "stop" };

/**
 * Context lengths in tokens.
 */
export type Context = {
/**
 * What the model was trained for.
 */
trained?: number,
/**
 * What the runtime really gives one request now; the one that counts.
 */
effective?: number,
/**
 * What its owner set for it; the runtime gives no other unless a request says so.
 */
configured?: number, };

/**
 * A conversation.
 */
export type Conversation = {
/**
 * Its id.
 */
id: number,
/**
 * Its title.
 */
title: string,
/**
 * Every message of every branch, oldest first.
 */
messages: Array<Message>, };

/**
 * A conversation in the list.
 */
export type ConversationRow = {
/**
 * Its id.
 */
id: number,
/**
 * Its title: the first words, unless the user gave another.
 */
title: string,
/**
 * The last message, milliseconds since 1970 UTC.
 */
updated_ms: number,
/**
 * How many messages.
 */
messages: number,
/**
 * Where a search met, the words around it.
 */
excerpt: string | null, };

/**
 * Whether an endpoint answers.
 */
export type EndpointState = "starting" | "ready" | "needs_key" | "unreachable";

/**
 * An endpoint as a shell shows it.
 */
export type EndpointView = {
/**
 * Its id and prefix.
 */
id: string,
/**
 * What a person reads.
 */
name: string,
/**
 * The runtime's row, where known.
 */
runtime: string | null,
/**
 * The provider's row, where it is a hosted one.
 */
provider?: string,
/**
 * `discovered`, `settings` or `builtin`.
 */
origin: string,
/**
 * Its address, without any credential.
 */
base_url: string,
/**
 * Protocols it speaks, best first.
 */
speaks: Array<string>,
/**
 * Whether requests to it stay on this machine.
 */
local: boolean,
/**
 * Whether it answers.
 */
state: EndpointState,
/**
 * Seconds that it still cools down after failures.
 */
cooling_seconds: number | null,
/**
 * Its version.
 */
version: string | null,
/**
 * The process that listens.
 */
process: number | null,
/**
 * Where its key is kept, if it has one.
 */
credential: string | null,
/**
 * How many keys stand by for when that one is over its limit.
 */
spare_keys: number,
/**
 * What its provider says is left of its limits.
 */
allowance?: Allowance,
/**
 * How many models it offers.
 */
models: number,
/**
 * What it can be told to do with them.
 */
actions: ModelActions,
/**
 * Warnings.
 */
notes: Array<string>, };

/**
 * Which rows to read; an empty filter means all.
 */
export type Filter = {
/**
 * Of this client key.
 */
client?: string | null,
/**
 * Of this tool.
 */
tool?: string | null,
/**
 * From this endpoint.
 */
endpoint?: string | null,
/**
 * Answered by this model, or asked for under this name.
 */
model?: string | null,
/**
 * Only what went wrong.
 */
errors?: boolean, };

/**
 * A model that can be fetched for the built-in runtime.
 */
export type FirstModelView = {
/**
 * Its name, and that of its pull.
 */
name: string,
/**
 * How large it is.
 */
bytes: number,
/**
 * Under which licence it may be used.
 */
licence: string,
/**
 * A page that tells of it.
 */
about: string, };

/**
 * A GPU's memory in bytes.
 */
export type Gpu = {
/**
 * Its name.
 */
name: string,
/**
 * All of it.
 */
memory_total: number,
/**
 * What is free.
 */
memory_free: number, };

/**
 * A runtime that is installed but does not run: what a "start" button needs.
 */
export type Installed = {
/**
 * Its row in `runtimes.toml`.
 */
runtime: string,
/**
 * What a person reads.
 */
name: string,
/**
 * The executable or the app folder.
 */
path: string,
/**
 * The command that starts its server, word by word.
 */
start: Array<string>, };

/**
 * A request that is being answered.
 */
export type LiveRequest = {
/**
 * Good for [`Command::CancelRequest`](super::Command::CancelRequest).
 */
id: number,
/**
 * Arrival, milliseconds since 1970 UTC.
 */
started_ms: number,
/**
 * The client key's name.
 */
client: string | null,
/**
 * What the tool calls itself.
 */
tool: string | null,
/**
 * The protocol that the client speaks.
 */
surface: string,
/**
 * What was asked for.
 */
operation: string,
/**
 * The model name that was asked for.
 */
asked: string,
/**
 * The endpoint that is being asked.
 */
endpoint: string | null,
/**
 * The model at that endpoint.
 */
model: string | null,
/**
 * Whether that endpoint is on this machine.
 */
local: boolean,
/**
 * Whether a stream was asked for.
 */
stream: boolean,
/**
 * How many targets were tried.
 */
attempts: number,
/**
 * Frames of the answer so far: about one token each in a stream.
 */
chunks: number,
/**
 * From arrival to the first byte in milliseconds, once it came.
 */
first_byte_ms: number | null, };

/**
 * The machine's memory in bytes. Zero and none where the system does not tell.
 */
export type Machine = {
/**
 * All of it.
 */
memory_total: number,
/**
 * What programs can still have.
 */
memory_available: number,
/**
 * Each GPU with memory of its own.
 */
gpus: Array<Gpu>, };

/**
 * A kept message.
 */
export type Message = {
/**
 * Its id.
 */
id: number,
/**
 * The message that it follows.
 */
parent: number | null,
/**
 * When it was kept, milliseconds since 1970 UTC.
 */
created_ms: number,
/**
 * `user`, `assistant` or `system`.
 */
role: string,
/**
 * Its text.
 */
text: string,
/**
 * What the model thought before it.
 */
reasoning: string | null,
/**
 * Images as `data:` URLs.
 */
images: Array<string>,
/**
 * Who answered and how fast, as it was given.
 */
facts: Json, };

/**
 * One model on one endpoint.
 */
export type Model = {
/**
 * The name as the endpoint wants to hear it; sent upstream unchanged.
 */
id: string,
/**
 * Other names under which the endpoint answers for the same model.
 */
aliases?: Array<string>,
/**
 * Where it is offered.
 */
endpoint: string,
/**
 * Size of the weights in bytes.
 */
size?: number,
/**
 * Number of parameters as vendors write it: `8.2B`, `26B-A4B`.
 */
parameters?: string,
/**
 * `Q4_K_M`, `4bit`, `F16`.
 */
quantisation?: string,
/**
 * Architecture family: `qwen3`, `llama`.
 */
family?: string,
/**
 * File format: `gguf`, `mlx`, `safetensors`.
 */
format?: string,
/**
 * How many tokens fit.
 */
context: Context,
/**
 * What it can do.
 */
capabilities: Capabilities,
/**
 * Whether it is in memory now.
 */
state: ModelState,
/**
 * The same for whoever is told: milliseconds since 1970 UTC.
 */
loaded_ms?: number,
/**
 * Memory that it holds while loaded, in bytes.
 */
memory?: number,
/**
 * The part of `memory` that is on a GPU, in bytes.
 */
gpu_memory?: number,
/**
 * What the runtime says its content is known by, where it tells: 64 hexadecimal digits.
 */
digest?: string,
/**
 * Whether prompts stay on this machine. False for a hosted model, for an endpoint elsewhere, and for the cloud
 * models that a local runtime lists beside its own (Ollama's `:cloud`).
 */
local: boolean,
/**
 * What it costs and what is promised of it, where it is a provider's.
 */
terms?: Terms,
/**
 * When it was made or fetched, seconds since 1970, where the runtime tells.
 */
created?: number, };

/**
 * What an endpoint can be told to do with its models.
 */
export type ModelActions = {
/**
 * Load one into memory.
 */
load: boolean,
/**
 * Take one out of memory.
 */
unload: boolean,
/**
 * Fetch one by name.
 */
pull: boolean, };

/**
 * Whether a model is in memory.
 */
export type ModelState = "loaded" | "loading" | "cold" | "hosted" | "unknown";

/**
 * A message of a conversation that is to be kept.
 */
export type NewMessage = {
/**
 * The message that it follows; none for a conversation's first. Two that follow the same one are branches.
 */
parent?: number | null,
/**
 * `user`, `assistant` or `system`.
 */
role: string,
/**
 * Its text.
 */
text: string,
/**
 * What the model thought before it.
 */
reasoning?: string | null,
/**
 * Images as `data:` URLs.
 */
images?: Array<string>,
/**
 * Who answered and how fast, as the window shows it: kept as it is.
 */
facts?: Json, };

/**
 * Whether it is open; nothing of either where it is not wanted.
 */
export type OllamaPort = {
/**
 * Addresses that are listened on: `127.0.0.1:11434`.
 */
addresses: Array<string>,
/**
 * Why it is not open although it is wanted, and the way out.
 */
problem: string | null, };

/**
 * How a request ended.
 */
export type Outcome = "complete" | "client_gone" | "upstream_died" | "refused" | "failed" | "cancelled";

/**
 * What an account at a provider says of itself.
 */
export type ProviderSettingView = {
/**
 * Its name: `region`.
 */
name: string,
/**
 * What it is.
 */
help: string,
/**
 * What it is where nothing is said.
 */
default: string | null,
/**
 * Whether it must be said.
 */
required: boolean,
/**
 * What the environment says it is, for a person to agree to. It is no secret.
 */
found: string | null, };

/**
 * A hosted provider that can be added.
 */
export type ProviderView = {
/**
 * Its row.
 */
id: string,
/**
 * What a person reads.
 */
name: string,
/**
 * Its address; none where each customer has one of their own.
 */
base_url: string | null,
/**
 * What a customer's own address looks like.
 */
base_url_like: string | null,
/**
 * What it speaks: `OpenAI chat completions`, ...
 */
speaks: Array<string>,
/**
 * Environment variables in which users keep its key.
 */
variables: Array<string>,
/**
 * The vendor's page on which a person makes one.
 */
key_page: string | null,
/**
 * Which of them is set now, if one is. Its value is not told and not used.
 */
found: string | null,
/**
 * Whether a key of its own must be given.
 */
needs_key: boolean,
/**
 * What each account says of itself.
 */
settings: Array<ProviderSettingView>,
/**
 * The endpoints in the settings that are at it.
 */
endpoints: Array<string>, };

/**
 * A model that is being fetched.
 */
export type Pull = {
/**
 * The endpoint's id.
 */
endpoint: string,
/**
 * The name that was asked for.
 */
name: string,
/**
 * How far it is.
 */
state: PullState, };

/**
 * How far a pull is.
 */
export type PullState = { "state": "running",
/**
 * What the runtime says it does.
 */
says: string,
/**
 * Bytes so far.
 */
done: number,
/**
 * Bytes in all, once known.
 */
total: number | null, } | { "state": "failed",
/**
 * Why.
 */
message: string, };

/**
 * Something that answered but is not used, and why.
 */
export type Refusal = {
/**
 * The address, folder or file.
 */
place: string,
/**
 * What it seemed to be.
 */
looked_like: string | null,
/**
 * Why it is not used, as a sentence.
 */
reason: string, };

/**
 * What a shell gets back. One JSON object a line on the socket.
 */
export type Reply = { "reply": "snapshot" } & Snapshot | { "reply": "done" } | { "reply": "client_key",
/**
 * The key.
 */
key: SecretText, } | { "reply": "stored",
/**
 * Where, as the settings write it: `keychain:NAME` or `file:NAME`.
 */
place: string,
/**
 * What a person should know about that place; empty if nothing.
 */
note: string, } | { "reply": "checked",
/**
 * Whether it is good; none where that was not found out.
 */
good: boolean | null,
/**
 * What was found, in a sentence.
 */
says: string, } | { "reply": "requests",
/**
 * Rows as `usage` keeps them.
 */
rows: Array<Request>, } | { "reply": "bodies" } & Texts | { "reply": "usage",
/**
 * Newest day first.
 */
rows: Array<UsageDay>, } | { "reply": "live",
/**
 * Oldest first.
 */
requests: Array<LiveRequest>, } | { "reply": "tested" } & Tested | { "reply": "settings",
/**
 * In the order of the commented defaults.
 */
settings: Array<Setting>, } | { "reply": "providers",
/**
 * In the table's order.
 */
rows: Array<ProviderView>, } | { "reply": "tools",
/**
 * In the table's order.
 */
rows: Array<ToolView>, } | { "reply": "conversations",
/**
 * Newest first.
 */
rows: Array<ConversationRow>, } | { "reply": "conversation" } & Conversation | { "reply": "saved",
/**
 * Its conversation's id.
 */
conversation: number,
/**
 * Its id.
 */
message: number, } | { "reply": "failed",
/**
 * Why, and the way out.
 */
message: string, };

/**
 * A row of a request as it is told: with its price, worked out when it is asked for.
 */
export type Request = {
/**
 * US dollars as text, where the price is known.
 */
cost_usd?: string,
/**
 * Ascending in the order of the requests' ends; the cursor for the next page.
 */
id: number,
/**
 * Arrival, milliseconds since 1970 UTC.
 */
started_ms: number,
/**
 * The client key's name.
 */
client: string | null,
/**
 * What the tool calls itself.
 */
tool: string | null,
/**
 * The protocol that the client spoke.
 */
surface: string,
/**
 * What was asked for.
 */
operation: string,
/**
 * The model name that was asked for.
 */
asked: string,
/**
 * The endpoint that answered, or that failed last.
 */
endpoint: string | null,
/**
 * The model at that endpoint.
 */
model: string | null,
/**
 * Whether the endpoint is on this machine.
 */
local: boolean,
/**
 * Whether a stream was asked for.
 */
stream: boolean,
/**
 * Tokens of the prompt.
 */
input_tokens: number | null,
/**
 * Tokens of the answer.
 */
output_tokens: number | null,
/**
 * Prompt tokens read from a cache.
 */
cached_tokens: number | null,
/**
 * Answer tokens that were reasoning.
 */
reasoning_tokens: number | null,
/**
 * Searches, pictures or seconds of sound, where the answer told them.
 */
units: number | null,
/**
 * From arrival to the first byte, microseconds.
 */
first_byte_us: number | null,
/**
 * From arrival to the end, microseconds.
 */
total_us: number,
/**
 * The HTTP status that the client got.
 */
status: number,
/**
 * How it ended.
 */
outcome: Outcome,
/**
 * How many targets were tried.
 */
attempts: number,
/**
 * What went wrong.
 */
error: string | null,
/**
 * How many frames went to the client.
 */
chunks: number,
/**
 * What happened before the answer, where there is something to tell.
 */
story: Story | null,
/**
 * Whether what was asked and said was kept.
 */
texts: boolean, };

/**
 * A route as a shell shows it.
 */
export type RouteView = {
/**
 * Its name.
 */
name: string,
/**
 * What the settings say, in order.
 */
targets: Array<string>,
/**
 * Context in tokens, where set.
 */
context: number | null,
/**
 * Who would answer now, `endpoint/model`, in order.
 */
answers: Array<string>,
/**
 * Why nobody would, if so.
 */
problem: string | null, };

/**
 * A credential on its way through the control socket. Never printed.
 */
export type SecretText = string;

/**
 * A setting that a window shows.
 */
export type Setting = {
/**
 * Its place in the settings file: `discovery.enabled`.
 */
key: string,
/**
 * What it does, from the comment in the defaults.
 */
help: string,
/**
 * What it takes.
 */
kind: SettingKind,
/**
 * What is in force.
 */
value: Json,
/**
 * What is in force where nothing is said.
 */
default: Json,
/**
 * Whether it takes effect only after a restart.
 */
restart: boolean, };

/**
 * What a setting takes.
 */
export type SettingKind = { "kind": "switch" } | { "kind": "number",
/**
 * The least.
 */
least: number,
/**
 * The most.
 */
most: number, } | { "kind": "choice",
/**
 * The words.
 */
options: Array<string>, } | { "kind": "text" } | { "kind": "list" };

/**
 * Everything there is to show, at one moment.
 */
export type Snapshot = {
/**
 * Pointsman's version.
 */
version: string,
/**
 * This run's id, the same as in the `x-pointsman-instance` header.
 */
instance: string,
/**
 * The gateway's process.
 */
process: number,
/**
 * Addresses that are listened on: `127.0.0.1:4747`.
 */
addresses: Array<string>,
/**
 * The second port, for tools that know only Ollama's.
 */
ollama_port: OllamaPort,
/**
 * Grows with each change.
 */
revision: number,
/**
 * Whether discovery has looked everywhere once since the start: only then does an empty list mean that nothing runs.
 */
settled: boolean,
/**
 * Answers that are being given now.
 */
open_streams: number,
/**
 * Whether nothing may leave the machine.
 */
local_only: boolean,
/**
 * Whether inference is refused until the user goes on.
 */
paused: boolean,
/**
 * Whether every request needs a client key.
 */
key_always: boolean,
/**
 * What is wrong with the settings file, if anything; the last good ones are in force.
 */
settings_problem: string | null,
/**
 * What is odd about the settings file: keys that mean nothing.
 */
settings_warnings: Array<string>,
/**
 * The settings file.
 */
settings_file: string,
/**
 * Why keys cannot be kept in the system's keychain, if so.
 */
keychain_problem: string | null,
/**
 * Live places.
 */
endpoints: Array<EndpointView>,
/**
 * What they offer.
 */
models: Array<Model>,
/**
 * Routes, `default` first.
 */
routes: Array<RouteView>,
/**
 * Client keys, without the keys.
 */
client_keys: Array<ClientKeyView>,
/**
 * Runtimes that are installed but off.
 */
installed: Array<Installed>,
/**
 * What was seen and is not used, and why.
 */
refused: Array<Refusal>,
/**
 * The machine's memory.
 */
machine: Machine,
/**
 * Models that are being fetched, or could not be.
 */
pulls: Array<Pull>,
/**
 * The model that can be fetched for the built-in runtime, where it is not here.
 */
first_model: FirstModelView | null,
/**
 * Until when the text of requests and answers is kept, milliseconds since 1970 UTC; none while it is not.
 */
bodies_until_ms: number | null,
/**
 * Usage rows that could not be kept.
 */
usage_dropped: number, };

/**
 * Everything that is told beside a request's row.
 */
export type Story = {
/**
 * The targets that were tried in vain, in their order. Whoever answered stands in the row itself.
 */
missed: Array<Attempt>,
/**
 * What the target could not be told, by the client's own field names.
 */
dropped: Array<string>, };

/**
 * The terms on which a provider offers a model.
 */
export type Terms = {
/**
 * What a person reads.
 */
name?: string,
/**
 * Tokens of an answer at most.
 */
max_output?: number,
/**
 * US dollars for a million tokens of prompt.
 */
input_price?: number,
/**
 * US dollars for a million tokens of answer.
 */
output_price?: number,
/**
 * US dollars for a million tokens of prompt that come from the provider's cache.
 */
cached_price?: number,
/**
 * Whether prompts are cached.
 */
caching?: boolean,
/**
 * Whether answers come in a form that the request gives.
 */
structured?: boolean,
/**
 * The day on which it is or was taken away, `2027-01-31`; `someday` where none is named.
 */
retires?: string, };

/**
 * How a route answered a short question.
 */
export type Tested = {
/**
 * Who answered, `endpoint/model`.
 */
target: string | null,
/**
 * Whether it stayed on this machine.
 */
local: boolean,
/**
 * From asking to the first token in milliseconds.
 */
first_token_ms: number | null,
/**
 * Tokens a second after the first.
 */
tokens_per_second: number | null,
/**
 * How many targets were tried.
 */
attempts: number,
/**
 * The beginning of what it said.
 */
text: string,
/**
 * Why nobody answered, and the way out.
 */
problem: string | null, };

/**
 * What was asked and said, as far as it was kept.
 */
export type Texts = {
/**
 * The beginning of what the tool sent.
 */
asked: string,
/**
 * How many bytes it had in all.
 */
asked_bytes: number,
/**
 * The beginning of what the tool got.
 */
said: string,
/**
 * How many bytes it had in all.
 */
said_bytes: number, };

/**
 * One thing to do.
 */
export type ToolStep = {
/**
 * Where the text goes: a file, a shell, a page of the tool's settings.
 */
place: string,
/**
 * What to paste, with port, key and route filled in.
 */
text: string, };

/**
 * How one tool is pointed here.
 */
export type ToolView = {
/**
 * Its row in `tools.toml`.
 */
id: string,
/**
 * What a person reads.
 */
name: string,
/**
 * What it speaks to us.
 */
speaks: string,
/**
 * What to do, in order; empty where it cannot be done.
 */
steps: Array<ToolStep>,
/**
 * What a person should know: limits, or why it cannot be done.
 */
note: string,
/**
 * When a request of it was last seen, milliseconds since 1970 UTC.
 */
seen_ms: number | null, };

/**
 * What one day came to for one model at one endpoint and one client.
 */
export type UsageDay = {
/**
 * The day in the user's own time zone, `2026-07-31`.
 */
day: string,
/**
 * The model that answered; none if nothing did.
 */
model: string | null,
/**
 * The endpoint that answered, or that failed last.
 */
endpoint: string | null,
/**
 * The client key's name.
 */
client: string | null,
/**
 * Whether the endpoint is on this machine.
 */
local: boolean,
/**
 * How many requests.
 */
requests: number,
/**
 * How many of them went wrong.
 */
errors: number,
/**
 * Tokens of the prompts.
 */
input_tokens: number,
/**
 * Tokens of the answers.
 */
output_tokens: number,
/**
 * Prompt tokens read from a cache.
 */
cached_tokens: number,
/**
 * Mean time to the first byte in milliseconds, where there was one.
 */
first_byte_ms: number | null,
/**
 * Mean time to the end in milliseconds.
 */
total_ms: number,
/**
 * What it cost in US dollars, where the price is known.
 */
cost_usd: number | null, };
