// A conversation is a tree: an edit or another try is a sibling, and nothing is lost.

import type { Conversation, Json, Message } from "../bindings.ts";

/** Who answered and how fast, as it is kept beside an answer. */
export interface Facts {
  asked?: string;
  target?: string | null;
  local?: boolean;
  attempts?: number;
  dropped?: string[];
  finish?: string | null;
  input_tokens?: number | null;
  output_tokens?: number | null;
  cached_tokens?: number | null;
  first_token_ms?: number | null;
  tokens_per_second?: number | null;
  total_ms?: number | null;
  reasoning_ms?: number | null;
  stopped?: boolean;
  error?: string;
}

/** The facts of a message; whatever else stands there is no fact. */
export const factsOf = (message: Message): Facts => {
  const facts: Json = message.facts;
  return facts !== null && typeof facts === "object" && !Array.isArray(facts) ? (facts as Facts) : {};
};

/** Which child of a message is shown, by the message's id; 0 stands for the beginning. */
export type Choice = ReadonlyMap<number, number>;

const ROOT = 0;

const children = (messages: Message[]): Map<number, Message[]> => {
  const known = new Set(messages.map((message) => message.id));
  const of = new Map<number, Message[]>();
  for (const message of messages) {
    // A parent that is not there would hide the message.
    const parent = message.parent !== null && known.has(message.parent) ? message.parent : ROOT;
    const list = of.get(parent);
    if (list) list.push(message);
    else of.set(parent, [message]);
  }
  return of;
};

/** A message on the way shown, with its place among the messages that follow the same one. */
export interface Shown {
  message: Message;
  index: number;
  siblings: Message[];
}

/** The branch that is shown: at each fork the chosen message, else the newest. */
export const branch = (messages: Message[], choice: Choice): Shown[] => {
  const of = children(messages);
  const shown: Shown[] = [];
  const seen = new Set<number>();
  let at = ROOT;
  for (;;) {
    const siblings = of.get(at);
    if (!siblings) return shown;
    const chosen = siblings.find((message) => message.id === choice.get(at)) ?? siblings[siblings.length - 1];
    if (!chosen || seen.has(chosen.id)) return shown;
    seen.add(chosen.id);
    shown.push({ message: chosen, index: siblings.indexOf(chosen), siblings });
    at = chosen.id;
  }
};

/** The choice after this message was picked among its siblings. */
export const choose = (choice: Choice, message: Message): Choice => new Map(choice).set(message.parent ?? ROOT, message.id);

/** What is sent to the model: the branch up to here, without what a model thought. */
export const sent = (shown: Shown[]): { role: string; text: string; images: string[] }[] =>
  shown.map(({ message }) => ({ role: message.role, text: message.text, images: message.images }));

/** A title until the user gives another: the first words. */
export const title = (text: string): string => {
  const line = text.trim().split("\n")[0]?.trim() ?? "";
  return line.length > 60 ? `${line.slice(0, 59).trimEnd()}…` : line || "New chat";
};

const heading: Record<string, string> = { user: "You", assistant: "Answer", system: "System" };

/** The branch that is shown as Markdown. */
export const asMarkdown = (conversation: Conversation, choice: Choice): string => {
  const parts = branch(conversation.messages, choice).map(({ message }) => {
    const target = factsOf(message).target;
    const by = message.role === "assistant" && target ? ` · ${target}` : "";
    const images = message.images.map((_, index) => `*[image ${index + 1}]*`);
    return [`## ${heading[message.role] ?? message.role}${by}`, ...images, message.text.trim()].join("\n\n");
  });
  return `# ${conversation.title}\n\n${parts.join("\n\n")}\n`;
};

/** Every branch as JSON. */
export const asJson = (conversation: Conversation): string => `${JSON.stringify(conversation, null, 2)}\n`;

/** A file name from a title: letters, digits and hyphens. */
export const fileName = (title: string, extension: string): string => {
  const plain = title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  return `${plain || "chat"}.${extension}`;
};
