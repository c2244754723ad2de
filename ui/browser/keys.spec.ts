// Everything from the keyboard.

import { expect, open, test, views } from "./page.ts";

test("a number leads to each view, and the palette anywhere", async ({ page }) => {
  await open(page, "models");
  for (const [index, view] of views.entries()) {
    await page.keyboard.press(`Control+${index + 1}`);
    await expect(page.getByRole("main", { name: view, exact: false })).toBeVisible();
  }
  await page.keyboard.press("Control+k");
  await page.keyboard.type("theme dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("routes");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Routes", exact: true })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("qwen3:8b");
  await page.keyboard.press("Enter");
  await page.keyboard.type("use for route fast");
  await page.keyboard.press("Enter");
  await expect(page.getByText("fast now asks qwen3:8b first.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Route fast" }).getByRole("listitem").first()).toContainText("ollama/qwen3:8b");
});

test("a slash filters, Esc clears, N begins a chat", async ({ page }) => {
  await open(page, "models");
  await page.keyboard.press("/");
  const filter = page.getByRole("textbox", { name: "Filter models" });
  await expect(filter).toBeFocused();
  await page.keyboard.type("gemma");
  await expect(page.getByText("1 of 11")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(filter).toHaveValue("");
  await page.keyboard.press("Escape");
  await expect(filter).not.toBeFocused();
  await page.keyboard.press("n");
  await expect(page.getByRole("textbox", { name: "Message" })).toBeFocused();
});

test("arrows walk the models, Enter opens one, Esc comes back to it", async ({ page }) => {
  await open(page, "models");
  const first = page.getByRole("button", { name: /^SmolLM2/ });
  const second = page.getByRole("button", { name: /^Qwen2.5-Coder/ });
  await first.focus();
  await page.keyboard.press("ArrowDown");
  await expect(second).toBeFocused();
  await page.keyboard.press("End");
  await expect(page.getByRole("button", { name: /^claude-sonnet-4,/ })).toBeFocused();
  await page.keyboard.press("Home");
  await expect(first).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "SmolLM2-135M-Instruct" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(first).toBeFocused();
  await page.keyboard.press("Shift+F10");
  await expect(page.getByRole("menuitem", { name: "Load" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(first).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "What to do with SmolLM2-135M-Instruct" })).toBeFocused();
});

test("a long list is walked to its end", async ({ page }) => {
  await open(page, "models", { scenario: "full" });
  await page.getByRole("button", { name: /^SmolLM2/ }).focus();
  await page.keyboard.press("End");
  await expect(page.locator("[data-main]:focus")).toHaveAccessibleName(/at OpenRouter, leaves this machine/);
  await page.keyboard.press("PageUp");
  await page.keyboard.press("ArrowDown");
  await expect(page.locator("[data-main]:focus")).toBeInViewport();
});

test("targets change places by key, and by dragging", async ({ page }) => {
  await open(page, "routes");
  const card = page.getByRole("region", { name: "Route code" });
  const rows = card.getByRole("list", { name: /Targets of code/ }).getByRole("listitem");
  await card.getByRole("button", { name: /^anthropic\/claude-sonnet-5, 1 of 3/ }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1)).toContainText("anthropic/claude-sonnet-5");
  await expect(rows.nth(0)).toContainText("answers now");
  await expect(card.getByRole("button", { name: /^anthropic\/claude-sonnet-5, 2 of 3/ })).toBeFocused();
  const grip = card.getByRole("button", { name: /^ollama\/qwen3:8b, 3 of 3/ });
  const from = await grip.boundingBox();
  const to = await rows.nth(0).boundingBox();
  if (!from || !to) throw new Error("the rows are not on the screen");
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(from.x + 10, to.y + 12, { steps: 6 });
  await page.mouse.up();
  await expect(rows.nth(0)).toContainText("ollama/qwen3:8b");
});
