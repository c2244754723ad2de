// A gateway in memory that answers every command as the real one would, plausibly.

import type { Command, EndpointView, Json, Reply, Snapshot } from "../bindings.ts";
import { find, keyOf } from "../logic/target.ts";
import { texts } from "./history.ts";
import { endpoint, few, hosted } from "./models.ts";
import type { World } from "./scenarios.ts";
import * as store from "./store.ts";
import * as tables from "./tables.ts";

const done: Reply = { reply: "done" };
const failed = (message: string): Reply => ({ reply: "failed", message });

export class FakeGateway {
  readonly #settings = tables.settings();
  readonly #providers = tables.providers();
  readonly #changed: (snapshot: Snapshot) => void;
  readonly world: World;

  constructor(world: World, changed: (snapshot: Snapshot) => void) {
    this.world = world;
    this.#changed = changed;
  }

  answer(command: Command): Reply {
    const { snapshot } = this.world;
    switch (command.command) {
      case "snapshot":
      case "watch":
        return { reply: "snapshot", ...snapshot };
      case "set_route":
        return this.#setRoute(command.name, command.targets, command.context ?? null);
      case "remove_route":
        return this.#change({ routes: snapshot.routes.filter((route) => route.name !== command.name) });
      case "set_local_only":
        return this.#change({ local_only: command.on });
      case "set_paused":
        return this.#change({ paused: command.on });
      case "add_client_key":
        return this.#addKey(command.name);
      case "remove_client_key":
        return this.#change({ client_keys: snapshot.client_keys.filter((key) => key.name !== command.name) });
      case "store_credential":
        this.#at(command.endpoint, { credential: `keychain:${command.endpoint}`, state: "ready" });
        return { reply: "stored", place: `keychain:${command.endpoint}`, note: "" };
      case "remove_credential":
        return this.#at(command.endpoint, { credential: null, state: "needs_key" });
      case "add_provider":
        return this.#addProvider(command.provider, command.name ?? command.provider, command.base_url ?? null, command.secret ?? null, command.variable ?? null);
      case "check_key":
        return { reply: "checked", good: true, says: `${command.endpoint} takes the key` };
      case "add_endpoint":
        return this.#addEndpoint(endpoint({ id: command.name, name: command.name, origin: "settings", base_url: command.base_url, speaks: command.protocol, local: false, credential: command.secret ? `keychain:${command.name}` : null }));
      case "remove_endpoint":
        return this.#change({
          endpoints: snapshot.endpoints.filter((one) => one.id !== command.name),
          models: snapshot.models.filter((model) => model.endpoint !== command.name),
        });
      case "requests":
        return this.#requests(command.limit, command.before ?? null, command.filter ?? {});
      case "keep_bodies":
        return this.#change({ bodies_until_ms: command.minutes === 0 ? null : Date.now() + command.minutes * 60_000 });
      case "bodies": {
        const row = this.world.requests.find((row) => row.id === command.request);
        return row?.texts ? { reply: "bodies", ...texts } : failed("what was asked and said in that request is not kept (any more)");
      }
      case "delete_bodies":
        this.world.requests = this.world.requests.map((row) => ({ ...row, texts: false }));
        return done;
      case "usage":
        return { reply: "usage", rows: this.world.usage };
      case "test_route":
        return this.#test(command.name);
      case "settings":
        return { reply: "settings", settings: structuredClone(this.#settings) };
      case "set_setting":
        return this.#set(command.key, command.value);
      case "providers":
        return { reply: "providers", rows: this.#providers.map((row) => ({ ...row, endpoints: snapshot.endpoints.filter((one) => one.provider === row.id).map((one) => one.id) })) };
      case "tools":
        return { reply: "tools", rows: tables.tools(command.route, command.key ?? "YOUR-KEY") };
      case "load_model":
        return this.#state(command.endpoint, command.model, "loaded");
      case "unload_model":
        return this.#state(command.endpoint, command.model, "cold");
      case "pull_model":
        return this.#change({ pulls: [...snapshot.pulls, { endpoint: command.endpoint, name: command.name, state: { state: "running", says: "pulling manifest", done: 0, total: null } }] });
      case "fetch_first_model": {
        const name = snapshot.first_model?.name ?? "";
        const total = snapshot.first_model?.bytes ?? 0;
        return this.#change({ pulls: [...snapshot.pulls.filter((pull) => pull.name !== name), { endpoint: "builtin", name, state: { state: "running", says: "fetching", done: total / 4, total } }] });
      }
      case "cancel_pull":
        return this.#change({ pulls: snapshot.pulls.filter((pull) => pull.name !== command.name) });
      case "start_runtime":
        return this.#start(command.runtime);
      case "conversations":
        return { reply: "conversations", rows: store.list(this.world.conversations, command.search ?? null) };
      case "conversation": {
        const found = this.world.conversations.find((one) => one.id === command.id);
        return found ? { reply: "conversation", ...structuredClone(found) } : failed("there is no such conversation");
      }
      case "save_message":
        return store.save(this.world.conversations, command.conversation ?? null, command.message);
      case "rename_conversation":
        for (const one of this.world.conversations) if (one.id === command.id) one.title = command.title;
        return done;
      case "delete_conversation":
        this.world.conversations = this.world.conversations.filter((one) => one.id !== command.id);
        return done;
      case "own_key":
        return { reply: "client_key", key: "pk-own" };
      case "rescan":
      case "stop":
      case "cancel_request":
      case "watch_live":
        return done;
    }
  }

  /** Who answers this name now. */
  target(name: string): { key: string; local: boolean } | null {
    const { snapshot } = this.world;
    const route = snapshot.routes.find((route) => route.name === name);
    const key = route ? route.answers[0] : find(name, snapshot).map(keyOf)[0];
    const model = snapshot.models.find((model) => keyOf(model) === key);
    return key === undefined || !model ? null : { key, local: model.local };
  }

  #change(part: Partial<Snapshot>): Reply {
    const { snapshot } = this.world;
    this.world.snapshot = { ...snapshot, ...part, revision: snapshot.revision + 1 };
    this.#changed(this.world.snapshot);
    return done;
  }

  #setRoute(name: string, targets: string[], context: number | null): Reply {
    const { snapshot } = this.world;
    const answers = targets.flatMap((target) => find(target, snapshot).slice(0, 1).map(keyOf));
    const problem = targets.length > 0 && answers.length === 0 ? "none of its targets is there now" : null;
    const made = { name, targets, context, answers, problem };
    const known = snapshot.routes.some((route) => route.name === name);
    const routes = known ? snapshot.routes.map((route) => (route.name === name ? made : route)) : [...snapshot.routes, made];
    return this.#change({ routes });
  }

  #addKey(name: string): Reply {
    const { client_keys } = this.world.snapshot;
    if (client_keys.some((key) => key.name === name)) return failed(`there is a client key named \`${name}\` already`);
    this.#change({ client_keys: [...client_keys, { name, created: "2026-11-22", last_used_ms: null }] });
    return { reply: "client_key", key: `pk-${name}-7f3a9c1be04d4a56b2` };
  }

  #at(id: string, part: Partial<EndpointView>): Reply {
    const { endpoints } = this.world.snapshot;
    return this.#change({ endpoints: endpoints.map((one) => (one.id === id ? { ...one, ...part } : one)) });
  }

  #addProvider(provider: string, name: string, base_url: string | null, secret: string | null, variable: string | null): Reply {
    const row = this.#providers.find((row) => row.id === provider);
    if (!row) return failed(`\`${provider}\` is no provider that Pointsman knows`);
    const credential = variable !== null ? `env:${variable}` : secret !== null ? `keychain:${name}` : null;
    this.#addEndpoint(endpoint({ id: name, name: row.name, provider, origin: "settings", base_url: base_url ?? row.base_url ?? "", local: false, credential, models: 2 }));
    return credential === null ? { reply: "done" } : { reply: "stored", place: credential, note: "" };
  }

  #addEndpoint(added: EndpointView): Reply {
    const { endpoints, models } = this.world.snapshot;
    const offered = added.provider ? [hosted("large", added, {}), hosted("small", added, {})] : [];
    return this.#change({ endpoints: [...endpoints.filter((one) => one.id !== added.id), added], models: [...models, ...offered] });
  }

  #requests(limit: number, before: number | null, filter: { client?: string | null; tool?: string | null; endpoint?: string | null; model?: string | null; errors?: boolean }): Reply {
    const rows = this.world.requests.filter(
      (row) =>
        (before === null || row.id < before) &&
        (!filter.client || row.client === filter.client) &&
        (!filter.tool || row.tool === filter.tool) &&
        (!filter.endpoint || row.endpoint === filter.endpoint) &&
        (!filter.model || row.model === filter.model || row.asked === filter.model) &&
        (!filter.errors || ["failed", "refused", "upstream_died"].includes(row.outcome)),
    );
    return { reply: "requests", rows: rows.slice(0, limit) };
  }

  #test(name: string): Reply {
    const target = this.target(name);
    const speed = { first_token_ms: 214, tokens_per_second: 41.8 };
    if (target) return { reply: "tested", target: target.key, local: target.local, attempts: 1, text: "Ready.", problem: null, ...speed };
    return { reply: "tested", target: null, local: true, first_token_ms: null, tokens_per_second: null, attempts: 2, text: "", problem: `nothing can answer \`${name}\` now; start a runtime, or add a target` };
  }

  #set(key: string, value: Json): Reply {
    const setting = this.#settings.find((one) => one.key === key);
    if (!setting) return failed(`there is no setting \`${key}\``);
    setting.value = value ?? setting.default;
    if (key === "local_only") this.#change({ local_only: setting.value === true });
    return done;
  }

  #state(at: string, id: string, state: "loaded" | "cold"): Reply {
    const { models } = this.world.snapshot;
    return this.#change({
      models: models.map((model) => (model.endpoint === at && model.id === id ? { ...model, state, memory: state === "loaded" ? model.size : undefined } : model)),
    });
  }

  #start(runtime: string): Reply {
    const { snapshot } = this.world;
    const started = snapshot.installed.find((one) => one.runtime === runtime);
    if (!started) return failed("that runtime is not installed");
    const at = endpoint({ id: `${runtime}@1234`, name: started.name, runtime, base_url: "http://127.0.0.1:1234", models: 1 });
    const model = few()[0];
    return this.#change({
      installed: snapshot.installed.filter((one) => one !== started),
      endpoints: [...snapshot.endpoints, at],
      models: model ? [...snapshot.models, { ...model, endpoint: at.id, state: "cold", memory: undefined }] : snapshot.models,
    });
  }
}
