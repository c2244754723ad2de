// A chat: streams, stops, branches, and nothing of it runs.

import { expect, open, test } from "./page.ts";

test("an answer streams and says who gave it", async ({ page }) => {
  await open(page, "chat:new");
  await page.getByRole("textbox", { name: "Message" }).fill("Say hello");
  await page.keyboard.press("Enter");
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer.getByText("It returns a greeting.")).toBeVisible();
  await expect(answer.getByText("ollama@11434/qwen3:8b")).toBeVisible();
  await expect(answer.getByText("This machine")).toBeVisible();
  await expect(answer.getByText(/tok\/s/)).toBeVisible();
  await expect(answer.getByText(/context \d+ of 8k/)).toBeVisible();
  await expect(answer.locator(".hljs-keyword").first()).toBeVisible();
  await answer.getByText(/^Thought for/).click();
  await expect(answer.getByText("The user wants something short.")).toBeVisible();
  await answer.getByRole("button", { name: "Copy code" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("def greet");
  await expect(page.getByRole("button", { name: /^Say hello/ })).toBeVisible();
});

test("Stop stops, and what came stays", async ({ page }) => {
  await open(page, "chat:new", { pace: 60 });
  await page.getByRole("textbox", { name: "Message" }).fill("twice please");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article", { name: "Answer" }).getByText("Here is a")).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
  await expect(page.getByText("stopped")).toBeVisible();
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect(page.getByRole("img", { name: "Branch 2 of 2" })).toBeVisible({ timeout: 20_000 });
});

test("an edit is a branch, and nothing is lost", async ({ page }) => {
  await open(page, "chat");
  await page.getByRole("button", { name: /^Watch channels/ }).click();
  await page.getByRole("button", { name: "Edit this question" }).click();
  await page.getByRole("textbox", { name: "Your question" }).fill("And broadcast?");
  await page.keyboard.press("Enter");
  await expect(page.getByText("And broadcast?")).toBeVisible();
  const you = page.getByRole("article", { name: "You" });
  await expect(you.getByRole("img", { name: "Branch 2 of 2" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Answer again" })).toBeEnabled();
  await you.getByRole("button", { name: "Branch before" }).click();
  await expect(page.getByText("When would I take a watch channel")).toBeVisible();
});

test("conversations are searched, renamed, exported and deleted", async ({ page }) => {
  await open(page, "chat");
  await page.getByRole("textbox", { name: "Search chats" }).fill("release settings");
  await expect(page.getByRole("list", { name: "Conversations" }).getByRole("listitem")).toHaveCount(1);
  const menu = page.getByRole("button", { name: "What to do with “Rename the release notes”" });
  await menu.click();
  await page.getByRole("menuitem", { name: "Export as Markdown…" }).click();
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as { fake: { seen: { saved: { name: string }[] } } }).fake.seen.saved[0]?.name)).toBe("Rename-the-release-notes.md");
  await menu.click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("No conversation has these words.")).toBeVisible();
});

test("an image is pasted, and a model that sees is asked for", async ({ page }) => {
  await open(page, "chat:new");
  await page.getByRole("textbox", { name: "Message" }).evaluate((field) => {
    const bytes = Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "dot.png", { type: "image/png" }));
    data.items.add(new File(["x"], "notes.txt", { type: "text/plain" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await expect(page.getByRole("img", { name: "Image 1 to send" })).toBeVisible();
  await expect(page.getByText("notes.txt is no PNG")).toBeVisible();
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("img", { name: "Image 1 that you sent" })).toBeVisible();
});

test("with local only on, a hosted model is not asked", async ({ page }) => {
  await open(page, "chat:new");
  await page.getByRole("switch", { name: "Local only" }).click();
  await page.getByTitle("Choose a route or a model").click();
  await page.keyboard.type("code");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Local only is on, and this one leaves the machine")).toBeVisible();
  await page.getByRole("textbox", { name: "Message" }).fill("hello");
  await expect(page.getByRole("button", { name: "Send" })).toBeDisabled();
});
