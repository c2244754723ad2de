// The open conversation, and the list of all.

import type { Conversation, ConversationRow, Json, Message, NewMessage } from "../../bindings.ts";
import { ask, tell } from "../../ipc.ts";
import { branch, choose, sent, title, type Choice, type Shown } from "../../logic/conversation.ts";
import { attempt, reads } from "../../state/overlay.svelte.ts";
import { Run } from "./run.svelte.ts";

class Session {
  rows = $state.raw<ConversationRow[]>([]);
  listed = $state(false);
  search = $state("");
  open = $state.raw<Conversation | null>(null);
  choice = $state.raw<Choice>(new Map());
  /** Answers that are coming, by conversation. */
  #runs = $state.raw<ReadonlyMap<number, Run>>(new Map());
  #asked = 0;

  shown = $derived<Shown[]>(this.open ? branch(this.open.messages, this.choice) : []);
  run = $derived(this.open ? this.#runs.get(this.open.id) : undefined);

  runs(id: number): boolean {
    return this.#runs.has(id);
  }

  async list(): Promise<void> {
    const turn = ++this.#asked;
    const search = this.search.trim();
    await reads("The conversations could not be read.", async () => {
      const { rows } = await ask({ command: "conversations", search: search === "" ? null : search }, "conversations");
      // An answer to an older search may come later.
      if (turn === this.#asked) this.rows = rows;
      this.listed = true;
    });
  }

  async show(id: number): Promise<void> {
    await attempt("The conversation could not be opened.", async () => {
      const { reply: _, ...conversation } = await ask({ command: "conversation", id }, "conversation");
      this.open = conversation;
      this.choice = new Map();
    });
  }

  fresh(): void {
    this.open = null;
    this.choice = new Map();
  }

  pick(message: Message): void {
    this.choice = choose(this.choice, message);
  }

  /** Keeps a question, and has it answered. `after` is the message that it follows. False if it could not be kept. */
  async send(text: string, images: string[], model: string, after: number | null, reasoning?: boolean): Promise<boolean> {
    const message: NewMessage = { parent: after, role: "user", text, images };
    const saved = await this.#keep(this.open?.id ?? null, message, text);
    if (!saved) return false;
    void this.#answer(saved, model, reasoning);
    return true;
  }

  /** Has the question before this answer answered once more, as another branch. */
  again(answer: Message, model: string, reasoning?: boolean): void {
    const question = this.open?.messages.find((message) => message.id === answer.parent);
    if (question) void this.#answer(question, model, reasoning);
  }

  /** Has a question answered that has no answer, as after an error. */
  answer(question: Message, model: string, reasoning?: boolean): void {
    void this.#answer(question, model, reasoning);
  }

  async rename(id: number, title: string): Promise<void> {
    const done = await attempt("It could not be renamed.", () => tell({ command: "rename_conversation", id, title }));
    if (done && this.open?.id === id) this.open = { ...this.open, title };
    await this.list();
  }

  async remove(id: number): Promise<void> {
    if (!(await attempt("It could not be deleted.", () => tell({ command: "delete_conversation", id })))) return;
    if (this.open?.id === id) this.fresh();
    await this.list();
  }

  async #answer(question: Message, model: string, reasoning?: boolean): Promise<void> {
    const conversation = this.open;
    if (!conversation || this.#runs.has(conversation.id)) return;
    const { id } = conversation;
    this.choice = choose(this.choice, question);
    const upTo = branch(conversation.messages, this.#towards(question));
    const at = upTo.findIndex((shown) => shown.message.id === question.id);
    const run = new Run(question.id);
    this.#runs = new Map(this.#runs).set(id, run);
    await run.start({ model, messages: sent(upTo.slice(0, at + 1)), ...(reasoning === undefined ? {} : { reasoning }) });
    // What came is kept, even if it broke off: the user saw it.
    if (run.text !== "" || run.reasoning !== "") {
      const facts = JSON.parse(JSON.stringify(run.facts)) as Json;
      const reasoning = run.reasoning === "" ? null : run.reasoning;
      const kept = await this.#keep(id, { parent: question.id, role: "assistant", text: run.text, reasoning, facts }, "");
      if (kept) this.choice = choose(this.choice, kept);
    }
    if (run.error === null || run.text !== "") this.#forget(id);
    void this.list();
  }

  /** Takes a failed answer away. */
  dismiss(): void {
    if (this.open) this.#forget(this.open.id);
  }

  #forget(id: number): void {
    const rest = new Map(this.#runs);
    rest.delete(id);
    this.#runs = rest;
  }

  /** The choices on the way to this message. */
  #towards(message: Message): Choice {
    let choice: Choice = this.choice;
    const byId = new Map((this.open?.messages ?? []).map((one) => [one.id, one]));
    const seen = new Set<number>();
    for (let at: Message | undefined = message; at && !seen.has(at.id); at = at.parent === null ? undefined : byId.get(at.parent)) {
      seen.add(at.id);
      choice = choose(choice, at);
    }
    return choice;
  }

  async #keep(conversation: number | null, message: NewMessage, named: string): Promise<Message | null> {
    let kept: Message | null = null;
    await attempt("The message could not be kept.", async () => {
      const saved = await ask({ command: "save_message", conversation, message }, "saved");
      kept = {
        id: saved.message,
        parent: message.parent ?? null,
        created_ms: Date.now(),
        role: message.role,
        text: message.text,
        reasoning: message.reasoning ?? null,
        images: message.images ?? [],
        facts: message.facts ?? null,
      };
      if (conversation === null) {
        this.open = { id: saved.conversation, title: title(named), messages: [kept] };
        this.choice = new Map();
        void this.list();
      } else if (this.open?.id === conversation) {
        this.open = { ...this.open, messages: [...this.open.messages, kept] };
      }
    });
    return kept;
  }
}

export const session = new Session();
