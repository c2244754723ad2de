// What the form of a provider checks before it asks.

/** A name for one more instance that is not taken: `openai`, `openai-2`, ... */
export const freeName = (wanted: string, taken: string[]): string => {
  if (!taken.includes(wanted)) return wanted;
  let number = 2;
  while (taken.includes(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
};

/** What is wrong with an address, if anything. */
export const addressProblem = (text: string): string | null => {
  if (!/^https?:\/\//.test(text)) return "It begins with https:// or http://.";
  try {
    const url = new URL(text);
    if (url.username || url.password) return "A key does not belong into the address; it has a field of its own.";
    return url.hostname === "" ? "The host is missing." : null;
  } catch {
    return "This is no address.";
  }
};
