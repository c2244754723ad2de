// Adds a provider whose key stands in an environment variable, and tries it.

import type { ProviderView } from "../bindings.ts";
import { ask } from "../ipc.ts";
import { freeName } from "../logic/provider.ts";
import { attempt, overlay } from "./overlay.svelte.ts";

export const useVariable = (provider: ProviderView, taken: string[]): Promise<boolean> =>
  attempt(`${provider.name} was not added.`, async () => {
    const name = freeName(provider.id, taken);
    await ask({ command: "add_provider", provider: provider.id, name, variable: provider.found }, "stored");
    const { good, says } = await ask({ command: "check_key", endpoint: name }, "checked");
    if (good === false) throw new Error(`It was added as ${name}, but ${says}.`);
    overlay.note(`${says}.`);
  });
