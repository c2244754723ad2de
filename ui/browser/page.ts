// Opens the window in a state, and fails on whatever the page complains about.

import { expect, test as base, type Page } from "@playwright/test";

export const views = ["chat", "models", "routes", "activity", "providers", "tools", "settings"] as const;
export const themes = ["light", "dark"] as const;

export interface Opened {
  scenario?: string;
  theme?: "light" | "dark";
  text?: string;
  pace?: number;
}

export const test = base.extend<{ complaints: string[] }>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      // A violation of the content security policy is told here, too.
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("request", (request) => {
        const { hostname, protocol } = new URL(request.url());
        if (protocol.startsWith("http") && hostname !== "127.0.0.1") complaints.push(`asked ${request.url()}`);
      });
      await use(complaints);
      expect(complaints, "the page complains about nothing and asks nobody else").toEqual([]);
    },
    { auto: true },
  ],
});

let opened = 0;

export const open = async (page: Page, view: string, { scenario = "normal", theme = "light", text = "100", pace = 5 }: Opened = {}): Promise<void> => {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.addInitScript((size) => localStorage.setItem("text", size), text);
  await page.goto(`/?scenario=${scenario}&pace=${pace}&at=${(opened += 1)}#${view}`);
  await expect(page.locator("main h1").first()).toBeVisible();
};

export { expect };
