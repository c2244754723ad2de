// A picture of every view, theme and state, for a person to look at. Only where UI_SHOTS names a folder for them.

import { expect, open, test, themes, views } from "./page.ts";

const folder = process.env["UI_SHOTS"];
const states = ["empty", "first-run", "normal", "full", "broken", "gone"];

test.skip(folder === undefined, "UI_SHOTS names no folder");

const settle = async (page: import("@playwright/test").Page, view: string) => {
  if (view === "chat") await page.getByRole("button", { name: /^Watch channels/ }).click({ timeout: 700 }).catch(() => undefined);
  if (view === "tools") await page.getByRole("button", { name: /^Claude Code/ }).click({ timeout: 700 }).catch(() => undefined);
  await page.waitForTimeout(350);
};

for (const state of states)
  for (const theme of themes)
    for (const view of state === "first-run" ? ["models"] : views)
      test(`${state} ${theme} ${view}`, async ({ page }) => {
        await open(page, view, { scenario: state, theme });
        await settle(page, view);
        await page.screenshot({ path: `${folder}/${state}-${theme}-${view}.png` });
      });

for (const [name, size, text] of [["small", { width: 720, height: 520 }, "100"], ["text125", { width: 1040, height: 720 }, "125"], ["text200", { width: 1040, height: 720 }, "200"], ["smalltext200", { width: 720, height: 520 }, "200"]] as const)
  for (const view of views)
    test(`${name} ${view}`, async ({ page }) => {
      await page.setViewportSize(size);
      await open(page, view, { text, theme: text === "125" ? "dark" : "light" });
      await settle(page, view);
      await page.screenshot({ path: `${folder}/${name}-${view}.png` });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(wide, "nothing hangs over the side").toBe(false);
    });

for (const theme of themes) {
  test(`${theme} over the window`, async ({ page }) => {
    const shot = async (name: string) => {
      await page.waitForTimeout(200);
      await page.screenshot({ path: `${folder}/over-${theme}-${name}.png` });
    };
    await open(page, "models", { theme });
    await page.getByRole("button", { name: /^qwen3:8b, at Ollama/ }).click();
    await shot("model");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "What to do with qwen3:8b" }).click();
    await shot("menu");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await shot("palette");
    await page.keyboard.press("Escape");
    await open(page, "activity", { theme });
    await page.locator("[data-row]").first().click();
    await shot("request");
    await open(page, "providers", { theme });
    await page.getByRole("button", { name: "Add provider" }).click();
    await shot("pick-provider");
    await page.getByRole("option", { name: /^OpenAI / }).click();
    await shot("add-provider");
    await open(page, "providers", { theme });
    await page.getByRole("button", { name: "Add by hand" }).click();
    await shot("by-hand");
    await open(page, "routes", { theme });
    await page.getByRole("button", { name: "New route" }).click();
    await shot("question");
  });
}
