// Anthropic's own JavaScript SDK against a gateway: anthropic_sdk.mjs BASE_URL MODEL

import assert from "node:assert/strict";
import { all, ANTHROPIC_TOOL, anthropicMessages, require, WANTED } from "./tools.mjs";

const Anthropic = require("@anthropic-ai/sdk");
const [base, model] = process.argv.slice(2);
const client = new Anthropic({ baseURL: base, apiKey: "sk-none", maxRetries: 0 });
const short = { model, messages: [{ role: "user", content: "Say hello." }], max_tokens: 12, temperature: 0 };

assert((await all(client.models.list())).some((row) => row.id === model), "it is listed");

const whole = await client.messages.create(short);
assert(whole.content[0].text && whole.usage.output_tokens > 0);
const final = await client.messages.stream(short).finalMessage();
assert.equal(final.content[0].text, whole.content[0].text, "both say the same");
assert.equal(final.stop_reason, whole.stop_reason);

const called = await client.messages.stream(
  { ...short, messages: anthropicMessages(), tools: [ANTHROPIC_TOOL], max_tokens: 200 }).finalMessage();
assert.deepEqual([called.stop_reason, called.content.at(-1).input], ["tool_use", WANTED]);

assert((await client.messages.countTokens({ model, messages: short.messages })).input_tokens > 5);

await assert.rejects(client.messages.create({ ...short, model: "nope" }),
  (error) => error instanceof Anthropic.NotFoundError && error.error.error.type === "not_found_error");
console.log("ok");
