// Between the names that a route's targets have and the models that they mean.
//
// Only for showing and choosing; who really answers is the gateway's business and comes with the snapshot.

import type { EndpointView, Model, Snapshot } from "../bindings.ts";

/** A model's place in the snapshot: `endpoint/model`, as a route's answers tell it. */
export const keyOf = (model: Model): string => `${model.endpoint}/${model.id}`;

/** What to write into a route for this model: the runtime's name where that is enough, for it survives another port. */
export const nameOf = (model: Model, endpoints: EndpointView[]): string => {
  const at = endpoints.find((endpoint) => endpoint.id === model.endpoint);
  const runtime = at?.origin === "discovered" ? at.runtime : null;
  const alone = runtime !== null && endpoints.filter((endpoint) => endpoint.runtime === runtime).length === 1;
  return `${alone ? runtime : model.endpoint}/${model.id}`;
};

/** The models that a target's name can mean, best guess first; empty where none is there now. */
export const find = (target: string, snapshot: Snapshot): Model[] => {
  const { models, endpoints } = snapshot;
  const is = (model: Model, name: string) => model.id === name || (model.aliases ?? []).includes(name);
  for (const endpoint of endpoints) {
    for (const prefix of [endpoint.id, endpoint.runtime, endpoint.provider]) {
      if (!prefix || !target.startsWith(prefix)) continue;
      const separator = target[prefix.length];
      if (separator !== "/" && separator !== ":") continue;
      const rest = target.slice(prefix.length + 1);
      const found = models.filter((model) => model.endpoint === endpoint.id && is(model, rest));
      if (found.length > 0) return found;
    }
  }
  return models.filter((model) => is(model, target));
};

/** The model behind `endpoint/model`. */
export const modelAt = (key: string | undefined, snapshot: Snapshot): Model | undefined =>
  key === undefined ? undefined : snapshot.models.find((model) => keyOf(model) === key);

/** A route's targets once this one stands first; the others stay as what is tried after it. */
export const putFirst = (targets: string[], chosen: string): string[] => [
  chosen,
  ...targets.filter((target) => target !== chosen),
];

/** A list with one item moved by so many places; the ends hold it. */
export const moved = <T>(items: T[], from: number, to: number): T[] => {
  const next = [...items];
  const [item] = next.splice(from, 1);
  if (item !== undefined) next.splice(Math.max(0, Math.min(to, next.length)), 0, item);
  return next;
};
