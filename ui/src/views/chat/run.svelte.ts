// One answer while it comes.

import { sentence, shell, type ChatEvent, type ChatRequest } from "../../ipc.ts";
import type { Facts } from "../../logic/conversation.ts";

export class Run {
  readonly id = crypto.randomUUID();
  /** The message that it answers. */
  readonly parent: number;
  text = $state("");
  reasoning = $state("");
  /** How long the model thought, once it speaks. */
  reasoningMs = $state<number | null>(null);
  facts = $state.raw<Facts>({});
  error = $state<string | null>(null);
  /** What came and is not shown yet: a page is drawn sixty times a second, tokens come faster. */
  #waiting = { text: "", reasoning: "" };
  #frame = 0;
  #thoughtSince: number | null = null;
  #stopped = false;
  #end: (() => void) | null = null;

  constructor(parent: number) {
    this.parent = parent;
  }

  /** Comes back when there is nothing more to come. */
  async start(request: Omit<ChatRequest, "id">): Promise<void> {
    this.facts = { asked: request.model };
    const ended = new Promise<void>((done) => (this.#end = done));
    try {
      const to = await shell;
      // The shell may come back at once or at the end; what counts is the last event.
      to.chat({ ...request, id: this.id }, (event) => this.#heard(event)).catch((error: unknown) => this.#fail(sentence(error)));
      await ended;
    } catch (error) {
      this.#fail(sentence(error));
    }
    this.#show();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.facts = { ...this.facts, stopped: true };
    try {
      await (await shell).stopChat(this.id);
    } finally {
      // Whatever the shell still says: to the user it has stopped.
      this.#end?.();
    }
  }

  #heard(event: ChatEvent): void {
    if (this.#stopped && event.type !== "done") return;
    switch (event.type) {
      case "head": {
        const { target, local, attempts, dropped } = event;
        this.facts = { ...this.facts, target, local, attempts, dropped };
        return;
      }
      case "reasoning":
        this.#thoughtSince ??= performance.now();
        this.#waiting.reasoning += event.text;
        this.#soon();
        return;
      case "text":
        this.#thought();
        this.#waiting.text += event.text;
        this.#soon();
        return;
      case "done": {
        const { type: _, ...numbers } = event;
        this.facts = { ...this.facts, ...numbers };
        this.#thought();
        this.#end?.();
        return;
      }
      case "error":
        this.#fail(event.message);
    }
  }

  #thought(): void {
    if (this.#thoughtSince === null || this.reasoningMs !== null) return;
    this.reasoningMs = performance.now() - this.#thoughtSince;
    this.facts = { ...this.facts, reasoning_ms: this.reasoningMs };
  }

  #fail(message: string): void {
    if (!this.#stopped) {
      this.error = message;
      this.facts = { ...this.facts, error: message };
    }
    this.#end?.();
  }

  #soon(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.text += this.#waiting.text;
    this.reasoning += this.#waiting.reasoning;
    this.#waiting = { text: "", reasoning: "" };
  }
}
