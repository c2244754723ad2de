// Ollama's own JavaScript SDK against a gateway: ollama_sdk.mjs BASE_URL MODEL EMBEDDER

import assert from "node:assert/strict";
import { all, openaiMessages, require, TOOL, WANTED } from "./tools.mjs";

const { Ollama } = require("ollama");
const [base, model, embedder] = process.argv.slice(2);
const client = new Ollama({ host: base });
const short = { model, messages: [{ role: "user", content: "Say hello." }], options: { num_predict: 12, temperature: 0 } };

// As Ollama does, a name without a tag is listed with one.
assert((await client.list()).models.some((row) => row.model.replace(/:latest$/, "") === model), "it is listed");
assert((await client.show({ model })).capabilities.includes("tools"));

const whole = await client.chat(short);
assert(whole.message.content && whole.done && whole.eval_count > 0);
const parts = await all(await client.chat({ ...short, stream: true }));
assert.equal(parts.map((part) => part.message.content).join(""), whole.message.content, "both say the same");

const called = await all(await client.chat({ model, messages: openaiMessages((value) => value), tools: [TOOL],
  options: { num_predict: 200, temperature: 0 }, stream: true }));
assert.deepEqual(called.flatMap((part) => part.message.tool_calls ?? []).map((call) => call.function.arguments), [WANTED]);

assert.equal((await client.embed({ model: embedder, input: ["one", "two"] })).embeddings.length, 2);

await assert.rejects(client.chat({ ...short, model: "nope" }), (error) => error.status_code === 404);
console.log("ok");
