// Numbers and times as a person reads them.

const trim = (value: number, digits: number): string => value.toFixed(digits).replace(/\.0+$/, "");

const scaled = (bytes: number, step: number): string => {
  const giga = bytes / step ** 3;
  if (giga >= 9.95) return `${Math.round(giga)} GB`;
  if (giga >= 1) return `${trim(giga, 1)} GB`;
  const mega = bytes / step ** 2;
  return mega >= 1 ? `${Math.round(mega)} MB` : `${Math.max(0, Math.round(bytes / step))} kB`;
};

/** Weights on disk, as runtimes list them: 5.2 GB. */
export const size = (bytes: number): string => scaled(bytes, 1000);

/** Memory, as machines are sold: 16 GB of 1024 steps. */
export const memory = (bytes: number): string => scaled(bytes, 1024);

/** Memory of a whole without repeating the unit: `5.2 of 16 GB`. */
export const memoryOf = (part: number, whole: number): string => {
  const of = memory(whole);
  if (part <= 0) return `0 of ${of}`;
  const is = memory(part);
  return is.endsWith(" GB") && of.endsWith(" GB") ? `${is.slice(0, -3)} of ${of}` : `${is} of ${of}`;
};

/** A count of tokens: 12.3k. */
export const tokens = (count: number): string => {
  if (count < 1000) return String(Math.round(count));
  if (count < 99_950) return `${trim(count / 1000, 1)}k`;
  if (count < 999_500) return `${Math.round(count / 1000)}k`;
  return `${trim(count / 1e6, 1)}M`;
};

/** A context length, in the steps in which models have it: 8k, 128k, 200k, 1M. */
export const contextLength = (count: number): string => {
  const step = count % 1024 === 0 ? 1024 : 1000;
  if (count < step) return String(count);
  const kilo = count / step;
  return kilo >= 1000 ? `${trim(kilo / step, 1)}M` : `${Math.round(kilo)}k`;
};

/** How long something took. */
export const duration = (ms: number): string => {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trim(ms / 1000, ms < 9950 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return rest === 0 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
};

/** Tokens a second. */
export const speed = (perSecond: number): string => `${trim(perSecond, perSecond < 9.95 ? 1 : 0)} tok/s`;

/** US dollars, with as many digits as mean something. */
export const dollars = (value: number): string => {
  if (value === 0) return "$0";
  if (Math.abs(value) < 0.0001) return "<$0.0001";
  if (Math.abs(value) < 0.01) return `$${value.toFixed(4).replace(/0+$/, "")}`;
  return `$${value.toFixed(value >= 100 ? 0 : 2).replace(/\.00$/, "")}`;
};

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** How long ago, without seconds: they would change all the time. */
export const ago = (then: number, now: number): string => {
  const past = Math.max(0, now - then);
  if (past < MINUTE) return "just now";
  if (past < 60 * MINUTE) return `${Math.floor(past / MINUTE)} min ago`;
  if (past < DAY) return `${Math.floor(past / (60 * MINUTE))} h ago`;
  const days = Math.floor(past / DAY);
  if (days === 1) return "yesterday";
  if (days < 30) return `${days} days ago`;
  return new Date(then).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
};

/** For how long, in whole minutes; nothing for less than one. */
export const span = (ms: number): string => {
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 1) return "";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / (24 * 60))} days`;
};

/** The exact time, for whoever hovers. */
export const exact = (ms: number): string =>
  new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The time of the day. */
export const clock = (ms: number): string =>
  new Date(ms).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** A number with its noun: `1 model`, `12 models`. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Where a request goes, in the words that are used everywhere. */
export const where = (local: boolean): string => (local ? "stays on this machine" : "leaves this machine");
