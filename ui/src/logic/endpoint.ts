// An endpoint in words.

import type { EndpointView } from "../bindings.ts";
import { duration } from "./format.ts";

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

/** Where a key is kept, in words: `keychain:anthropic` is the system's keychain. */
export const keyPlace = (credential: string | null): string => {
  const [kind, ...name] = (credential ?? "").split(":");
  if (kind === "keychain") return "in the system's keychain";
  if (kind === "env") return `in the environment variable ${name.join(":")}`;
  if (kind === "file") return "in a file that only you can read";
  return "no key";
};
