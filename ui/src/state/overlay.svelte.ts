// What lies over the window and is asked for from anywhere: a menu, a list to pick from, a question, a note.

import type { Group } from "../logic/search.ts";
import { sentence } from "../ipc.ts";
import { toClipboard } from "./clipboard.ts";
import { gateway } from "./gateway.svelte.ts";

export interface Verb {
  label: string;
  run?: () => unknown;
  /** Why it cannot be done now. */
  not?: string | undefined;
  danger?: boolean;
  keys?: string;
  inside?: Verb[];
}

export type Anchor = HTMLElement | { x: number; y: number };

export interface MenuAsked {
  label: string;
  verbs: Verb[];
  anchor: Anchor;
  back: HTMLElement | null;
}

export interface PickAsked {
  label: string;
  placeholder: string;
  groups: () => Group[];
  empty: string;
  done: (key: string | null) => void;
}

export interface QuestionAsked {
  title: string;
  text: string;
  yes: string;
  danger: boolean;
  field: { label: string; value: string; placeholder: string } | null;
  done: (answer: string | null) => void;
}

export interface Note {
  id: number;
  text: string;
  detail: string | null;
  bad: boolean;
  action: { label: string; run: () => unknown } | null;
}

const focused = (): HTMLElement | null => (document.activeElement instanceof HTMLElement ? document.activeElement : null);

class Overlay {
  menu = $state.raw<MenuAsked | null>(null);
  picking = $state.raw<PickAsked | null>(null);
  question = $state.raw<QuestionAsked | null>(null);
  /** What was typed to narrow a list down. Here, since hands are faster than a list that is still being drawn. */
  typed = $state("");
  /** Whether the choice was made before the list was there. */
  entered = $state(false);
  notes = $state.raw<Note[]>([]);
  #next = 1;

  openMenu(label: string, anchor: Anchor, verbs: Verb[]): void {
    this.menu = { label, verbs, anchor, back: anchor instanceof HTMLElement ? anchor : focused() };
  }

  /** Lets the user pick one; none if they turn away. */
  pick(asked: Omit<PickAsked, "done">): Promise<string | null> {
    this.picking?.done(null);
    this.typed = "";
    this.entered = false;
    return new Promise((resolve) => {
      this.picking = {
        ...asked,
        done: (key) => {
          this.picking = null;
          resolve(key);
        },
      };
    });
  }

  #ask(asked: Omit<QuestionAsked, "done">): Promise<string | null> {
    this.question?.done(null);
    return new Promise((resolve) => {
      this.question = {
        ...asked,
        done: (answer) => {
          this.question = null;
          resolve(answer);
        },
      };
    });
  }

  async confirm(title: string, text: string, yes: string): Promise<boolean> {
    return (await this.#ask({ title, text, yes, danger: true, field: null })) !== null;
  }

  prompt(title: string, text: string, yes: string, label: string, value = "", placeholder = ""): Promise<string | null> {
    return this.#ask({ title, text, yes, danger: false, field: { label, value, placeholder } });
  }

  note(text: string, action: Note["action"] = null): void {
    this.#show({ id: this.#next, text, detail: null, bad: false, action });
  }

  /** What could not be done, and why. It stays until it is closed. */
  problem(text: string, error: unknown): void {
    this.#show({ id: this.#next, text, detail: sentence(error), bad: true, action: null });
  }

  dismiss(id: number): void {
    this.notes = this.notes.filter((note) => note.id !== id);
  }

  #show(note: Note): void {
    this.#next += 1;
    const same = (other: Note) => other.text === note.text && other.detail === note.detail;
    this.notes = [...this.notes.filter((other) => !same(other)).slice(-2), note];
    if (!note.bad) setTimeout(() => this.dismiss(note.id), note.action ? 8000 : 4000);
  }
}

export const overlay = new Overlay();

/** Does something and tells if it could not be done. */
export const attempt = async (failing: string, work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    overlay.problem(failing, error);
    return false;
  }
};

/** Reads something nobody asked for just now: where the gateway is gone, one banner says so and not each view. */
export const reads = async (failing: string, work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    if (gateway.gone === null) overlay.problem(failing, error);
    return false;
  }
};

/** Puts a text on the clipboard and says so. */
export const copy = async (text: string, what: string): Promise<void> => {
  if (await attempt("It could not be copied.", () => toClipboard(text))) overlay.note(`${what} copied.`);
};
