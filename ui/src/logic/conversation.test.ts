import { expect, test } from "vitest";
import type { Message } from "../bindings.ts";
import { asJson, asMarkdown, branch, choose, factsOf, fileName, sent, title } from "./conversation.ts";

const message = (id: number, parent: number | null, role: string, text: string, facts = {}): Message => ({
  id,
  parent,
  created_ms: id,
  role,
  text,
  reasoning: role === "assistant" ? "hm" : null,
  images: [],
  facts,
});

// A question, two answers, the first of which was gone on with; and an edit of the question.
const tree = [
  message(1, null, "user", "hello"),
  message(2, 1, "assistant", "hi", { target: "ollama@11434/qwen3:8b", local: true }),
  message(3, 2, "user", "more"),
  message(4, 1, "assistant", "hi again"),
  message(5, null, "user", "hello, edited"),
];
const ids = (choice: Map<number, number>) => branch(tree, choice).map((shown) => shown.message.id);
const at = (id: number): Message => {
  const found = tree.find((message) => message.id === id);
  if (!found) throw new Error(`no message ${id}`);
  return found;
};

test("the newest branch is shown until another is chosen", () => {
  expect(ids(new Map())).toEqual([5]);
  expect(ids(new Map(choose(new Map(), at(1))))).toEqual([1, 4]);
  expect(ids(new Map(choose(choose(new Map(), at(1)), at(2))))).toEqual([1, 2, 3]);
  const fork = branch(tree, new Map([[0, 1]]))[1];
  expect([fork?.index, fork?.siblings.length]).toEqual([1, 2]);
});

test("a broken tree still shows what is there", () => {
  expect(branch([message(2, 9, "user", "orphan")], new Map()).map((shown) => shown.message.id)).toEqual([2]);
  expect(branch([message(2, 2, "user", "its own parent")], new Map())).toEqual([]);
  expect(factsOf(message(1, null, "user", "", ["no", "facts"]))).toEqual({});
});

test("what a model thought is not sent back to it", () => {
  expect(sent(branch(tree, new Map([[0, 1], [1, 2]])))).toEqual([
    { role: "user", text: "hello", images: [] },
    { role: "assistant", text: "hi", images: [] },
    { role: "user", text: "more", images: [] },
  ]);
});

test("an export says who answered", () => {
  const conversation = { id: 1, title: "Greeting", messages: tree };
  const text = asMarkdown(conversation, new Map([[0, 1], [1, 2]]));
  expect(text).toBe("# Greeting\n\n## You\n\nhello\n\n## Answer · ollama@11434/qwen3:8b\n\nhi\n\n## You\n\nmore\n");
  expect((JSON.parse(asJson(conversation)) as { messages: unknown[] }).messages, "every branch").toHaveLength(5);
});

test("titles and file names are short and plain", () => {
  expect(title("  What is up?\nmore")).toBe("What is up?");
  expect(title("x".repeat(99))).toHaveLength(60);
  expect(title(" ")).toBe("New chat");
  expect(fileName("Settings: 1/2 ../etc", "md")).toBe("Settings-1-2-etc.md");
  expect(fileName("???", "json")).toBe("chat.json");
});
