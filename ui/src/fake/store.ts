// Conversations in memory, as the gateway keeps them in SQLite.

import type { Conversation, ConversationRow, NewMessage, Reply } from "../bindings.ts";
import { matches } from "../logic/filter.ts";
import { title } from "../logic/conversation.ts";

const row = (conversation: Conversation, search: string | null): ConversationRow => {
  const met = search ? conversation.messages.find((message) => matches(message.text, search)) : undefined;
  return {
    id: conversation.id,
    title: conversation.title,
    updated_ms: Math.max(0, ...conversation.messages.map((message) => message.created_ms)),
    messages: conversation.messages.length,
    excerpt: met ? met.text.replace(/\s+/g, " ").slice(0, 90) : null,
  };
};

export const list = (all: Conversation[], search: string | null): ConversationRow[] =>
  all
    .filter((one) => !search || matches([one.title, ...one.messages.map((message) => message.text)].join(" "), search))
    .map((one) => row(one, search))
    .sort((a, b) => b.updated_ms - a.updated_ms);

export const save = (all: Conversation[], id: number | null, message: NewMessage): Reply => {
  let conversation = all.find((one) => one.id === id);
  if (!conversation) {
    conversation = { id: Math.max(0, ...all.map((one) => one.id)) + 1, title: title(message.text), messages: [] };
    all.push(conversation);
  }
  const next = Math.max(1000, ...all.flatMap((one) => one.messages.map((kept) => kept.id))) + 1;
  conversation.messages.push({
    id: next,
    parent: message.parent ?? null,
    created_ms: Date.now(),
    role: message.role,
    text: message.text,
    reasoning: message.reasoning ?? null,
    images: message.images ?? [],
    facts: message.facts ?? null,
  });
  return { reply: "saved", conversation: conversation.id, message: next };
};
