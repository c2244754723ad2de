// The days' sums as series for a chart.

import type { UsageDay } from "../bindings.ts";

export type Metric = "tokens" | "cost" | "latency" | "errors";
export type By = "where" | "model" | "tool";

export interface Series {
  name: string;
  /** One a day; null where there was nothing to measure. */
  values: (number | null)[];
}

export interface Chart {
  /** Oldest first, `2026-07-31`. */
  days: string[];
  /** The largest first; what is beyond the sixth is one series. */
  series: Series[];
  /** Whether values of a day add up: times do not. */
  adds: boolean;
}

const MOST = 6;

const iso = (date: Date): string =>
  `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;

/** The last days up to today, oldest first, in the user's own time zone. */
export const lastDays = (number: number, today: Date): string[] =>
  Array.from({ length: number }, (_, index) => {
    const back = number - 1 - index;
    return iso(new Date(today.getFullYear(), today.getMonth(), today.getDate() - back));
  });

const nameOf = (row: UsageDay, by: By): string => {
  if (by === "where") return row.local ? "This machine" : "Left this machine";
  if (by === "tool") return row.client ?? "No key";
  return row.model ?? "Nothing answered";
};

interface Sum {
  total: number;
  weight: number;
}

const measure = (row: UsageDay, metric: Metric): Sum | null => {
  if (metric === "tokens") return { total: row.input_tokens + row.output_tokens, weight: 1 };
  if (metric === "cost") return row.cost_usd === null ? null : { total: row.cost_usd, weight: 1 };
  if (metric === "errors") return { total: row.errors, weight: 1 };
  // A mean of means, each as heavy as the requests behind it.
  return row.first_byte_ms === null ? null : { total: row.first_byte_ms * row.requests, weight: row.requests };
};

export const chart = (rows: UsageDay[], days: string[], by: By, metric: Metric): Chart => {
  const adds = metric !== "latency";
  const sums = new Map<string, Map<string, Sum>>();
  for (const row of rows) {
    const measured = measure(row, metric);
    if (!measured || !days.includes(row.day)) continue;
    const name = nameOf(row, by);
    const ofName = sums.get(name) ?? new Map<string, Sum>();
    const sum = ofName.get(row.day) ?? { total: 0, weight: 0 };
    ofName.set(row.day, { total: sum.total + measured.total, weight: sum.weight + measured.weight });
    sums.set(name, ofName);
  }
  const value = (sum: Sum | undefined): number | null => {
    if (!sum || sum.weight === 0) return adds ? 0 : null;
    return adds ? sum.total : sum.total / sum.weight;
  };
  const all = [...sums].map(([name, ofName]) => ({
    name,
    weight: [...ofName.values()].reduce((sum, day) => sum + (adds ? day.total : day.weight), 0),
    values: days.map((day) => value(ofName.get(day))),
  }));
  // What is never there only makes the legend long.
  const told = all.filter((series) => series.weight > 0);
  told.sort((a, b) => b.weight - a.weight || a.name.localeCompare(b.name));
  const first = told.slice(0, told.length > MOST ? MOST - 1 : MOST).map(({ name, values }) => ({ name, values }));
  const rest = told.slice(first.length);
  if (rest.length > 0 && adds) {
    const together = days.map((_, day) => rest.reduce((sum, series) => sum + (series.values[day] ?? 0), 0));
    first.push({ name: `${rest.length} others`, values: together });
  }
  return { days, series: first, adds };
};

export interface Totals {
  requests: number;
  errors: number;
  input: number;
  output: number;
  cached: number;
  cost: number | null;
  local: number;
}

/** All days together. */
export const totals = (rows: UsageDay[]): Totals => {
  const sum = (of: (row: UsageDay) => number) => rows.reduce((total, row) => total + of(row), 0);
  const priced = rows.filter((row) => row.cost_usd !== null);
  return {
    requests: sum((row) => row.requests),
    errors: sum((row) => row.errors),
    input: sum((row) => row.input_tokens),
    output: sum((row) => row.output_tokens),
    cached: sum((row) => row.cached_tokens),
    cost: priced.length > 0 ? priced.reduce((total, row) => total + (row.cost_usd ?? 0), 0) : null,
    local: sum((row) => (row.local ? row.requests : 0)),
  };
};

/** Values of series laid one on the other, for stacked bars: the first at the bottom. */
export const stacked = (series: Series[]): number[][] => {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, day) => {
      const sum = (sums[day] ?? 0) + (value ?? 0);
      sums[day] = sum;
      return sum;
    }),
  );
};
