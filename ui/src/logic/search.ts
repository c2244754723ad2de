// Finds among things with names: routes, models, actions, providers, tools.

export interface Choice {
  /** Unique in its list. */
  key: string;
  label: string;
  /** What stands behind the label, smaller. */
  detail?: string;
  /** Words by which it is found but that are not shown. */
  also?: string;
  /** Why it cannot be chosen now. */
  not?: string;
  /** Whether choosing it makes something leave this machine. */
  leaves?: boolean;
  /** Whether it is the one in force. */
  current?: boolean;
  /** The keys that do the same. */
  keys?: string;
}

export interface Group {
  title: string;
  choices: Choice[];
}

const rank = (choice: Choice, words: string[]): number | null => {
  const label = choice.label.toLowerCase();
  const text = `${label} ${choice.detail ?? ""} ${choice.also ?? ""}`.toLowerCase();
  let points = 0;
  for (const word of words) {
    const at = label.indexOf(word);
    if (at === 0) points += 4;
    else if (at > 0) points += /[\s:/._-]/.test(label[at - 1] ?? "") ? 3 : 2;
    else if (text.includes(word)) points += 1;
    else return null;
  }
  return points;
};

/** The groups with what all words are found in, the best first; at most so many in all. */
export const search = (groups: Group[], text: string, most: number): { groups: Group[]; more: number } => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let left = most;
  let more = 0;
  const found: (Group & { best: number })[] = [];
  for (const group of groups) {
    const ranked = group.choices
      .map((choice) => ({ choice, points: rank(choice, words) }))
      .filter((one): one is { choice: Choice; points: number } => one.points !== null);
    if (words.length > 0) ranked.sort((a, b) => b.points - a.points);
    if (ranked.length > 0) found.push({ title: group.title, choices: ranked.map((one) => one.choice), best: ranked[0]?.points ?? 0 });
  }
  if (words.length > 0) found.sort((a, b) => b.best - a.best);
  const kept = found.map(({ title, choices }) => {
    const shown = choices.slice(0, left);
    left -= shown.length;
    more += choices.length - shown.length;
    return { title, choices: shown };
  });
  return { groups: kept.filter((group) => group.choices.length > 0), more };
};
