// What a person does in the other views, from its first click to what it leaves.

import { expect, open, test } from "./page.ts";

test("the first run: use what was found, make a key, try it", async ({ page }) => {
  await open(page, "models", { scenario: "first-run" });
  await expect(page.getByRole("heading", { name: "Found 5 models" })).toBeVisible();
  await page.getByRole("button", { name: "Another…" }).click();
  await page.keyboard.type("qwen3:8b");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use these" }).click();
  await expect(page.getByText("in use")).toBeVisible();
});

test("the first run gives a key and then leads to what to paste", async ({ page }) => {
  await open(page, "models", { scenario: "first-run" });
  await page.getByRole("button", { name: "Choose a tool…" }).click();
  await page.keyboard.type("claude");
  await page.keyboard.press("Enter");
  await expect(page.getByText(/pk-claude-code/)).toBeVisible();
  await page.getByRole("button", { name: "What to paste into Claude Code" }).click();
  await expect(page.getByRole("region", { name: "Claude Code" }).getByText("ANTHROPIC_BASE_URL")).toBeVisible();
});

test("a model loads, and the list holds still under the pointer", async ({ page }) => {
  await open(page, "models");
  await page.getByRole("button", { name: "What to do with gemma3:12b" }).click();
  await page.getByRole("menuitem", { name: "Load" }).click();
  await expect(page.getByRole("button", { name: /^gemma3:12b, .*loaded$/ })).toBeVisible();
  await page.getByRole("button", { name: "What to do with gemma3:12b" }).hover();
  await page.evaluate(() => {
    const { fake } = globalThis as unknown as { fake: { gateway: { world: { snapshot: { models: { id: string }[] } } }; tell: () => void } };
    const { snapshot } = fake.gateway.world;
    const [first] = snapshot.models;
    fake.gateway.world.snapshot = { ...snapshot, models: [{ ...first, id: "aaa" } as { id: string }, ...snapshot.models] };
    fake.tell();
  });
  await expect(page.getByText("1 more came up.")).toBeVisible();
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page.getByRole("button", { name: /^aaa, / })).toBeVisible();
});

test("a provider is added with its key, tested and removed", async ({ page }) => {
  await open(page, "providers");
  await expect(page.getByRole("region", { name: "anthropic" })).toContainText("and 1 spare key");
  await page.getByRole("button", { name: "Add provider" }).click();
  await page.keyboard.type("groq");
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Key for Groq" }).fill("gsk-secret");
  await page.getByRole("button", { name: "Add and test" }).click();
  await expect(page.getByText("groq takes the key")).toBeVisible();
  await page.getByRole("button", { name: "Done" }).click();
  const card = page.getByRole("region", { name: "groq" });
  await expect(card).toContainText("in the system's keychain");
  expect(await page.content(), "a key is not kept in the page").not.toContain("gsk-secret");
  await card.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(card).toHaveCount(0);
});

test("a tool gets its key, and the text has it filled in", async ({ page }) => {
  await open(page, "tools");
  await page.getByRole("button", { name: /^Codex CLI/ }).click();
  const card = page.getByRole("region", { name: "Codex CLI" });
  await card.getByRole("button", { name: "Make a key for Codex CLI" }).click();
  await expect(card.getByText(/POINTSMAN_KEY=pk-codex/)).toBeVisible();
  await card.getByRole("button", { name: "Copy the text for Shell" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("pk-codex");
});

test("activity is filtered, opened and exported", async ({ page }) => {
  await open(page, "activity");
  await page.getByRole("switch", { name: "Only errors" }).click();
  const rows = page.getByRole("button", { name: /^Details of/ });
  await expect(page.getByText("Done", { exact: true })).toHaveCount(0);
  await rows.first().focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toContainText("Targets tried");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "CSV" }).click();
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as { fake: { seen: { saved: { name: string }[] } } }).fake.seen.saved[0]?.name)).toBe("pointsman-requests.csv");
  await page.getByRole("switch", { name: "Only errors" }).click();
  await page.getByRole("button", { name: "Cancel the request of claude-code" }).click();
  await expect(page.getByRole("button", { name: "Cancel the request of claude-code" })).toHaveCount(0);
});

test("a setting changes, is refused where it is wrong, and goes back", async ({ page }) => {
  await open(page, "settings");
  const port = page.getByRole("textbox", { name: "Port", exact: true });
  await port.fill("99999");
  await port.press("Enter");
  await expect(page.getByText("From 1 to 65535.")).toBeVisible();
  await port.fill("4800");
  await port.press("Enter");
  const back = page.getByRole("button", { name: "Port: back to 4747" });
  await back.click();
  await expect(port).toHaveValue("4747");
  await page.getByRole("button", { name: "Revoke aider" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("button", { name: "Revoke aider" })).toHaveCount(0);
});

test("a route is tested and says who answered", async ({ page }) => {
  await open(page, "routes");
  await page.getByRole("button", { name: "Test code" }).click();
  await expect(page.getByRole("region", { name: "Route code" }).getByText("first token 214 ms · 42 tok/s")).toBeVisible();
});

test("without a gateway the window says so, and keeps what it knew", async ({ page }) => {
  await open(page, "models", { scenario: "gone" });
  await expect(page.getByRole("alert")).toContainText("Pointsman is not running");
  await expect(page.getByRole("button", { name: /^qwen3:8b/ })).toBeVisible();
});

test("the text of requests is kept for a while, shown, stopped and deleted", async ({ page }) => {
  await open(page, "activity");
  await page.getByRole("button", { name: "Keep text…" }).click();
  await page.getByRole("menuitem", { name: "For an hour" }).click();
  await expect(page.getByText(/Questions and answers are kept until \d\d:\d\d/)).toBeVisible();
  await page.getByRole("button", { name: /^Details of/ }).first().click();
  const asked = page.getByRole("dialog").getByRole("region", { name: "What was asked" });
  await expect(asked).toContainText("[redacted]");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Delete all now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText(/Questions and answers are kept until/)).toHaveCount(0);
  await page.getByRole("button", { name: /^Details of/ }).first().click();
  await expect(page.getByRole("dialog")).toContainText("was not kept");
});

for (const [where, scenario] of [["the first run", "alone"], ["models", "empty"]] as const)
  test(`a first model is fetched from ${where}, and given up`, async ({ page }) => {
    await open(page, "models", { scenario });
    await page.getByRole("button", { name: "Fetch SmolLM2-135M-Instruct (98 MB, Apache-2.0)" }).click();
    await expect(page.getByRole("progressbar", { name: "Fetching SmolLM2-135M-Instruct" })).toBeVisible();
    await expect(page.getByText("25 %")).toBeVisible();
    await page.getByRole("button", { name: "Cancel fetching SmolLM2-135M-Instruct" }).click();
    await expect(page.getByRole("button", { name: /^Fetch SmolLM2/ })).toBeVisible();
  });

test("a key that stands in the environment is used with one click", async ({ page }) => {
  await open(page, "providers");
  const use = page.getByRole("button", { name: /^Use the key for / }).first();
  const name = /^Use the key for (.+) in /.exec((await use.getAttribute("aria-label")) ?? "")?.[1] ?? "";
  await use.click();
  await expect(page.getByText(/takes the key/)).toBeVisible();
  await expect(page.getByRole("button", { name: `Use the key for ${name}` })).toHaveCount(0);
});
