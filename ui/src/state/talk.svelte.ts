// What the chat is to be with, wherever that was said.

import type { Model } from "../bindings.ts";
import { nameOf } from "../logic/target.ts";
import { gateway } from "./gateway.svelte.ts";
import { place } from "./place.svelte.ts";

class Talk {
  /** A route's name or a target's: what is written as `model`. */
  with = $state("default");
}

export const talk = new Talk();

export const chatWith = (model: Model): void => {
  talk.with = nameOf(model, gateway.snapshot?.endpoints ?? []);
  place.go("chat:new");
};
