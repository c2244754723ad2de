// For how long the text of requests is kept: the choices that a person has, each with its end.

export interface Choice {
  label: string;
  minutes: number;
}

/** Minutes from now until the day ends here. The gateway knows minutes only: the time zone is the user's. */
export const untilMidnight = (now: Date): number => {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  return Math.max(1, Math.floor((midnight.getTime() - now.getTime()) / 60_000));
};

export const choices = (now: Date): Choice[] => [
  { label: "For 15 minutes", minutes: 15 },
  { label: "For an hour", minutes: 60 },
  { label: "Until midnight", minutes: Math.min(untilMidnight(now), 24 * 60) },
];

/** A body as a person reads it: JSON is set out, all else is shown as it came. */
export const readable = (text: string, whole: boolean): string => {
  if (!whole) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};
