// Models and endpoints that look like real ones.

import type { EndpointView, Model } from "../bindings.ts";

export const GIB = 1024 ** 3;

export const endpoint = (of: Partial<EndpointView> & { id: string; name: string }): EndpointView => ({
  runtime: null,
  origin: "discovered",
  base_url: "http://127.0.0.1:8080",
  speaks: ["openai"],
  local: true,
  state: "ready",
  cooling_seconds: null,
  version: null,
  process: null,
  credential: null,
  spare_keys: 0,
  models: 0,
  actions: { load: false, unload: false, pull: false },
  notes: [],
  ...of,
});

export const ollama = endpoint({
  id: "ollama@11434",
  name: "Ollama",
  runtime: "ollama",
  base_url: "http://127.0.0.1:11434",
  speaks: ["ollama", "openai", "anthropic"],
  version: "0.33.1",
  process: 2210,
  actions: { load: true, unload: true, pull: true },
});
export const llamacpp = endpoint({
  id: "llamacpp@8080",
  name: "llama.cpp",
  runtime: "llamacpp",
  version: "b11434",
  process: 3184,
  speaks: ["openai", "anthropic", "openai-responses"],
  notes: ["listens on all interfaces: others in your network can use it without a key"],
});
export const builtin = endpoint({
  id: "builtin",
  name: "Built in",
  runtime: "builtin",
  origin: "builtin",
  base_url: "starts on demand",
  actions: { load: true, unload: true, pull: false },
});
export const anthropic = endpoint({
  id: "anthropic",
  name: "Anthropic",
  provider: "anthropic",
  origin: "settings",
  base_url: "https://api.anthropic.com",
  speaks: ["anthropic"],
  local: false,
  credential: "keychain:anthropic",
  spare_keys: 1,
});
export const openrouter = endpoint({
  id: "openrouter",
  name: "OpenRouter",
  provider: "openrouter",
  origin: "settings",
  base_url: "https://openrouter.ai/api",
  speaks: ["openai", "anthropic"],
  local: false,
  credential: "keychain:openrouter",
});
export const cluster = endpoint({
  id: "cluster",
  name: "cluster",
  runtime: "vllm",
  origin: "settings",
  base_url: "http://vllm.lab.example:8000",
  local: false,
  version: "0.32.0",
  credential: "env:CLUSTER_KEY",
});

export const local = (id: string, at: EndpointView, of: Partial<Model>): Model => ({
  id,
  endpoint: at.id,
  context: {},
  capabilities: { chat: true, embeddings: false, rerank: false },
  state: "cold",
  format: "gguf",
  local: true,
  ...of,
});

export const hosted = (id: string, at: EndpointView, of: Partial<Model>): Model => ({
  id,
  endpoint: at.id,
  context: { effective: 200_000 },
  capabilities: { chat: true, tools: true, vision: true, reasoning: true, embeddings: false, rerank: false },
  state: "hosted",
  local: false,
  ...of,
});

export const few = (): Model[] => [
  local("qwen3:8b", ollama, {
    size: 5_200_000_000,
    parameters: "8.2B",
    quantisation: "Q4_K_M",
    family: "qwen3",
    context: { trained: 40_960, effective: 8192 },
    capabilities: { chat: true, tools: true, reasoning: true, embeddings: false, rerank: false },
    state: "loaded",
    loaded_ms: Date.now() - 4 * 60_000,
    memory: 6_100_000_000,
    gpu_memory: 4_700_000_000,
    digest: "500a1f067a9f782620b40bee6f7b0c89e17ae61f686b92c24933e4ca4b2b8b41",
    created: 1_790_000_000,
  }),
  local("llama3.3:70b", ollama, {
    size: 43_000_000_000,
    parameters: "70.6B",
    quantisation: "Q4_K_M",
    family: "llama",
    context: { trained: 131_072 },
    capabilities: { chat: true, tools: true, embeddings: false, rerank: false },
  }),
  local("gemma3:12b", ollama, {
    size: 8_100_000_000,
    parameters: "12.2B",
    quantisation: "Q4_K_M",
    family: "gemma3",
    context: { trained: 131_072, effective: 8192 },
    capabilities: { chat: true, vision: true, embeddings: false, rerank: false },
  }),
  local("nomic-embed-text:latest", ollama, {
    size: 274_000_000,
    parameters: "137M",
    quantisation: "F16",
    family: "nomic-bert",
    context: { trained: 2048, effective: 2048 },
    capabilities: { chat: false, embeddings: true, rerank: false },
  }),
  local("gpt-oss:120b-cloud", ollama, {
    parameters: "117B",
    context: { trained: 131_072, effective: 131_072 },
    capabilities: { chat: true, tools: true, reasoning: true, embeddings: false, rerank: false },
    local: false,
    state: "hosted",
    format: undefined,
  }),
  local("Qwen2.5-Coder-7B-Instruct-Q5_K_M.gguf", llamacpp, {
    aliases: ["qwen2.5-coder"],
    size: 5_440_000_000,
    parameters: "7.6B",
    quantisation: "Q5_K_M",
    family: "qwen2",
    context: { trained: 32_768, effective: 32_768 },
    capabilities: { chat: true, tools: true, embeddings: false, rerank: false },
    state: "loaded",
    memory: 3_300_000_000,
  }),
  local("SmolLM2-135M-Instruct", builtin, {
    size: 98_362_432,
    parameters: "135M",
    quantisation: "Q4_1",
    family: "llama",
    context: { trained: 8192, effective: 8192 },
    capabilities: { chat: true, tools: false, embeddings: false, rerank: false },
  }),
  hosted("claude-opus-5", anthropic, {
    terms: { name: "Claude Opus 5", max_output: 64_000, input_price: 5, output_price: 25, cached_price: 0.5, caching: true },
  }),
  hosted("claude-sonnet-5", anthropic, {
    terms: { name: "Claude Sonnet 5", max_output: 64_000, input_price: 3, output_price: 15, cached_price: 0.3, caching: true },
  }),
  hosted("claude-haiku-5", anthropic, {
    terms: { name: "Claude Haiku 5", max_output: 32_000, input_price: 1, output_price: 5, cached_price: 0.1, caching: true },
  }),
  hosted("claude-sonnet-4", anthropic, {
    terms: { input_price: 3, output_price: 15, cached_price: 0.3, caching: true, retires: "2027-01-31" },
  }),
];

const families = ["qwen3", "llama3.3", "gemma3", "mistral-small", "phi4", "deepseek-r1", "granite4", "command-r", "glm-4.6", "kimi-k2"];
const vendors = ["anthropic", "openai", "google", "meta-llama", "mistralai", "qwen", "deepseek", "x-ai", "cohere", "nousresearch"];
const sizes = ["0.6b", "1.7b", "4b", "8b", "14b", "32b", "70b"];
const quantisations = ["Q4_K_M", "Q5_K_M", "Q8_0", "F16"];

const pick = <T>(from: T[], index: number): T => {
  const found = from[index % from.length];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
};

/** As many models as somebody with every provider has. */
export const many = (number: number): Model[] => {
  const here = Math.floor(number / 10);
  return Array.from({ length: number }, (_, index) => {
    const family = pick(families, index);
    if (index < here) {
      const step = Math.floor(index / families.length);
      const size = pick(sizes, step);
      const quantisation = pick(quantisations, Math.floor(step / sizes.length));
      return local(`${family}:${size}-${quantisation.toLowerCase()}-${index}`, ollama, {
        size: (index % 40) * 1_300_000_000 + 600_000_000,
        parameters: size.toUpperCase(),
        quantisation,
        family,
        context: { trained: 131_072, effective: index % 3 === 0 ? 8192 : 32_768 },
        capabilities: { chat: true, tools: index % 2 === 0, vision: index % 5 === 0, embeddings: false, rerank: false },
      });
    }
    return hosted(`${pick(vendors, index)}/${family}-${pick(sizes, index >> 3)}-preview-${index}`, openrouter, {
      context: { effective: 131_072 },
      capabilities: { chat: true, tools: index % 2 === 0, vision: index % 3 === 0, reasoning: index % 4 === 0, embeddings: false, rerank: false },
      terms: { input_price: (index % 30) / 10, output_price: (index % 30) / 2, caching: index % 2 === 0 },
    });
  });
};
