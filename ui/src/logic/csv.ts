// Rows as CSV, for a spreadsheet.

type Cell = string | number | boolean | null | undefined;

const cell = (value: Cell): string => {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  // A name comes from whoever called; a spreadsheet would carry out what begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** A header and rows, with the line ends that the format asks for. */
export const csv = (header: string[], rows: Cell[][]): string =>
  [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
