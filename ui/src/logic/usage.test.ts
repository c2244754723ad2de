import { expect, test } from "vitest";
import type { Request, UsageDay } from "../bindings.ts";
import { csv } from "./csv.ts";
import { asCsv, isError, perSecond, steps, toolName } from "./request.ts";
import { chart, lastDays, stacked, totals } from "./usage.ts";

const day = (of: Partial<UsageDay>): UsageDay => ({
  day: "2026-11-22", model: "qwen3:8b", endpoint: "ollama@11434", client: "editor", local: true, requests: 1, errors: 0,
  input_tokens: 10, output_tokens: 5, cached_tokens: 0, first_byte_ms: 100, total_ms: 900, cost_usd: null, ...of,
});
const days = ["2026-11-21", "2026-11-22"];

test("days are the user's own, and end today", () => {
  expect(lastDays(3, new Date(2026, 2, 1, 0, 5))).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
});

test("sums add up, times are weighed", () => {
  const rows = [day({}), day({ day: "2026-11-21", input_tokens: 85 }), day({ client: null, first_byte_ms: 400, requests: 2 })];
  expect(chart(rows, days, "tool", "tokens").series).toEqual([
    { name: "editor", values: [90, 15] },
    { name: "No key", values: [0, 15] },
  ]);
  expect(chart(rows, days, "model", "latency").series).toEqual([{ name: "qwen3:8b", values: [100, 300] }]);
  expect(chart(rows, days, "model", "cost").series, "no price is not nought").toEqual([]);
  expect(chart([day({ local: false })], days, "where", "tokens").series[0]?.name).toBe("Left this machine");
});

test("what is beyond the sixth is one series", () => {
  const rows = Array.from({ length: 9 }, (_, index) => day({ model: `m${index}`, input_tokens: 100 - index }));
  const { series } = chart(rows, days, "model", "tokens");
  expect(series.map((one) => one.name)).toEqual(["m0", "m1", "m2", "m3", "m4", "4 others"]);
  expect(stacked(series.slice(0, 2))).toEqual([[0, 105], [0, 209]]);
});

test("totals keep an unknown price unknown", () => {
  expect(totals([day({}), day({ local: false })])).toMatchObject({ requests: 2, local: 1, cost: null });
  expect(totals([day({ cost_usd: 0.5 }), day({})]).cost).toBe(0.5);
});

test("a cell is never a formula, and never breaks its row", () => {
  expect(csv(["a", "b"], [["x,y", 'say "hi"']])).toBe('a,b\r\n"x,y","say ""hi"""\r\n');
  expect(csv(["a"], [["=1+1"], ["-2"], [-2], [null], [true]])).toBe("a\r\n'=1+1\r\n'-2\r\n-2\r\n\r\ntrue\r\n");
});

test("a request tells its speed where it can", () => {
  const request: Request = {
    id: 1, started_ms: 0, client: null, tool: "claude-cli/1.0.83", surface: "anthropic", operation: "chat", asked: "default",
    endpoint: null, model: null, local: true, stream: true, input_tokens: 4, output_tokens: 101, cached_tokens: null,
    reasoning_tokens: null, units: null, first_byte_us: 500_000, total_us: 2_500_000, status: 200, outcome: "complete",
    attempts: 1, error: null, story: null, texts: false, chunks: 9,
  };
  const missed = { endpoint: "up", model: "m", local: false, ms: 400, reason: "it answered 503" };
  const story = { missed: [missed], dropped: [] };
  const check = (part: Partial<Request>, told: string[]) => expect(steps({ ...request, ...part }).map((step) => `${step.target} ${step.good} ${step.ms}`)).toEqual(told);
  check({}, []);
  check({ endpoint: "a", model: "b" }, ["a/b true 2500"]);
  check({ endpoint: "a", model: "b", attempts: 2, story }, ["up/m false 400", "a/b true 2100"]);
  check({ endpoint: "up", model: "m", outcome: "failed", story }, ["up/m false 400"]);
  expect(perSecond(request)).toBe(50);
  expect(perSecond({ ...request, first_byte_us: null })).toBeNull();
  expect(toolName(request)).toBe("claude-cli");
  expect(isError({ ...request, outcome: "client_gone" }), "a user who presses Escape has lost nothing").toBe(false);
  expect(asCsv([request]).split("\r\n")[1]).toContain("1970-01-01T00:00:00.000Z,,claude-cli/1.0.83,anthropic,chat,default");
});
