import { expect, test } from "vitest";
import type { EndpointView, Machine, Model, Snapshot } from "../bindings.ts";
import { normal } from "../fake/scenarios.ts";
import { filter, matches, searchable } from "./filter.ts";
import { fit, held } from "./fit.ts";
import { heldStill, inOrder, rows } from "./rows.ts";
import { find, keyOf, moved, nameOf, putFirst } from "./target.ts";
import { scrollTo, visible } from "./virtual.ts";

const GIB = 1024 ** 3;
const snapshot: Snapshot = normal().snapshot;
const model = (id: string): Model => {
  const found = snapshot.models.find((model) => model.id === id);
  if (!found) throw new Error(`no model ${id} in the scenario`);
  return found;
};
const named = (search: string, kind: "all" | "local" | "hosted" | "loaded" = "all"): string[] =>
  filter(snapshot.models, searchable(snapshot), search, kind).map((model) => model.id);

test("a filter wants every word, wherever it stands", () => {
  expect(matches("Qwen3 8B · Ollama", "olla qwen")).toBe(true);
  expect(matches("Qwen3 8B · Ollama", "qwen vllm")).toBe(false);
  expect(named("qwen3 ollama")).toContain("qwen3:8b");
  expect(named("", "hosted").every((id) => !model(id).local)).toBe(true);
  expect(named("", "loaded").every((id) => model(id).state === "loaded")).toBe(true);
  expect(named("vision", "hosted")).toContain("claude-sonnet-5");
  expect(named("no such thing")).toEqual([]);
});

test("a target's name leads to its model, however it is written", () => {
  const qwen = model("qwen3:8b");
  expect(nameOf(qwen, snapshot.endpoints)).toBe("ollama/qwen3:8b");
  for (const name of ["ollama/qwen3:8b", "ollama:qwen3:8b", "ollama@11434/qwen3:8b", "qwen3:8b"]) {
    expect(find(name, snapshot).map(keyOf), name).toEqual(["ollama@11434/qwen3:8b"]);
  }
  expect(find("ollama/none", snapshot)).toEqual([]);
  const twice: EndpointView[] = [...snapshot.endpoints, { ...at("ollama@11434"), id: "ollama@11500" }];
  expect(nameOf(qwen, twice), "two of a runtime are told apart by port").toBe("ollama@11434/qwen3:8b");
});

const at = (id: string): EndpointView => {
  const found = snapshot.endpoints.find((endpoint) => endpoint.id === id);
  if (!found) throw new Error(`no endpoint ${id}`);
  return found;
};

test("targets move, and the ends hold them", () => {
  expect(putFirst(["a", "b", "c"], "c")).toEqual(["c", "a", "b"]);
  expect(putFirst([], "c")).toEqual(["c"]);
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, -1)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], 0, 9)).toEqual(["b", "c", "a"]);
});

test("what does not fit is told with both numbers", () => {
  const machine: Machine = { memory_total: 16 * GIB, memory_available: 6 * GIB, gpus: [] };
  const cold = (size: number): Model => ({ ...model("qwen3:8b"), state: "cold", memory: undefined, size });
  expect(fit(cold(5 * GIB), machine)).toEqual({ fit: "fits" });
  expect(fit(cold(12 * GIB), machine)).toEqual({ fit: "not_now", says: "needs 12 GB, 6 free" });
  expect(fit(cold(40 * GIB), machine)).toEqual({ fit: "never", says: "needs 40 GB, the machine has 16 GB" });
  const gpus = [{ name: "GPU", memory_total: 24 * GIB, memory_free: 24 * GIB }];
  expect(fit(cold(12 * GIB), { ...machine, gpus }), "a GPU's memory counts").toEqual({ fit: "fits" });
  expect(fit(model("claude-sonnet-5"), machine)).toEqual({ fit: "unknown" });
  const loaded = { ...model("qwen3:8b"), state: "loaded" as const, memory: 6 * GIB, gpu_memory: 4 * GIB };
  expect(held([loaded, cold(GIB)])).toEqual({ machine: 2 * GIB, gpu: 4 * GIB });
});

test("local endpoints come first, and every part has its heading", () => {
  const order = inOrder(snapshot.endpoints).map((endpoint) => endpoint.local);
  expect(order).toEqual([...order].sort((a, b) => Number(b) - Number(a)));
  const all = rows(snapshot, snapshot.models, false);
  expect(all.filter((row) => row.kind === "model")).toHaveLength(snapshot.models.length);
  expect(new Set(all.map((row) => row.key)).size, "keys are unique").toBe(all.length);
  const some = rows(snapshot, [model("qwen3:8b")], true);
  expect(some.map((row) => row.kind)).toEqual(["endpoint", "model"]);
});

test("a list that is pointed at holds still", () => {
  const before = rows(snapshot, snapshot.models, false);
  const without = snapshot.models.filter((model) => model.id !== "qwen3:8b");
  const added = { ...model("qwen3:8b"), id: "aaa:new" };
  const now = rows({ ...snapshot, models: [added, ...without] }, [added, ...without], false);
  const still = heldStill(before, now);
  expect(still.rows.map((row) => row.key)).toEqual(before.map((row) => row.key));
  expect(still.waiting, "the new one waits").toBe(1);
  const gone = still.rows.find((row) => row.kind === "model" && row.model.id === "qwen3:8b");
  expect(gone).toMatchObject({ gone: true });
});

test("only what is seen is drawn", () => {
  expect(visible(0, 360, 36, 2000, 2)).toEqual({ first: 0, last: 12 });
  expect(visible(3600, 360, 36, 2000, 2)).toEqual({ first: 98, last: 112 });
  expect(visible(99_999, 360, 36, 5, 2)).toEqual({ first: 5, last: 5 });
  expect(scrollTo(0, 100, 360, 36)).toBe(0);
  expect(scrollTo(20, 0, 360, 36)).toBe(396);
  expect(scrollTo(3, 0, 360, 36)).toBe(0);
});
