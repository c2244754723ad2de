// The palette: any view, route, model or action, by its name.

import { tell } from "../ipc.ts";
import type { Group } from "../logic/search.ts";
import { keyOf } from "../logic/target.ts";
import { gateway } from "./gateway.svelte.ts";
import { attempt, copy, overlay } from "./overlay.svelte.ts";
import { place, titles, views, type View } from "./place.svelte.ts";
import { chooseFor, modelGroups, newRoute, verbs } from "./verbs.svelte.ts";

const mac = /mac/i.test(navigator.userAgent);

/** A key with the system's own modifier, as it is written there. */
export const keys = (key: string): string => (mac ? `⌘${key}` : `Ctrl+${key}`);

interface Action {
  label: string;
  also?: string;
  keys?: string;
  run: () => unknown;
}

export const setLocalOnly = (on: boolean): Promise<boolean> =>
  attempt("Local only could not be switched.", () => tell({ command: "set_local_only", on }));

export const setPaused = (on: boolean): Promise<boolean> =>
  attempt("Serving could not be paused.", () => tell({ command: "set_paused", on }));

const actions = (): Action[] => {
  const snapshot = gateway.snapshot;
  const base = `http://${gateway.address ?? ""}/v1`;
  const all: Action[] = [
    { label: "New chat", keys: "N", run: () => place.go("chat:new") },
    { label: "Copy base URL", also: "address port", run: () => copy(base, "Base URL") },
    { label: "New route", run: async () => (await newRoute([])) && place.go("routes") },
    { label: "Look for runtimes now", also: "rescan discovery", run: () => attempt("It could not be asked.", () => tell({ command: "rescan" })) },
    { label: "Theme: light", run: () => place.setTheme("light") },
    { label: "Theme: dark", run: () => place.setTheme("dark") },
    { label: "Theme: as the system", run: () => place.setTheme("auto") },
    { label: "Larger text", keys: keys("+"), run: () => place.stepText(1) },
    { label: "Smaller text", keys: keys("-"), run: () => place.stepText(-1) },
  ];
  if (!snapshot) return all;
  const { local_only, paused } = snapshot;
  return [
    ...all,
    { label: local_only ? "Turn local only off" : "Turn local only on", also: "offline private", run: () => setLocalOnly(!local_only) },
    { label: paused ? "Go on serving" : "Pause serving", run: () => setPaused(!paused) },
    ...snapshot.installed.map((one) => ({
      label: `Start ${one.name}`,
      run: () => attempt(`${one.name} could not be started.`, () => tell({ command: "start_runtime", runtime: one.runtime })),
    })),
  ];
};

const groups = (): Group[] => {
  const snapshot = gateway.snapshot;
  const routes = snapshot?.routes ?? [];
  return [
    { title: "Views", choices: views.map((view, index) => ({ key: `view ${view}`, label: titles[view], keys: keys(String(index + 1)), current: view === place.view })) },
    { title: "Actions", choices: actions().map((action) => ({ key: `action ${action.label}`, ...action })) },
    { title: "Choose what answers a route", choices: routes.map((route) => ({ key: `route ${route.name}`, label: route.name, detail: route.answers[0] ?? "nothing answers it now" })) },
    ...(snapshot ? modelGroups(snapshot, () => true).map((group) => ({ ...group, choices: group.choices.map(({ not: _, ...choice }) => choice) })) : []),
  ];
};

/** Opens it. A model's verbs come as a second list: the same as in its menu. */
export const openPalette = async (): Promise<void> => {
  if (overlay.picking) return;
  const key = await overlay.pick({ label: "Go to or do", placeholder: "View, route, model or action", groups, empty: "" });
  if (key === null) return;
  const [kind, ...rest] = key.split(" ");
  const name = rest.join(" ");
  if (kind === "view") place.go(name as View);
  if (kind === "action") void actions().find((action) => action.label === name)?.run();
  if (kind === "route") chooseFor(name);
  if (kind !== "model") return;
  const model = gateway.snapshot?.models.find((model) => keyOf(model) === name);
  if (!model) return;
  const flat = verbs(model).flatMap((verb) => verb.inside?.map((inner) => ({ ...inner, label: `${verb.label} ${inner.label}` })) ?? [verb]);
  const chosen = await overlay.pick({
    label: `${model.id}: what to do`,
    placeholder: model.id,
    groups: () => [{ title: model.id, choices: flat.map((verb, index) => ({ key: String(index), label: verb.label, ...(verb.not ? { not: verb.not } : {}) })) }],
    empty: "",
  });
  if (chosen !== null) void flat[Number(chosen)]?.run?.();
};
