// A language that dates and numbers can be written in.
//
// Under LANG=C, WebKitGTK calls the user's language `C`, and whoever asks Intl for it, as the charts do when they are
// loaded, gets an error instead of a format.

try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
