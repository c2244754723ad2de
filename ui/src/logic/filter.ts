// Which models a filter leaves.

import type { EndpointView, Model, Snapshot } from "../bindings.ts";

export type Kind = "all" | "local" | "hosted" | "loaded";

const words = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);

/** Whether all words of a search stand in the text. */
export const matches = (text: string, search: string): boolean => {
  const lower = text.toLowerCase();
  return words(search).every((word) => lower.includes(word));
};

const said = (model: Model, endpoint: EndpointView | undefined): string => {
  const { tools, vision, reasoning, audio, embeddings, rerank } = model.capabilities;
  const able = [
    tools && "tools",
    vision && "vision images",
    reasoning && "reasoning thinking",
    audio && "audio",
    embeddings && "embeddings",
    rerank && "rerank",
  ];
  const about = [model.id, ...(model.aliases ?? []), model.terms?.name, model.family, model.quantisation];
  const at = [endpoint?.name, endpoint?.id, endpoint?.runtime, endpoint?.provider, model.parameters];
  return [...about, ...at, ...able].filter(Boolean).join(" ").toLowerCase();
};

/** What can be searched of each model, written out once a snapshot: a key stroke then only compares. */
export const searchable = (snapshot: Snapshot): string[] => {
  const endpoints = new Map(snapshot.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  return snapshot.models.map((model) => said(model, endpoints.get(model.endpoint)));
};

/** The models of this kind in which all words stand. `texts` is what `searchable` made of the same list. */
export const filter = (models: Model[], texts: string[], search: string, kind: Kind): Model[] => {
  const wanted = words(search);
  return models.filter((model, index) => {
    if (kind === "local" && !model.local) return false;
    if (kind === "hosted" && model.local) return false;
    if (kind === "loaded" && model.state !== "loaded" && model.state !== "loading") return false;
    const text = texts[index] ?? "";
    return wanted.every((word) => text.includes(word));
  });
};
