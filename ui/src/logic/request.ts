// One request of the history in words: how it ended, how fast it was, where it went.

import type { Outcome, Request } from "../bindings.ts";
import { csv } from "./csv.ts";

export const outcome: Record<Outcome, string> = {
  complete: "Done",
  client_gone: "Given up by the tool",
  upstream_died: "Broke off",
  refused: "Refused",
  failed: "Failed",
  cancelled: "Given up here",
};

/** Why it ended so, for whoever opens it. */
export const meaning: Record<Outcome, string> = {
  complete: "The tool has the whole answer.",
  client_gone: "The tool hung up before the end.",
  upstream_died: "What answered broke off after the first byte; nothing else may be tried then.",
  refused: "Pointsman said no and asked nobody: a key, a limit, or a name that it does not know.",
  failed: "Everything that could answer failed before its first byte.",
  cancelled: "Somebody gave it up in this window before it ended.",
};

export const isError = (request: Request): boolean =>
  request.outcome === "upstream_died" || request.outcome === "refused" || request.outcome === "failed";

/** One target that was asked, and what came of it. */
export interface Step {
  target: string;
  local: boolean;
  ms: number;
  said: string;
  good: boolean;
}

/** Every target that was asked, in order: those in vain, then whoever the row names, unless it is the last of them. */
export const steps = (request: Request): Step[] => {
  const missed = (request.story?.missed ?? []).map((one): Step => ({ target: `${one.endpoint}/${one.model}`, local: one.local, ms: one.ms, said: one.reason, good: false }));
  if (request.endpoint === null || request.attempts <= missed.length) return missed;
  const before = missed.reduce((sum, one) => sum + one.ms, 0);
  const good = request.outcome === "complete" || request.outcome === "client_gone" || request.outcome === "cancelled";
  const last = { target: `${request.endpoint}/${request.model ?? ""}`, local: request.local, ms: Math.max(0, request.total_us / 1000 - before), said: request.error ?? meaning[request.outcome], good };
  return [...missed, last];
};

/** Tokens of the answer a second, after the first; none where nothing is to be measured. */
export const perSecond = (request: Request): number | null => {
  if (request.first_byte_us === null || request.output_tokens === null) return null;
  const seconds = (request.total_us - request.first_byte_us) / 1e6;
  return seconds > 0.001 && request.output_tokens > 1 ? (request.output_tokens - 1) / seconds : null;
};

/** The protocols as a person calls them. */
export const surface: Record<string, string> = {
  openai: "OpenAI chat completions",
  "openai-responses": "OpenAI Responses",
  anthropic: "Anthropic Messages",
  gemini: "Gemini",
  ollama: "Ollama's native API",
};

/** The tool's name without its version: `claude-cli/1.0.83` is `claude-cli`. */
export const toolName = (request: { tool: string | null; client: string | null }): string =>
  request.client ?? request.tool?.split("/")[0] ?? "unknown";

/** The history as a spreadsheet wants it. */
export const asCsv = (requests: Request[]): string =>
  csv(
    [
      "time", "client", "tool", "surface", "operation", "asked", "endpoint", "model", "local", "stream",
      "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "first_byte_ms", "total_ms",
      "status", "outcome", "attempts", "error", "cost_usd",
    ],
    requests.map((row) => [
      new Date(row.started_ms).toISOString(), row.client, row.tool, row.surface, row.operation, row.asked, row.endpoint,
      row.model, row.local, row.stream, row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens,
      row.first_byte_us === null ? null : row.first_byte_us / 1000, row.total_us / 1000,
      row.status, row.outcome, row.attempts, row.error, row.cost_usd,
    ]),
  );
