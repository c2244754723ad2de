import { expect, test } from "vitest";
import { settings } from "../fake/tables.ts";
import { addressProblem, freeName } from "./provider.ts";
import { isFirstRun } from "./first.ts";
import { empty, first, normal } from "../fake/scenarios.ts";
import { grouped, lines, nameOf, numberProblem, spoken } from "./setting.ts";

test("settings stand in the groups of their file", () => {
  expect(grouped(settings()).map((group) => group.title)).toEqual(["Serving", "Log", "Finding runtimes", "Built-in runtime", "Ollama-compatible port", "History", "Kept answers"]);
  expect(nameOf("limits.body_bytes")).toBe("Body bytes");
  expect(spoken([])).toBe("none");
  expect(spoken(false)).toBe("off");
  expect(numberProblem("70000", 1, 65535)).toBe("From 1 to 65535.");
  expect(numberProblem("1.5", 1, 9)).toBe("A whole number.");
  expect(numberProblem("4747", 1, 65535)).toBeNull();
  expect(lines(" a \n\n b")).toEqual(["a", "b"]);
});

test("addresses and names are checked before they are sent", () => {
  expect(freeName("openai", ["openai", "openai-2"])).toBe("openai-3");
  expect(addressProblem("vllm:8000")).toBe("It begins with https:// or http://.");
  expect(addressProblem("http://user:key@host")).toContain("A key does not belong");
  expect(addressProblem("http://vllm.lab.example:8000")).toBeNull();
});

test("the first page comes once, and only where nothing was set up", () => {
  expect(isFirstRun(first().snapshot, false)).toBe(true);
  expect(isFirstRun(first().snapshot, true)).toBe(false);
  expect(isFirstRun(empty().snapshot, false), "a key was made").toBe(false);
  expect(isFirstRun(normal().snapshot, false)).toBe(false);
});
