// The only way out of the page: what the shell does for it.
//
// It keeps nothing and decides nothing. Outside the shell, in development and in the browser tests, a small gateway in
// memory answers instead; a production build does not contain it.

import { Channel, invoke, isTauri } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Command, LiveRequest, Reply, Snapshot } from "./bindings.ts";

export interface ChatRequest {
  id: string;
  model: string;
  messages: { role: string; text: string; images: string[] }[];
  reasoning?: boolean;
}

export type ChatEvent =
  | { type: "head"; target: string | null; local: boolean; attempts: number; dropped: string[] }
  | { type: "reasoning"; text: string }
  | { type: "text"; text: string }
  | {
      type: "done";
      finish: string | null;
      input_tokens: number | null;
      output_tokens: number | null;
      cached_tokens: number | null;
      first_token_ms: number | null;
      tokens_per_second: number | null;
      total_ms: number | null;
    }
  | { type: "error"; message: string };

export type Openable = "settings_file" | "settings_folder" | "data_folder" | "log_folder" | { url: string };

export interface Shell {
  ask(command: Command): Promise<Reply>;
  /** What the shell knew when it opened the window: it is there before anything can be asked. */
  first: Snapshot | null;
  watch(snapshot: (snapshot: Snapshot) => void, gone: (why: string) => void, view: (name: string) => void): Promise<void>;
  watchLive(live: (requests: LiveRequest[]) => void): Promise<void>;
  chat(request: ChatRequest, event: (event: ChatEvent) => void): Promise<void>;
  stopChat(id: string): Promise<void>;
  save(name: string, text: string): Promise<void>;
  open(what: Openable): Promise<void>;
  autostart(): Promise<boolean>;
  setAutostart(on: boolean): Promise<void>;
}

const channel = <T>(heard: (message: T) => void): Channel<T> => {
  const made = new Channel<T>();
  made.onmessage = heard;
  return made;
};

// What is heard once goes on being heard: to watch again after a loss only asks again.
let listens: Promise<unknown> | undefined;

const tauri: Shell = {
  ask: (command) => invoke("ask", { command }),
  first: (globalThis as { firstSnapshot?: Snapshot }).firstSnapshot ?? null,
  watch: async (snapshot, gone, view) => {
    // Heard before the shell is told that the page listens, which is when it may name a view.
    listens ??= Promise.all([
      listen<string>("view", (event) => view(event.payload)),
      listen<Snapshot>("snapshot", (event) => snapshot(event.payload)),
      listen<string | null>("gone", (event) => gone(event.payload ?? "")),
    ]);
    await listens;
    await invoke("watch");
  },
  watchLive: (live) => invoke("watch_live", { channel: channel(live) }),
  chat: (request, event) => invoke("chat", { request, channel: channel(event) }),
  stopChat: (id) => invoke("stop_chat", { id }),
  save: (name, text) => invoke("save", { name, text }),
  open: (what) => invoke("open", { what }),
  autostart: () => invoke("autostart"),
  setAutostart: (on) => invoke("set_autostart", { on }),
};

const fakeAllowed = import.meta.env.DEV || import.meta.env.MODE === "fake";

/** What answers: the shell, or what stands in for it. */
export const shell: Promise<Shell> =
  fakeAllowed && !isTauri() ? import("./fake/shell.ts").then((fake) => fake.shell()) : Promise.resolve(tauri);

/** Asks the gateway; `reply` is what it is expected to answer with. Rejects with a sentence for a person. */
export async function ask<K extends Reply["reply"]>(command: Command, reply: K): Promise<Extract<Reply, { reply: K }>> {
  const answer = await (await shell).ask(command);
  if (answer.reply === "failed") throw new Error(answer.message);
  if (answer.reply !== reply) throw new Error("Pointsman answered something else; restart it after an update.");
  return answer as Extract<Reply, { reply: K }>;
}

/** Asks the gateway to do something that has no result. */
export const tell = async (command: Command): Promise<void> => {
  await ask(command, "done");
};

/** What went wrong, as a sentence. */
export const sentence = (error: unknown): string => {
  if (error instanceof Error) return error.message;
  return typeof error === "string" && error !== "" ? error : "Something went wrong, and nothing more is known.";
};
