// Google's own JavaScript SDK against a gateway: genai_sdk.mjs BASE_URL MODEL EMBEDDER

import assert from "node:assert/strict";
import { all, GEMINI_TOOL, geminiContents, require, WANTED } from "./tools.mjs";

const { ApiError, GoogleGenAI } = require("@google/genai");
const [base, model, embedder] = process.argv.slice(2);
const client = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: base } });
const short = { model, contents: "Say hello.", config: { maxOutputTokens: 12, temperature: 0 } };

assert((await all(await client.models.list())).some((row) => row.name === `models/${model}`), "it is listed");

const whole = await client.models.generateContent(short);
assert(whole.text && whole.usageMetadata.candidatesTokenCount > 0);
const parts = await all(await client.models.generateContentStream(short));
assert.equal(parts.map((part) => part.text ?? "").join(""), whole.text, "both say the same");
assert.equal(parts.at(-1).usageMetadata.totalTokenCount, whole.usageMetadata.totalTokenCount);

const config = { tools: [GEMINI_TOOL], maxOutputTokens: 200, temperature: 0 };
const called = await all(await client.models.generateContentStream({ model, contents: geminiContents(), config }));
assert.deepEqual(called.flatMap((part) => part.functionCalls ?? []).map((call) => call.args), [WANTED]);

assert((await client.models.countTokens({ model, contents: "Say hello." })).totalTokens > 2);
const vectors = await client.models.embedContent({ model: embedder, contents: ["one", "two"] });
assert(vectors.embeddings.length === 2 && vectors.embeddings[1].values.length > 100);

await assert.rejects(client.models.generateContent({ ...short, model: "nope" }),
  (error) => error instanceof ApiError && error.status === 404);
console.log("ok");
