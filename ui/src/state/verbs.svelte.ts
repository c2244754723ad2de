// What can be done with a model, the same everywhere: by click, menu, key and palette.

import type { EndpointView, Model, RouteView, Snapshot } from "../bindings.ts";
import { tell } from "../ipc.ts";
import { memory } from "../logic/format.ts";
import type { Choice, Group } from "../logic/search.ts";
import { context } from "../logic/model.ts";
import { inOrder } from "../logic/rows.ts";
import { keyOf, nameOf, putFirst } from "../logic/target.ts";
import { gateway } from "./gateway.svelte.ts";
import { attempt, copy, overlay, type Verb } from "./overlay.svelte.ts";
import { place } from "./place.svelte.ts";
import { chatWith } from "./talk.svelte.ts";

/** Models that were told to load or to leave and have not answered yet, by key. */
class Pending {
  keys = $state.raw<ReadonlySet<string>>(new Set());
  async during(key: string, work: Promise<unknown>): Promise<void> {
    this.keys = new Set(this.keys).add(key);
    try {
      await work;
    } finally {
      const rest = new Set(this.keys);
      rest.delete(key);
      this.keys = rest;
    }
  }
}

export const pending = new Pending();

const endpointOf = (model: Model): EndpointView | undefined =>
  gateway.snapshot?.endpoints.find((endpoint) => endpoint.id === model.endpoint);

export const load = (model: Model): Promise<unknown> =>
  attempt(`${model.id} could not be loaded.`, () =>
    pending.during(keyOf(model), tell({ command: "load_model", endpoint: model.endpoint, model: model.id })),
  );

export const unload = (model: Model): Promise<unknown> =>
  attempt(`${model.id} could not be unloaded.`, async () => {
    await pending.during(keyOf(model), tell({ command: "unload_model", endpoint: model.endpoint, model: model.id }));
    overlay.note(`${model.id} unloaded${model.memory ? `, ${memory(model.memory)} free again` : ""}.`);
  });

/** Makes the model the first target of a route; what stood there stays as what is tried next. */
export const useFor = (model: Model, route: string): Promise<unknown> => {
  const snapshot = gateway.snapshot;
  const known = snapshot?.routes.find((one) => one.name === route);
  const target = nameOf(model, snapshot?.endpoints ?? []);
  const targets = putFirst(known?.targets ?? [], target);
  const context = known?.context ?? null;
  return attempt(`The route ${route} could not be changed.`, async () => {
    await tell({ command: "set_route", name: route, targets, context });
    const away = model.local ? "" : " It leaves this machine.";
    const undo = () =>
      attempt("It could not be undone.", () =>
        known && (known.targets.length > 0 || known.context !== null)
          ? tell({ command: "set_route", name: route, targets: known.targets, context })
          : tell({ command: "remove_route", name: route }),
      );
    overlay.note(`${route} now asks ${model.id} first.${away}`, { label: "Undo", run: undo });
  });
};

/** What is wrong with a name for a route, if anything. */
const routeProblem = (name: string, routes: RouteView[]): string | null => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return "Letters, digits, dots, hyphens and underscores only.";
  return routes.some((route) => route.name === name) ? "There is a route of that name." : null;
};

export const newRoute = async (targets: string[]): Promise<string | null> => {
  const text = "Tools ask for it as a model of this name.";
  const name = await overlay.prompt("New route", text, "Make route", "Name", "", "code");
  if (name === null) return null;
  const problem = routeProblem(name, gateway.snapshot?.routes ?? []);
  if (problem) {
    overlay.problem(`“${name}” cannot be a route's name.`, problem);
    return null;
  }
  const made = await attempt("The route could not be made.", () => tell({ command: "set_route", name, targets }));
  return made ? name : null;
};

/** All that can be done with it. `details` opens its sheet, where there is one. */
export const verbs = (model: Model, details?: () => void): Verb[] => {
  const snapshot = gateway.snapshot;
  const actions = endpointOf(model)?.actions;
  const chats = model.capabilities.chat;
  const blocked = !model.local && snapshot?.local_only ? "Local only is on" : undefined;
  const routes = (snapshot?.routes ?? []).map((route): Verb => ({
    label: route.name,
    run: () => useFor(model, route.name),
  }));
  const all: Verb[] = [
    { label: "Chat", run: () => chatWith(model), not: chats ? blocked : "It does not chat" },
    {
      label: "Use for route",
      inside: [...routes, { label: "New route…", run: () => newRoute([nameOf(model, snapshot?.endpoints ?? [])]) }],
    },
  ];
  if (actions?.load && (model.state === "cold" || model.state === "unknown")) all.push({ label: "Load", run: () => load(model) });
  if (actions?.unload && model.state === "loaded") all.push({ label: "Unload", run: () => unload(model) });
  all.push({ label: "Copy name", run: () => copy(nameOf(model, snapshot?.endpoints ?? []), "Name") });
  if (details) all.push({ label: "Details", run: details, keys: "Enter" });
  return all;
};

const choice = (model: Model, snapshot: Snapshot): Choice => ({
  key: `model ${keyOf(model)}`,
  label: model.id,
  detail: [model.state === "loaded" ? "loaded" : "", context(model)].filter(Boolean).join(" · "),
  also: `${model.endpoint} ${(model.aliases ?? []).join(" ")} ${model.terms?.name ?? ""} ${model.local ? "local" : "hosted"}`,
  leaves: !model.local,
  ...(snapshot.local_only && !model.local ? { not: "Local only is on" } : {}),
});

/** Models to choose from, by endpoint, what stays on this machine first. */
export const modelGroups = (snapshot: Snapshot, wanted: (model: Model) => boolean): Group[] =>
  inOrder(snapshot.endpoints)
    .map((endpoint) => ({
      title: `${endpoint.name}${endpoint.local ? "" : " · leaves this machine"}`,
      choices: snapshot.models
        .filter((model) => model.endpoint === endpoint.id && wanted(model))
        .map((model) => choice(model, snapshot)),
    }))
    .filter((group) => group.choices.length > 0);

/** The routes to choose from, with who answers them now. */
export const routeGroup = (snapshot: Snapshot): Group => ({
  title: "Routes",
  choices: snapshot.routes.map((route) => ({
    key: `route ${route.name}`,
    label: route.name,
    detail: route.answers[0] ?? "nothing answers it now",
    leaves: snapshot.models.some((model) => !model.local && keyOf(model) === route.answers[0]),
  })),
});

/** Opens the models view to choose what answers a route. */
export const chooseFor = (route: string): void => place.go(`models:${route}`);
