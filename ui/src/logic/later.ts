// A part of the page that is loaded once, when it is first asked for.

/** Asks for it the first time, and gives the same promise from then on; one that failed is asked for again. */
export const later = <T>(load: () => Promise<{ default: T }>): (() => Promise<T>) => {
  let asked: Promise<T> | undefined;
  return () =>
    (asked ??= load()
      .then((module) => module.default)
      .catch((error: unknown) => {
        asked = undefined;
        throw error;
      }));
};
