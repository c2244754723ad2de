// An endpoint in words.

import type { Allowance, EndpointView } from "../bindings.ts";
import { duration, tokens } from "./format.ts";

/** What is not as it should be; none where it simply answers. */
export const stateOf = (endpoint: EndpointView): { says: string; tone: "amber" | "red" } | null => {
  if (endpoint.cooling_seconds !== null) return { says: `rests ${duration(endpoint.cooling_seconds * 1000)} after failures`, tone: "amber" };
  switch (endpoint.state) {
    case "ready":
      return null;
    case "starting":
      return { says: "starting", tone: "amber" };
    case "needs_key":
      return { says: "wants a key", tone: "amber" };
    case "unreachable":
      return { says: "does not answer", tone: "red" };
  }
};

/** What its provider says is left of its limits: `59 of 60 requests, 29k of 30k tokens left`. */
export const leftOf = (allowance: Allowance | undefined): string | null => {
  if (!allowance) return null;
  const part = (left: number | null, limit: number | null, what: string): string | null =>
    left === null ? null : `${tokens(left)}${limit === null ? "" : ` of ${tokens(limit)}`} ${what}`;
  const parts = [part(allowance.requests, allowance.requests_limit, "requests"), part(allowance.tokens, allowance.tokens_limit, "tokens")];
  return `${parts.filter((said) => said !== null).join(", ")} left`;
};

/** Where a key is kept, in words: `keychain:anthropic` is the system's keychain. */
export const keyPlace = (credential: string | null): string => {
  const [kind, ...name] = (credential ?? "").split(":");
  if (kind === "keychain") return "in the system's keychain";
  if (kind === "env") return `in the environment variable ${name.join(":")}`;
  if (kind === "file") return "in a file that only you can read";
  return "no key";
};
