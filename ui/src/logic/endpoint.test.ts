import { expect, test } from "vitest";
import { keyPlace, leftOf } from "./endpoint.ts";

test.each([
  [undefined, null],
  [{ requests: 59, requests_limit: 60, tokens: 29_000, tokens_limit: 30_000 }, "59 of 60 requests, 29k of 30k tokens left"],
  [{ requests: 0, requests_limit: null, tokens: null, tokens_limit: null }, "0 requests left"],
])("%j is left", (allowance, expected) => {
  expect(leftOf(allowance)).toBe(expected);
});

test.each([
  ["keychain:anthropic", "in the system's keychain"],
  ["env:GROQ_API_KEY", "in the environment variable GROQ_API_KEY"],
  ["file:lab", "in a file that only you can read"],
  [null, "no key"],
])("%s is told", (credential, expected) => {
  expect(keyPlace(credential)).toBe(expected);
});
