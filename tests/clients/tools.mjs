// What the JavaScript programs have in common: where their SDKs come from, and a conversation after which the small test
// model calls a tool, the same at every run, in each SDK's own shape.

import { createRequire } from "node:module";

// Not `import`, which looks for packages beside this file only; this finds them by NODE_PATH.
export const require = createRequire(import.meta.url);

const name = "get_weather";
const description = "Get the current weather for a city";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

export const WANTED = { city: "Paris" };
export const TOOL = { type: "function", function: { name, description, parameters: schema } };
export const ANTHROPIC_TOOL = { name, description, input_schema: schema };
export const GEMINI_TOOL = { functionDeclarations: [{ name, description, parametersJsonSchema: schema }] };

// Two calls that were answered are what the model needs to see before it makes one.
function conversation(user, called, result, assistant) {
  const before = [["London", "rainy, 12C"], ["Rome", "sunny, 25C"]].flatMap(([city, weather], number) => [
    user(`What is the weather in ${city}?`),
    called(`call_${number}`, { city }),
    result(`call_${number}`, weather),
    assistant(`It is ${weather} in ${city}.`),
  ]);
  return [...before, user("What is the weather in Paris?")];
}

const says = (role) => (content) => ({ role, content });

export const openaiMessages = (written = JSON.stringify) => conversation(
  says("user"),
  (id, args) => ({ role: "assistant", content: "", tool_calls: [
    { id, type: "function", function: { name, arguments: written(args) } }] }),
  (id, content) => ({ role: "tool", tool_call_id: id, content }),
  says("assistant"),
);

export const anthropicMessages = () => conversation(
  says("user"),
  (id, input) => ({ role: "assistant", content: [{ type: "tool_use", id, name, input }] }),
  (id, content) => ({ role: "user", content: [{ type: "tool_result", tool_use_id: id, content }] }),
  says("assistant"),
);

export const geminiContents = () => conversation(
  (text) => ({ role: "user", parts: [{ text }] }),
  (id, args) => ({ role: "model", parts: [{ functionCall: { id, name, args } }] }),
  (id, output) => ({ role: "user", parts: [{ functionResponse: { id, name, response: { output } } }] }),
  (text) => ({ role: "model", parts: [{ text }] }),
);

// All of an asynchronous iterable.
export async function all(parts) {
  const list = [];
  for await (const part of parts) list.push(part);
  return list;
}
