// A model in words.

import type { EndpointView, Machine, Model } from "../bindings.ts";
import { fit } from "./fit.ts";
import { contextLength, dollars, size, span } from "./format.ts";

/** What it can do, as badges. Chat goes without saying. */
export const abilities = (model: Model): string[] => {
  const { tools, vision, reasoning, audio, embeddings, rerank } = model.capabilities;
  const all: [string, boolean | undefined][] = [
    ["tools", tools],
    ["vision", vision],
    ["think", reasoning],
    ["audio", audio],
    ["cache", model.terms?.caching],
    ["embeddings", embeddings],
    ["rerank", rerank],
  ];
  return all.filter(([, has]) => has === true).map(([name]) => name);
};

/** `8k of 40k`: what counts, of what it was trained for. */
export const context = (model: Model): string => {
  const { effective, trained } = model.context;
  if (effective === undefined) return trained === undefined ? "" : `– of ${contextLength(trained)}`;
  if (trained === undefined || trained === effective) return contextLength(effective);
  return `${contextLength(effective)} of ${contextLength(trained)}`;
};

/** `$3 / $15 per M`. */
export const price = (model: Model): string => {
  const { input_price, output_price } = model.terms ?? {};
  if (input_price === undefined || output_price === undefined) return "";
  if (input_price === 0 && output_price === 0) return "free";
  return `${dollars(input_price)} / ${dollars(output_price)} per M`;
};

export type Tone = "green" | "amber" | "red" | "quiet";

/** Whether it is in memory, and whether it could be. */
export const state = (model: Model, machine: Machine, now = Date.now()): { says: string; tone: Tone } => {
  switch (model.state) {
    case "loaded":
      return { says: model.loaded_ms === undefined ? "loaded" : `loaded ${span(now - model.loaded_ms)}`.trim(), tone: "green" };
    case "loading":
      return { says: "loading", tone: "amber" };
    case "hosted":
      return { says: price(model) || "hosted", tone: "quiet" };
    case "unknown":
      return { says: "", tone: "quiet" };
    case "cold": {
      const fits = fit(model, machine);
      if (fits.fit === "never") return { says: "will not fit", tone: "red" };
      return fits.fit === "not_now" ? { says: fits.says, tone: "amber" } : { says: "on disk", tone: "quiet" };
    }
  }
};

/** All of a row in one sentence, for whoever hears it. */
export const spoken = (model: Model, endpoint: EndpointView | undefined, machine: Machine): string =>
  [
    model.id,
    `at ${endpoint?.name ?? model.endpoint}`,
    model.local ? "on this machine" : "leaves this machine",
    model.size === undefined ? "" : size(model.size),
    context(model) && `context ${context(model)}`,
    abilities(model).join(", "),
    state(model, machine).says,
  ]
    .filter(Boolean)
    .join(", ");

/** How to give a runtime's models more context. */
export const moreContext = (model: Model, endpoint: EndpointView | undefined): string | null => {
  const { effective, trained, configured } = model.context;
  if (!model.local || trained === undefined || (effective !== undefined && effective >= trained)) return null;
  const ways: Record<string, string> = {
    ollama: "Ollama gives what a request asks for: set a context on the route, or OLLAMA_CONTEXT_LENGTH for all.",
    lmstudio: "LM Studio fixes it when it loads the model: set the context length there and load it again.",
    llamacpp: "llama-server fixes it at its start: start it with a larger --ctx-size.",
    builtin: "Set builtin.context in the settings; memory for it is taken when the model loads.",
  };
  const own = configured === undefined ? "" : ` Its owner set ${contextLength(configured)}.`;
  return (ways[endpoint?.runtime ?? ""] ?? "Its runtime decides; see its own settings.") + own;
};
