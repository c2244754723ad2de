// Nothing that an accessibility check can find, in any view and either theme.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, open, test, themes, views } from "./page.ts";

const check = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`).join("; ")}`);
  expect(told, "axe finds nothing").toEqual([]);
};

for (const theme of themes) {
  for (const view of views)
    test(`${view} in the ${theme} theme`, async ({ page }) => {
      await open(page, view, { theme });
      if (view === "chat") await page.getByRole("button", { name: /^Watch channels/ }).click();
      if (view === "tools") await page.getByRole("button", { name: /^Claude Code/ }).click();
      if (view === "activity") await expect(page.getByRole("button", { name: /^Details of/ }).first()).toBeVisible();
      await check(page);
    });

  test(`the first run in the ${theme} theme`, async ({ page }) => {
    await open(page, "models", { scenario: "first-run", theme });
    await check(page);
  });

  test(`what lies over the window in the ${theme} theme`, async ({ page }) => {
    await open(page, "models", { theme });
    await page.getByRole("button", { name: /^qwen3:8b, at Ollama/ }).click();
    await expect(page.getByRole("dialog", { name: "qwen3:8b" })).toBeVisible();
    await check(page);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "What to do with qwen3:8b" }).click();
    await expect(page.getByRole("menu")).toBeVisible();
    await check(page);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("combobox", { name: "Go to or do" })).toBeVisible();
    await check(page);
  });
}

for (const view of views)
  test(`${view} with everything broken`, async ({ page }) => {
    await open(page, view, { scenario: "broken", theme: "dark" });
    await check(page);
  });

test("the story of a request, with its text", async ({ page }) => {
  await open(page, "activity");
  await page.getByRole("button", { name: /^Details of/ }).first().click();
  await expect(page.getByRole("dialog").getByRole("region", { name: "What was asked" })).toBeVisible();
  await expect(page.getByRole("dialog").getByRole("region", { name: "What happened" })).toContainText("503");
  await check(page);
});

test("the forms of a provider", async ({ page }) => {
  await open(page, "providers");
  await page.getByRole("button", { name: "Add provider" }).click();
  await page.getByRole("option", { name: /^OpenAI / }).click();
  await expect(page.getByRole("dialog", { name: "Add OpenAI" })).toBeVisible();
  await check(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Add by hand" }).click();
  await check(page);
});
