// The rows of the models view, one after the other, as a long list shows them.

import type { EndpointView, Installed, Model, Pull, Refusal, Snapshot } from "../bindings.ts";
import { keyOf } from "./target.ts";

export type Row =
  | { kind: "endpoint"; key: string; endpoint: EndpointView; shown: number }
  | { kind: "model"; key: string; model: Model; endpoint: EndpointView | undefined; gone: boolean }
  | { kind: "pull"; key: string; pull: Pull }
  | { kind: "offer"; key: string }
  | { kind: "nothing"; key: string; endpoint: EndpointView }
  | { kind: "heading"; key: string; title: string }
  | { kind: "installed"; key: string; installed: Installed }
  | { kind: "refused"; key: string; refusal: Refusal };

// The same order in every webview, whatever locale it was started in.
const collator = new Intl.Collator("en", { sensitivity: "base", numeric: true });

/** What stays on this machine first, then by name: an order that loading and unloading do not change. */
export const inOrder = (endpoints: EndpointView[]): EndpointView[] =>
  [...endpoints].sort(
    (a, b) => Number(b.local) - Number(a.local) || collator.compare(a.name, b.name) || collator.compare(a.id, b.id),
  );

type ModelRow = Extract<Row, { kind: "model" }>;

// A key stroke in the filter leaves the models as they are: their rows are made once a snapshot, not once a stroke.
const made = new WeakMap<Model, ModelRow>();

const rowOf = (model: Model, endpoint: EndpointView): ModelRow => {
  const known = made.get(model);
  if (known?.endpoint === endpoint) return known;
  const row: ModelRow = { kind: "model", key: `model ${keyOf(model)}`, model, endpoint, gone: false };
  made.set(model, row);
  return row;
};

/** `filtered` tells whether `models` are only a part: then what holds no model is left out. */
export const rows = (snapshot: Snapshot, models: Model[], filtered: boolean): Row[] => {
  const byEndpoint = new Map<string, Model[]>();
  for (const model of models) {
    const of = byEndpoint.get(model.endpoint);
    if (of) of.push(model);
    else byEndpoint.set(model.endpoint, [model]);
  }
  const all: Row[] = [];
  for (const endpoint of inOrder(snapshot.endpoints)) {
    const own = byEndpoint.get(endpoint.id) ?? [];
    const pulls = snapshot.pulls.filter((pull) => pull.endpoint === endpoint.id);
    if (filtered && own.length === 0) continue;
    all.push({ kind: "endpoint", key: `endpoint ${endpoint.id}`, endpoint, shown: own.length });
    if (!filtered) for (const pull of pulls) all.push({ kind: "pull", key: `pull ${endpoint.id} ${pull.name}`, pull });
    for (const model of own) all.push(rowOf(model, endpoint));
    if (own.length === 0 && pulls.length === 0) {
      all.push({ kind: "nothing", key: `nothing ${endpoint.id}`, endpoint });
    }
  }
  if (filtered) return all;
  // What our own runtime has fetched before it has a place here, and what it could have.
  const builtin = snapshot.endpoints.some((endpoint) => endpoint.id === "builtin");
  const own = builtin ? [] : snapshot.pulls.filter((pull) => pull.endpoint === "builtin");
  const offered = snapshot.first_model !== null && own.length === 0 && !builtin && all.length > 0 && !snapshot.models.some((model) => model.local);
  if (own.length > 0 || offered) all.push({ kind: "heading", key: "heading builtin", title: "Built in" });
  for (const pull of own) all.push({ kind: "pull", key: `pull builtin ${pull.name}`, pull });
  if (offered) all.push({ kind: "offer", key: "offer" });
  if (snapshot.installed.length > 0) {
    all.push({ kind: "heading", key: "heading installed", title: "Installed, off" });
    for (const installed of snapshot.installed) {
      all.push({ kind: "installed", key: `installed ${installed.runtime}`, installed });
    }
  }
  if (snapshot.refused.length > 0) {
    all.push({ kind: "heading", key: "heading refused", title: "Found, not used" });
    for (const refusal of snapshot.refused) all.push({ kind: "refused", key: `refused ${refusal.place}`, refusal });
  }
  return all;
};

/**
 * The new rows in the order of the old ones, while somebody points at the list: what is new waits, what vanished stays
 * and is marked. `waiting` says how many rows were kept back.
 */
export const heldStill = (before: Row[], now: Row[]): { rows: Row[]; waiting: number } => {
  const current = new Map(now.map((row) => [row.key, row]));
  const old = new Set(before.map((row) => row.key));
  const kept = before.map((row): Row => {
    const fresh = current.get(row.key);
    if (fresh) return fresh;
    return row.kind === "model" ? { ...row, gone: true } : row;
  });
  return { rows: kept, waiting: now.filter((row) => !old.has(row.key)).length };
};
