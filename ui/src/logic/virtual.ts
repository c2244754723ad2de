// Which part of a long list is on the screen. All rows are equally high, so it is a division and needs no library.

export interface Part {
  first: number;
  last: number;
}

/** Rows `first` to `last`, without the latter, with some to spare on either side. */
export const visible = (top: number, height: number, row: number, count: number, spare = 6): Part => {
  if (row <= 0) return { first: 0, last: Math.min(count, 60) };
  const first = Math.max(0, Math.floor(top / row) - spare);
  const last = Math.min(count, Math.ceil((top + height) / row) + spare);
  return { first: Math.min(first, count), last: Math.max(last, 0) };
};

/** Where to scroll to so that a row is seen; where it is already, nowhere. */
export const scrollTo = (index: number, top: number, height: number, row: number): number => {
  const from = index * row;
  if (from < top) return from;
  return from + row > top + height ? from + row - height : top;
};
