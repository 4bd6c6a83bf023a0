// Runs, statements and the policy's form say the same figures on the page and in the file.

import { expect, type Page, test } from "@playwright/test";
import { records } from "./support/csv";
import { field, heading, signIn } from "./support/people";
import { person } from "./support/portal";

async function as(page: Page, role: string): Promise<void> {
  const { email, password } = person(role);
  await signIn(page, email, password);
}

/** A figure by its label. */
function figure(page: Page, label: string) {
  const one = page.locator(".figure").filter({ has: page.locator(".figure-label", { hasText: label }) });
  return one.locator(".figure-value").first();
}

function euros(amount: string): string {
  const value = Number(amount);
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: 2 });
  return `${value < 0 ? "−" : ""}€${text}`;
}

test("a statement leads from its opening balance to its closing one", async ({ page }) => {
  await as(page, "partner_owner");
  const months = records(await (await page.request.get("/partner/statements.csv")).text());
  const month = months.find((row) => row.Currency === "EUR" && Number(row.Transferred) > 0);
  if (!month) throw new Error("the demonstration has paid nobody");
  await page.goto("/partner/statements");
  await page.goto(`/partner/statements/${month.Month}/EUR`);
  await heading(page, "Statement for");
  await expect(figure(page, "Opening balance")).toContainText(euros(month["Opening balance"]));
  await expect(figure(page, "Closing balance")).toContainText(euros(month["Closing balance"]));
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV", exact: true }).click();
  expect((await download).suggestedFilename()).toBe(`statement-${month.Month}-EUR.csv`);
  const answer = await page.request.get(`/partner/statements/${month.Month}/EUR/statement.csv`);
  const movements = records(await answer.text());
  expect(movements[0].Balance).toBe(month["Opening balance"]);
  expect(movements.at(-1)?.Balance).toBe(month["Closing balance"]);
});

test("a run says what was sent", async ({ page }) => {
  await as(page, "finance");
  const runs = records(await (await page.request.get("/finance/runs.csv")).text());
  const run = runs.find((row) => row.Status === "done" && row.Currency === "EUR");
  if (!run) throw new Error("the demonstration has no run that is done");
  await page.goto("/finance/runs");
  await page.getByRole("link", { name: run.Run }).first().click();
  await heading(page, `Run ${run.Run}`);
  await expect(figure(page, "Approved, EUR")).toContainText(euros(run.Approved));
  await expect(figure(page, "Sent, EUR")).toContainText(euros(run.Sent));
  const files = page.getByRole("link", { name: "CSV", exact: true });
  const items = records(await (await page.request.get((await files.first().getAttribute("href")) ?? "")).text());
  const sent = items.filter((row) => row.Currency === "EUR").reduce((sum, row) => sum + Number(row.Sent || 0), 0);
  expect(sent.toFixed(2)).toBe(run.Sent);
});

test("the policy's form saved as it was shown changes nothing", async ({ page }) => {
  await as(page, "admin");
  await page.goto("/admin/programs");
  const programs = page.locator('main a[href^="/admin/programs/"]');
  const hrefs = await programs.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  const program = hrefs.find((href) => /^\/admin\/programs\/\d+$/.test(href));
  if (!program) throw new Error("the demonstration has no program");
  await page.goto(`${program}/policies/new`);
  const today = await field(page, "Counts from").getAttribute("min");
  await field(page, "Counts from").fill(today ?? "");
  await page.getByRole("button", { name: "Make the new version" }).click();
  await expect(page.getByRole("alert")).toContainText("Nothing differs from the version before.");
});
