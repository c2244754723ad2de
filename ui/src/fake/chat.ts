// An answer that streams, as a model would give it.

import type { ChatEvent, ChatRequest } from "../ipc.ts";

const thoughts = "The user wants something short. I will give an example and say what it does.";
const text = `Here is a **short** answer with a bit of code:

\`\`\`python
def greet(name: str) -> str:
    return f"Hello, {name}"
\`\`\`

- It takes a name.
- It returns a greeting.
`;

const words = (from: string): string[] => from.match(/\S+\s*|\s+/g) ?? [];

/** Streams until it is done or `stopped` says so. `pause` is the time between two words. */
export const stream = async (
  request: ChatRequest,
  target: { key: string; local: boolean } | null,
  event: (event: ChatEvent) => void,
  stopped: () => boolean,
  pause: number,
): Promise<void> => {
  const wait = () => new Promise((done) => setTimeout(done, pause));
  const started = performance.now();
  await wait();
  if (!target) {
    event({ type: "error", message: `nothing can answer \`${request.model}\` now; start a runtime or add a provider` });
    return;
  }
  event({ type: "head", target: target.key, local: target.local, attempts: 1, dropped: target.local ? [] : ["top_k"] });
  for (const word of request.reasoning === false ? [] : words(thoughts)) {
    if (stopped()) break;
    event({ type: "reasoning", text: word });
    await wait();
  }
  const first = performance.now() - started;
  const question = request.messages[request.messages.length - 1]?.text ?? "";
  let output = 0;
  for (const word of words(/again|twice/.test(question) ? `${text}\n${text}` : text)) {
    if (stopped()) break;
    event({ type: "text", text: word });
    output += 1;
    await wait();
  }
  const total = performance.now() - started;
  event({
    type: "done",
    finish: stopped() ? "stopped" : "stop",
    input_tokens: 40 + question.length,
    output_tokens: output,
    cached_tokens: 0,
    first_token_ms: first,
    tokens_per_second: output / Math.max(0.001, (total - first) / 1000),
    total_ms: total,
  });
};
