import { expect, test } from "vitest";
import { search, type Group } from "./search.ts";

const groups: Group[] = [
  { title: "Views", choices: [{ key: "models", label: "Models" }, { key: "chat", label: "Chat" }] },
  {
    title: "Models",
    choices: [
      { key: "a", label: "llama3.3:70b", detail: "Ollama" },
      { key: "b", label: "codellama", detail: "Ollama" },
      { key: "c", label: "qwen3:8b", detail: "llama.cpp", also: "stays" },
    ],
  },
];
const keys = (text: string, most = 10) => search(groups, text, most).groups.flatMap((group) => group.choices.map((one) => one.key));

test("all of it is there until something is typed", () => {
  expect(keys("")).toEqual(["models", "chat", "a", "b", "c"]);
  expect(search(groups, "", 3)).toMatchObject({ more: 2 });
});

test("a name that begins so comes before one that has it inside", () => {
  expect(keys("llama")).toEqual(["a", "b", "c"]);
  expect(keys("stays qwen")).toEqual(["c"]);
  expect(keys("ollama 70")).toEqual(["a"]);
  expect(keys("nothing")).toEqual([]);
});
