// What stands in for the shell outside it: `?scenario=normal` says in which state, `?pace=0` how fast an answer streams.

import type { LiveRequest, Snapshot } from "../bindings.ts";
import type { Shell } from "../ipc.ts";
import { stream } from "./chat.ts";
import { FakeGateway } from "./gateway.ts";
import { normal, scenarios } from "./scenarios.ts";

const live = (now: number): LiveRequest[] => [
  { id: 901, started_ms: now - 4200, client: "claude-code", tool: "claude-cli/2.1.330", surface: "anthropic", operation: "chat", asked: "claude-sonnet-5", endpoint: "anthropic", model: "claude-sonnet-5", local: false, stream: true, attempts: 1, chunks: 118, first_byte_ms: 640 },
  { id: 902, started_ms: now - 1200, client: "editor", tool: "Zed/0.210.1", surface: "ollama", operation: "chat", asked: "default", endpoint: "ollama@11434", model: "qwen3:8b", local: true, stream: true, attempts: 2, chunks: 0, first_byte_ms: null },
];

export const shell = (): Shell => {
  const parameters = new URLSearchParams(location.search);
  const world = (scenarios[parameters.get("scenario") ?? "normal"] ?? normal)();
  const pace = Number(parameters.get("pace") ?? 25);
  const heard: ((snapshot: Snapshot) => void)[] = [];
  const gateway = new FakeGateway(world, (snapshot) => heard.forEach((hear) => hear(snapshot)));
  const stopped = new Set<string>();
  let cancelled: number[] = [];
  let autostart = false;
  // For tests: what was given to the shell to save or open, and a way to change the world under the page.
  const seen = { saved: [] as { name: string; text: string }[], opened: [] as unknown[] };
  Object.assign(globalThis, { fake: { gateway, seen, tell: () => heard.forEach((hear) => hear(world.snapshot)) } });
  return {
    ask: async (command) => {
      if (world.gone) throw new Error("Pointsman is not running");
      if (command.command === "cancel_request") cancelled = [...cancelled, command.id];
      // Never in the same turn as the question: nothing may rely on that.
      await new Promise((done) => setTimeout(done, command.command === "test_route" ? 400 : 0));
      return gateway.answer(command);
    },
    first: null,
    watch: async (snapshot, gone) => {
      if (world.gone) {
        snapshot(world.snapshot);
        gone("Pointsman stopped before it answered");
        return;
      }
      heard.push(snapshot);
      snapshot(world.snapshot);
      await Promise.resolve();
    },
    watchLive: async (hear) => {
      const started = Date.now();
      const tell = () => hear(world.requests.length === 0 ? [] : live(started).filter((one) => !cancelled.includes(one.id)));
      tell();
      setInterval(tell, 500);
      await Promise.resolve();
    },
    chat: (request, event) => stream(request, gateway.target(request.model), event, () => stopped.has(request.id), pace),
    stopChat: async (id) => {
      stopped.add(id);
      await Promise.resolve();
    },
    save: async (name, text) => {
      seen.saved.push({ name, text });
      await Promise.resolve();
    },
    open: async (what) => {
      seen.opened.push(what);
      await Promise.resolve();
    },
    autostart: () => Promise.resolve(autostart),
    setAutostart: async (on) => {
      autostart = on;
      await Promise.resolve();
    },
  };
};
