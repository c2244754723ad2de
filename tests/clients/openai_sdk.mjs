// OpenAI's own JavaScript SDK against a gateway: openai_sdk.mjs BASE_URL MODEL EMBEDDER

import assert from "node:assert/strict";
import { all, openaiMessages, require, TOOL, WANTED } from "./tools.mjs";

const OpenAI = require("openai");
const [base, model, embedder] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "sk-none", maxRetries: 0 });
const short = { model, messages: [{ role: "user", content: "Say hello." }], max_tokens: 12, temperature: 0 };

assert((await all(client.models.list())).some((row) => row.id === model), "it is listed");

const whole = await client.chat.completions.create(short);
assert(whole.choices[0].message.content && whole.usage.completion_tokens > 0);
const chunks = await all(await client.chat.completions.create(
  { ...short, stream: true, stream_options: { include_usage: true } }));
const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
assert.equal(text, whole.choices[0].message.content, "both say the same");
assert.equal(chunks.at(-1).usage.total_tokens, whole.usage.total_tokens);

const called = await client.chat.completions.stream(
  { ...short, messages: openaiMessages(), tools: [TOOL], max_tokens: 200 }).finalChatCompletion();
assert.deepEqual(JSON.parse(called.choices[0].message.tool_calls[0].function.arguments), WANTED);

const answer = client.responses.stream({ model, input: "Say hello.", max_output_tokens: 12, temperature: 0 });
assert((await answer.finalResponse()).output_text);

// Asked for in base64, and read back into numbers.
const vectors = await client.embeddings.create({ model: embedder, input: ["one", "two"] });
assert(vectors.data.length === 2 && vectors.data[1].embedding.length > 100);

const unknown = client.chat.completions.create({ ...short, model: "nope" });
await assert.rejects(unknown, (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
console.log("ok");
