//! The whole program from outside: the real binary, scripted upstreams, real runtimes and real clients.
//!
//! One file a thing, one binary. Nothing sleeps and no port is fixed; `harness` says how. The tests that need a real
//! runtime find it through `POINTSMAN_TEST_PARTS`, which `make test` sets.

#![cfg(unix)]
#![expect(clippy::expect_used, reason = "a test may fail where it stands")]

// What the tests stand on.
mod harness;

// The request path.
/// Tokens of the clouds.
mod authority;
/// Amazon's: Bedrock and SageMaker.
mod aws;
/// Cohere's own API.
mod cohere;
/// Which target answers when the first one fails.
mod fallback;
/// Gemini's clients: the model stands in the path.
mod gemini;
/// Who may ask.
mod keys;
/// Paths of the MLflow AI Gateway.
mod mlflow;
/// Lists of models, in each surface's own shape.
mod models;
/// What a tool may call a model.
mod names;
/// The second port, for tools that know only Ollama's.
mod ollama_port;
/// What is no chat, and what no surface has.
mod operations;
/// Same protocol on both sides: every byte goes through.
mod passthrough;
/// Hosted providers, each as its row says.
mod providers;
/// What the Responses API remembers.
mod responses;
/// Clients that leave, endpoints that die, readers that are slow.
mod streams;
/// What each surface says when it must refuse.
mod surfaces;
/// A client of one protocol and a target of another.
mod translation;

// Around it.
/// What is being answered, as it is watched and given up; and what a window asks of it.
mod activity;
/// What the chat keeps.
mod conversations;
/// How runtimes are found, how soon they come and go, and what is never asked of them.
mod discovery;
/// Settings while it runs.
mod settings;
/// What a window sets up: settings, endpoints, tools.
mod setup;
/// How it stops, and how it fails to start.
mod shutdown;
/// What runtimes are told to do.
mod upkeep;
/// What is kept of each request.
mod usage;

// What must not happen.
/// The attacks that it must survive.
mod security;

// With the real things.
/// Agents that read and edit files, on demand.
mod agents;
/// What hosted providers are sent, beside what their own SDKs send.
mod captures;
/// The `pointsman` command.
mod cli;
/// The makers' own SDKs.
mod clients;
/// The built-in runtime: a model file and nothing else.
mod engine;
mod holdings;
/// A real llama.cpp server.
mod llamacpp;
/// A real Ollama.
mod ollama;
/// What reuses a prompt's beginning.
mod prefix_cache;
/// A real vLLM, on demand.
mod vllm;
