// Puts a text on the clipboard.

/** By the browser's own way; by the old one where a webview does not give that to a page of its own scheme. */
export const toClipboard = async (text: string): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch {
    // What follows tells if it fails, too.
  }
  const back = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  // Beside the focus: a dialog gives it to nothing outside of itself.
  (back?.parentElement ?? document.body).append(field);
  field.select();
  // The only way left there; it is old, not gone.
  const done = document.execCommand("copy");
  field.remove();
  if (back instanceof HTMLElement) back.focus();
  if (!done) throw new Error("This system does not let the window use the clipboard. The text can be selected and copied by hand.");
};
