// The gateway's state as the window has it: one snapshot, replaced whole.

import type { LiveRequest, Snapshot } from "../bindings.ts";
import { shell } from "../ipc.ts";
import { place } from "./place.svelte.ts";

class Gateway {
  snapshot = $state.raw<Snapshot | null>(null);
  /** Why nothing comes any more, if so. */
  gone = $state<string | null>(null);
  live = $state.raw<LiveRequest[]>([]);
  #watchesLive = false;

  async watch(): Promise<void> {
    const to = await shell;
    // As old as the window's opening: the first that is told replaces it.
    this.snapshot ??= to.first;
    try {
      await to.watch(
        (snapshot) => {
          this.snapshot = snapshot;
          this.gone = null;
        },
        (why) => {
          this.gone = why === "" ? "Pointsman stopped." : why;
        },
        (name) => place.go(name),
      );
    } catch (error) {
      this.gone = error instanceof Error ? error.message : String(error);
    }
  }

  /** Requests that are being answered are told only once somebody looks. */
  async watchLive(): Promise<void> {
    if (this.#watchesLive) return;
    this.#watchesLive = true;
    try {
      await (await shell).watchLive((requests) => (this.live = requests));
    } catch {
      // Without it the history still comes; the next look asks again.
      this.#watchesLive = false;
    }
  }

  /** `127.0.0.1:4747`. */
  get address(): string | null {
    return this.snapshot?.addresses[0] ?? null;
  }
}

export const gateway = new Gateway();

/** The minute, for whatever says how long ago something was. */
class Clock {
  now = $state(Date.now());
  constructor() {
    setInterval(() => (this.now = Date.now()), 20_000);
  }
}

export const time = new Clock();
