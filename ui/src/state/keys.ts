// The keys that work everywhere.

import { overlay } from "./overlay.svelte.ts";
import { openPalette } from "./palette.ts";
import { place, views } from "./place.svelte.ts";

const writes = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT" ||
    (target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type)));

const covered = (): boolean => overlay.menu !== null || overlay.picking !== null || overlay.question !== null || document.querySelector('[role="dialog"]') !== null;

const filterField = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>("main [data-filter]");

const withModifier = (event: KeyboardEvent): boolean => {
  if (event.key.toLowerCase() === "k") void openPalette();
  else if (event.key === "+" || event.key === "=") place.stepText(1);
  else if (event.key === "-") place.stepText(-1);
  else if (event.key === "0") place.setText(100);
  else if (/^[1-7]$/.test(event.key) && !covered()) place.go(views[Number(event.key) - 1] ?? "models");
  else return false;
  return true;
};

const plain = (event: KeyboardEvent): boolean => {
  if (event.key === "Escape" && event.target instanceof HTMLInputElement && event.target.matches("[data-filter]")) {
    if (event.target.value === "") event.target.blur();
    return false;
  }
  if (writes(event.target) || covered()) return false;
  if (event.key === "Escape" && place.purpose !== null) place.go(place.view);
  else if (event.key === "/") filterField()?.focus();
  else if (event.key.toLowerCase() === "n" && !event.shiftKey) place.go("chat:new");
  else return false;
  return true;
};

/** A key for the list that was asked for and has no focus yet. */
const ahead = (event: KeyboardEvent): boolean => {
  if (overlay.picking === null || writes(event.target)) return false;
  if (event.key === "Enter") overlay.entered = true;
  else if (event.key === "Backspace") overlay.typed = overlay.typed.slice(0, -1);
  else if (event.key.length === 1) overlay.typed += event.key;
  else return false;
  return true;
};

export const pressed = (event: KeyboardEvent): void => {
  if (event.defaultPrevented || event.isComposing) return;
  const modifier = event.ctrlKey || event.metaKey;
  if (!modifier && !event.altKey && ahead(event)) return event.preventDefault();
  if (modifier ? !event.altKey && withModifier(event) : !event.altKey && plain(event)) event.preventDefault();
};
