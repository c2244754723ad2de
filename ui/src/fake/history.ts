// Requests, days and conversations that look like a fortnight of work. The same at every start: pictures can be compared.

import type { Conversation, Request, Texts, UsageDay } from "../bindings.ts";
import { lastDays } from "../logic/usage.ts";

/** Numbers by chance that are the same each time. */
const chance = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

const answered = [
  { client: "claude-code", tool: "claude-cli/2.1.330", surface: "anthropic", asked: "claude-sonnet-5", endpoint: "anthropic", model: "claude-sonnet-5", local: false, price: 9e-6 },
  { client: "editor", tool: "Zed/0.210.1", surface: "ollama", asked: "default", endpoint: "ollama@11434", model: "qwen3:8b", local: true, price: 0 },
  { client: "aider", tool: "aider/0.91", surface: "openai", asked: "code", endpoint: "llamacpp@8080", model: "Qwen2.5-Coder-7B-Instruct-Q5_K_M.gguf", local: true, price: 0 },
  { client: null, tool: "curl/8.9.1", surface: "openai", asked: "qwen3:8b", endpoint: "ollama@11434", model: "qwen3:8b", local: true, price: 0 },
];

const failed: Partial<Request>[] = [
  { outcome: "failed", status: 502, attempts: 2, error: "llamacpp@8080 refused the connection, then ollama@11434 did not answer within 600 s", output_tokens: null },
  { outcome: "refused", status: 404, attempts: 0, error: "no model named `qwen3:80b`; did you mean `qwen3:8b`?", endpoint: null, model: null, input_tokens: null, output_tokens: null, first_byte_us: null },
  { outcome: "upstream_died", status: 200, error: "ollama@11434 closed the connection in the middle of its answer" },
  { outcome: "client_gone", status: 200 },
];

/** Somebody else was asked before, and not everything could be told. */
const story = (answered: string) => ({
  missed: [{ endpoint: answered === "llamacpp@8080" ? "anthropic" : "llamacpp@8080", model: answered === "llamacpp@8080" ? "claude-sonnet-5" : "Qwen2.5-Coder-7B-Instruct-Q5_K_M.gguf", local: answered !== "llamacpp@8080", ms: 412, reason: "it answered 503 Service Unavailable" }],
  dropped: ["top_k", "metadata"],
});

export const requests = (number: number, now: number): Request[] => {
  const random = chance(7);
  const rows: Request[] = [];
  let started = now - 40_000;
  for (let id = number; id > 0; id -= 1) {
    const who = answered[Math.floor(random() * answered.length)] ?? answered[0];
    if (!who) break;
    const { price, ...names } = who;
    const told = (number - id) % 9 === 0;
    const input = Math.floor(400 + random() * 18_000);
    const output = Math.floor(20 + random() * 900);
    const first = Math.floor(120_000 + random() * 900_000);
    rows.push({
      id,
      started_ms: started,
      ...names,
      operation: "chat",
      stream: random() > 0.2,
      input_tokens: input,
      output_tokens: output,
      cached_tokens: random() > 0.4 ? Math.floor(input * random()) : 0,
      reasoning_tokens: null,
      units: null,
      first_byte_us: first,
      total_us: first + output * (names.local ? 24_000 : 11_000),
      status: 200,
      outcome: "complete",
      attempts: told ? 2 : 1,
      error: null,
      chunks: output,
      story: told ? story(names.endpoint) : null,
      texts: number - id < 3,
      ...(price > 0 ? { cost_usd: ((input / 2 + output * 2) * price).toFixed(6) } : {}),
      ...(random() > 0.9 ? failed[id % failed.length] : {}),
    });
    started -= Math.floor(20_000 + random() * 900_000);
  }
  return rows;
};

const asked = JSON.stringify({ model: "default", stream: true, messages: [{ role: "user", content: "Rename `retry` to `again` in src/lib.rs. My key is [redacted]." }] });
const said = 'data: {"choices":[{"index":0,"delta":{"content":"Done"}}]}\n\ndata: [DONE]\n\n';

export const texts: Texts = { asked, asked_bytes: asked.length, said, said_bytes: 90_000 };

export const usage = (days: number, today: Date): UsageDay[] => {
  const random = chance(11);
  return lastDays(days, today)
    .reverse()
    .flatMap((day) =>
      answered
        .filter(() => random() > 0.15)
        .map((who): UsageDay => {
          const number = Math.floor(4 + random() * 60);
          const input = Math.floor(number * (1500 + random() * 6000));
          const output = Math.floor(number * (150 + random() * 400));
          return {
            day,
            model: who.model,
            endpoint: who.endpoint,
            client: who.client,
            local: who.local,
            requests: number,
            errors: random() > 0.7 ? Math.floor(random() * 5) : 0,
            input_tokens: input,
            output_tokens: output,
            cached_tokens: Math.floor(input * 0.6),
            first_byte_ms: 180 + random() * 900,
            total_ms: 2400 + random() * 9000,
            cost_usd: who.local ? null : (input / 2 + output * 2) * who.price,
          };
        }),
    );
};

const facts = {
  asked: "default", target: "ollama@11434/qwen3:8b", local: true, attempts: 1, dropped: [], finish: "stop", input_tokens: 1840,
  output_tokens: 213, cached_tokens: 1200, first_token_ms: 212, tokens_per_second: 41.7, total_ms: 5300, reasoning_ms: 2100,
};

const answer = `A \`watch\` channel keeps **only the newest value**, so a slow reader never holds up the writer.

1. The writer calls \`send_modify\`.
2. Readers wake, and read what is there *then*.

\`\`\`rust
let (changes, mut seen) = tokio::sync::watch::channel(0u64);
tokio::spawn(async move {
    while seen.changed().await.is_ok() {
        println!("revision {}", *seen.borrow_and_update());
    }
});
changes.send_modify(|count| *count += 1); // every reader wakes once
\`\`\`

| | \`watch\` | \`mpsc\` |
|---|---|---|
| keeps | the newest | every one |
| readers | many | one |

More is in [its documentation](https://docs.rs/tokio).`;

export const conversations = (now: number): Conversation[] => [
  {
    id: 3,
    title: "Watch channels in tokio",
    messages: [
      { id: 31, parent: null, created_ms: now - 260_000, role: "user", text: "When would I take a watch channel rather than mpsc?", reasoning: null, images: [], facts: null },
      { id: 32, parent: 31, created_ms: now - 250_000, role: "assistant", text: "Take `watch` when only the latest value matters.", reasoning: null, images: [], facts },
      { id: 33, parent: 31, created_ms: now - 240_000, role: "assistant", text: answer, reasoning: "The user asks about tokio channels. `watch` keeps the newest value; `mpsc` queues.\n\nAn example helps.", images: [], facts },
    ],
  },
  {
    id: 2,
    title: "Rename the release notes",
    messages: [
      { id: 21, parent: null, created_ms: now - 5_000_000, role: "user", text: "Give me a shorter title for “Notes on the changes that this release makes to the settings file”.", reasoning: null, images: [], facts: null },
      { id: 22, parent: 21, created_ms: now - 4_990_000, role: "assistant", text: "**Settings: what changes in this release**", reasoning: null, images: [], facts: { ...facts, target: "anthropic/claude-sonnet-5", local: false, asked: "code", dropped: ["top_k"] } },
    ],
  },
  {
    id: 1,
    title: "A very long title that a person gave to a conversation about many things at once",
    messages: [
      { id: 11, parent: null, created_ms: now - 200_000_000, role: "user", text: "hello", reasoning: null, images: [], facts: null },
      { id: 12, parent: 11, created_ms: now - 199_990_000, role: "assistant", text: "Hello. What are we doing today?", reasoning: null, images: [], facts },
    ],
  },
];
