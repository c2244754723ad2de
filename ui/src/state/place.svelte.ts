// Where the user is, and how the window looks. Kept by the webview, not by the gateway.

export const views = ["chat", "models", "routes", "activity", "providers", "tools", "settings"] as const;
export type View = (typeof views)[number];
export type Theme = "auto" | "light" | "dark";

export const titles: Record<View, string> = {
  chat: "Chat",
  models: "Models",
  routes: "Routes",
  activity: "Activity",
  providers: "Providers",
  tools: "Tools",
  settings: "Settings",
};

const sizes = [100, 110, 125, 150, 200] as const;
export type TextSize = (typeof sizes)[number];

const kept = (name: string): string | null => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};
const keep = (name: string, value: string): void => {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A webview without storage forgets it; nothing depends on it.
  }
};

const isView = (name: string): name is View => (views as readonly string[]).includes(name);
const dark = matchMedia("(prefers-color-scheme: dark)");

class Place {
  view = $state<View>("models");
  /** What the view was opened for: `new` in the chat, a route's name in the models. Read once by the view. */
  purpose = $state<string | null>(null);
  theme = $state<Theme>("auto");
  text = $state<TextSize>(100);
  /** Whether the first page was left, by its end or by Skip. */
  introduced = $state(false);
  /** Whether the first page is open: it stays so until it is left, whatever is set up on it. */
  introducing = $state(false);

  constructor() {
    const theme = kept("theme");
    if (theme === "light" || theme === "dark") this.theme = theme;
    this.text = sizes.find((size) => String(size) === kept("text")) ?? 100;
    this.introduced = kept("introduced") === "yes";
    dark.addEventListener("change", () => this.#paint());
    this.#paint();
    this.go(location.hash.slice(1));
  }

  /** Goes to a view by its name, as the tray says it: `models`, `chat:new`, `models:code`. */
  go(name: string): void {
    const [view = "", ...rest] = name.split(":");
    if (!isView(view)) return;
    this.purpose = rest.length > 0 ? rest.join(":") : null;
    this.view = view;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    keep("theme", theme);
    this.#paint();
  }

  setText(text: TextSize): void {
    this.text = text;
    keep("text", String(text));
    this.#paint();
  }

  /** The next larger text, or the next smaller. */
  stepText(by: 1 | -1): void {
    this.setText(sizes[Math.max(0, Math.min(sizes.length - 1, sizes.indexOf(this.text) + by))] ?? 100);
  }

  introduce(): void {
    this.introduced = true;
    this.introducing = false;
    keep("introduced", "yes");
  }

  #paint(): void {
    const isDark = this.theme === "dark" || (this.theme === "auto" && dark.matches);
    document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
    document.documentElement.dataset["text"] = String(this.text);
  }
}

export const place = new Place();
export const textSizes = sizes;
