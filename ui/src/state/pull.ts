// Has a runtime fetch a model.

import type { EndpointView } from "../bindings.ts";
import { tell } from "../ipc.ts";
import { attempt, overlay } from "./overlay.svelte.ts";

const hints: Record<string, { text: string; like: string }> = {
  ollama: { text: "A name from Ollama's library, or hf.co/… for a GGUF from Hugging Face. Ollama fetches it from the internet.", like: "qwen3:8b" },
  llamacpp: { text: "A GGUF repository on Hugging Face, with its quantisation if you want another than the usual one. llama.cpp fetches it from the internet.", like: "ggml-org/gemma-3-4b-it-GGUF:Q4_K_M" },
  lmstudio: { text: "A name from LM Studio's catalog. LM Studio fetches it from the internet.", like: "qwen/qwen3-8b" },
};

export const pull = async (endpoint: EndpointView): Promise<void> => {
  const hint = hints[endpoint.runtime ?? ""] ?? { text: `${endpoint.name} fetches it from the internet.`, like: "" };
  const name = await overlay.prompt(`Fetch a model with ${endpoint.name}`, hint.text, "Fetch", "Name", "", hint.like);
  if (name === null) return;
  await attempt(`${name} could not be fetched.`, () => tell({ command: "pull_model", endpoint: endpoint.id, name }));
};
