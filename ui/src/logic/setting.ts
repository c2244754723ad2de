// Settings in groups, with names a person reads.

import type { Json, Setting } from "../bindings.ts";

const titles: Record<string, string> = {
  "": "Serving",
  log: "Log",
  discovery: "Finding runtimes",
  builtin: "Built-in runtime",
  ollama_port: "Ollama-compatible port",
  limits: "Limits",
  usage: "History",
  responses: "Kept answers",
};

const names: Record<string, string> = {
  port: "Port",
  bind: "Addresses to listen on",
  require_key: "Who needs a client key",
  local_only: "Local only",
  "builtin.enabled": "Use it",
  "builtin.server": "llama-server",
  "discovery.enabled": "Look for runtimes",
  "ollama_port.enabled": "Open it",
  "usage.retention_days": "Days to keep",
  "log.level": "Level",
};

/** What the last word of a key says: `retention_days` is `Retention days`. */
export const nameOf = (key: string): string => {
  const last = key.slice(key.lastIndexOf(".") + 1).replaceAll("_", " ");
  return names[key] ?? last.charAt(0).toUpperCase() + last.slice(1);
};

export interface Group {
  title: string;
  settings: Setting[];
}

/** By the table of the settings file in which they stand, in the file's order. */
export const grouped = (settings: Setting[]): Group[] => {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const table = setting.key.includes(".") ? setting.key.slice(0, setting.key.lastIndexOf(".")) : "";
    groups.set(table, [...(groups.get(table) ?? []), setting]);
  }
  return [...groups].map(([table, settings]) => ({ title: titles[table] ?? nameOf(table), settings }));
};

/** Whether two values say the same. */
export const same = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A value as a person reads it: the default beside a setting that differs. */
export const spoken = (value: Json): string => {
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(String).join(", ");
  return value === null || value === "" ? "nothing" : typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** What is wrong with a number, if anything. */
export const numberProblem = (text: string, least: number, most: number): string | null => {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value)) return "A whole number.";
  return value < least || value > most ? `From ${least} to ${most}.` : null;
};

/** Lines as a list: blank ones are nothing. */
export const lines = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter(Boolean);
