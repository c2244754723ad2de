// Whether this is the first start.

import type { Snapshot } from "../bindings.ts";

/** Nothing was set up yet, by this window or by hand, and the first page was not left. */
export const isFirstRun = (snapshot: Snapshot, introduced: boolean): boolean =>
  !introduced &&
  snapshot.client_keys.length === 0 &&
  snapshot.endpoints.every((endpoint) => endpoint.origin !== "settings") &&
  snapshot.routes.every((route) => route.targets.length === 0);
