// A refused form says at the field what is wrong, and keeps what was typed.

import { expect, type Locator, type Page, test } from "@playwright/test";
import { records } from "./support/csv";
import { field, heading, signIn, told } from "./support/people";
import { person } from "./support/portal";

/** The field carries its error: marked, described by it, and the words are there to be seen. */
async function refused(input: Locator, words: RegExp): Promise<void> {
  await expect(input).toHaveAttribute("aria-invalid", "true");
  await expect(input).toHaveAccessibleDescription(words);
}

async function as(page: Page, role: string): Promise<void> {
  const { email, password } = person(role);
  await signIn(page, email, password);
}

test("signing up", async ({ page }) => {
  await page.goto("/sign-up");
  await field(page, "Your name").fill("Ünal <b>O’Neil</b>");
  await field(page, "E-mail address").fill("unal@oneil");
  await field(page, "Password").fill("short");
  await page.getByRole("button", { name: "Sign up" }).click();
  await refused(field(page, "Password"), /10 characters/);
  await refused(field(page, "E-mail address"), /\S/);
  await expect(field(page, "Your name")).toHaveValue("Ünal <b>O’Neil</b>");
  await expect(field(page, "E-mail address")).toHaveValue("unal@oneil");
  await expect(field(page, "Password")).toHaveValue("");
  // The list at the top leads to the fields.
  const list = page.getByRole("alert").filter({ hasText: "Please correct" });
  await expect(list.getByRole("link")).toHaveCount(2);
  await list.getByRole("link").first().click();
  await expect(page).toHaveURL(/#f-/);
  // A reload shows the form without yesterday's errors.
  await page.goto("/sign-up");
  await expect(field(page, "Password")).not.toHaveAttribute("aria-invalid", "true");
});

test("registering a deal", async ({ page }) => {
  await as(page, "partner_owner");
  await page.goto("/partner/deals/new");
  const typed: [string, string][] = [
    ["Company", "Harbour & Söhne"],
    ["Domain or website", "gmail.com"],
    ["Whom you talk to", "Pia Lund"],
    ["Their e-mail address", "pia@harbour-soehne.example"],
    ["What the customer needs", "Line one\n</textarea><b>two</b>"],
    ["Estimated value of the first year", "a lot"],
    ["Term in months", "0"],
    ["Competitors", "HelpBarn"],
  ];
  for (const [label, value] of typed) await field(page, label).fill(value);
  await field(page, "Country").selectOption("SE");
  await field(page, "Currency").selectOption({ index: 2 });
  const currency = await field(page, "Currency").inputValue();
  await field(page, "Expected close").fill("2020-01-31");
  await page.getByLabel("Lumen Insights", { exact: true }).check();
  await page.getByRole("button", { name: "Send for review" }).click();
  await refused(field(page, "Domain or website"), /own domain/);
  await refused(field(page, "Estimated value of the first year"), /\S/);
  await refused(field(page, "Term in months"), /\S/);
  await refused(field(page, "Expected close"), /still to come/);
  for (const [label, value] of typed) await expect(field(page, label)).toHaveValue(value);
  await expect(field(page, "Country")).toHaveValue("SE");
  await expect(field(page, "Currency")).toHaveValue(currency);
  await expect(field(page, "Expected close")).toHaveValue("2020-01-31");
  await expect(page.getByLabel("Lumen Insights", { exact: true })).toBeChecked();
  await expect(page.getByLabel("Lumen Desk", { exact: true })).not.toBeChecked();
  // Nothing of it was stored.
  await expect(page.getByText("Nothing was saved yet.")).toBeVisible();
  await expect(page).toHaveURL(/\/partner\/deals\/new/);
  expect(await deals(page, "Harbour & Söhne")).toEqual([]);
});

/** The own registrations of a customer, as the list's file has them. */
async function deals(page: Page, customer: string): Promise<Record<string, string>[]> {
  const answer = await page.request.get("/partner/deals.csv");
  return records(await answer.text()).filter((deal) => deal.customer === customer);
}

/** A whole registration of a company of its own. */
async function fillDeal(page: Page, customer: string, domain: string): Promise<void> {
  await page.goto("/partner/deals/new");
  await field(page, "Company").fill(customer);
  await field(page, "Domain or website").fill(domain);
  await field(page, "Country").selectOption("SE");
  await field(page, "Whom you talk to").fill("Pia Lund");
  await field(page, "Their e-mail address").fill(`pia@${domain}`);
  await page.getByLabel("Lumen Desk", { exact: true }).check();
  await field(page, "What the customer needs").fill("One desk for three teams.");
  await field(page, "Estimated value of the first year").fill("9600");
  await field(page, "Term in months").fill("12");
  const close = new Date(Date.now() + 200 * 86_400_000).toISOString().slice(0, 10);
  await field(page, "Expected close").fill(close);
}

test("the pressed button counts: saving a draft sends nothing", async ({ page }) => {
  await as(page, "partner_owner");
  const name = `Halb ${Date.now().toString(36)}`;
  await page.goto("/partner/deals/new");
  await field(page, "Company").fill(name);
  await page.getByRole("button", { name: "Save the draft" }).click();
  await told(page, "Saved.");
  await heading(page, name);
  await heading(page, "Draft");
  expect((await deals(page, name)).map((deal) => [deal.status, deal.sent])).toEqual([["draft", ""]]);

  // Two tabs: what the second would overwrite is not lost without a word.
  const other = await page.context().newPage();
  await other.goto(page.url());
  await field(page, "Notes").fill("From the first tab");
  await page.getByRole("button", { name: "Save the draft" }).click();
  await told(page, "Saved.");
  await field(other, "Notes").fill("From the second tab");
  await other.getByRole("button", { name: "Save the draft" }).click();
  await told(other, "was saved in another tab");
  await expect(field(other, "Notes")).toHaveValue("From the second tab");
  await page.reload();
  await expect(field(page, "Notes")).toHaveValue("From the first tab");
  // Whoever has read that may decide.
  await other.getByRole("button", { name: "Save the draft" }).click();
  await told(other, "Saved.");
  await page.reload();
  await expect(field(page, "Notes")).toHaveValue("From the second tab");
  await page.getByRole("button", { name: "Discard the draft" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
  await told(page, "Discarded.");
  expect(await deals(page, name)).toEqual([]);
});

test("a double click sends a registration once", async ({ page }) => {
  await as(page, "partner_owner");
  const mark = Date.now().toString(36);
  const name = `Doppelt ${mark}`;
  await fillDeal(page, name, `doppelt-${mark}.example`);
  await page.getByRole("button", { name: "Send for review" }).dblclick();
  await heading(page, name);
  await told(page, "Sent. A manager looks at it.");
  const made = await deals(page, name);
  expect(made).toHaveLength(1);
  expect(made[0].sent).not.toBe("");
});

test("what a browser sends twice is done once", async ({ page }) => {
  await as(page, "finance");
  await page.goto("/finance/adjustments/new");
  const form = page.locator("form[action='/finance/adjustments']");
  const reason = `Twice ${Date.now().toString(36)}`;
  await field(form, "Partner").selectOption({ index: 1 });
  await form.getByLabel("Bonus").check();
  await field(form, "Amount").fill("12.50");
  await field(form, "Why? The partner reads it").fill(reason);
  const fields = await form.evaluate((element) =>
    [...new FormData(element as HTMLFormElement)].map(([name, value]) => [name, String(value)]),
  );
  const send = () =>
    page.request.post("/finance/adjustments", { form: Object.fromEntries(fields), maxRedirects: 0 });
  const answers = await Promise.all([send(), send(), send()]);
  answers.push(await send());
  const led = new Set(answers.map((answer) => answer.headers().location));
  expect([...led]).toHaveLength(1);
  const lines = records(await (await page.request.get("/finance/adjustments.csv")).text());
  expect(lines.filter((line) => line.What.includes(reason))).toHaveLength(1);
  // The same once more on a page of its own is another booking.
  await page.goto("/finance/adjustments/new");
  await field(form, "Partner").selectOption({ index: 1 });
  await form.getByLabel("Bonus").check();
  await field(form, "Amount").fill("12.50");
  await field(form, "Why? The partner reads it").fill(reason);
  await form.getByRole("button", { name: "Book the adjustment" }).dblclick();
  await told(page, "Booked.");
  const again = records(await (await page.request.get("/finance/adjustments.csv")).text());
  expect(again.filter((line) => line.What.includes(reason))).toHaveLength(2);
});

test("a refused form in a dialog is shown again in the page", async ({ page }) => {
  await as(page, "manager");
  await page.goto("/manager/applications?status=in_review");
  await page.locator("main tbody a").first().click();
  await page.getByRole("button", { name: "Reject" }).first().click();
  const dialog = page.getByRole("dialog");
  await field(dialog, "Reason").selectOption({ index: 1 });
  const reason = await field(dialog, "Reason").inputValue();
  // The browser takes blanks for words; the portal does not.
  await field(dialog, "What the applicant should know").fill("   ");
  await dialog.getByRole("button", { name: "Reject" }).click();
  const again = page.locator("#reject");
  await expect(again).toBeVisible();
  await refused(field(again, "What the applicant should know"), /\S/);
  await expect(field(again, "Reason")).toHaveValue(reason);
  await heading(page, "In review");
});

test("preferences", async ({ page }) => {
  await as(page, "partner_member");
  await page.goto("/preferences");
  const name = await field(page, "Name").inputValue();
  await field(page, "Name").fill("  ");
  await field(page, "Numbers and dates").selectOption("de");
  await page.getByRole("button", { name: "Save" }).click();
  await refused(field(page, "Name"), /\S/);
  await expect(field(page, "Numbers and dates")).toHaveValue("de");
  await field(page, "Name").fill(name);
  await field(page, "Numbers and dates").selectOption("en");
  await page.getByRole("button", { name: "Save" }).click();
  await told(page, "Saved.");
});

test("a payout run needs a day", async ({ page }) => {
  await as(page, "finance");
  await page.goto("/finance/runs/new");
  await field(page, "Note for colleagues").fill("Kept while the day is wrong");
  // The browser's own check is left out, as an old browser would.
  const form = page.locator("form[action='/finance/runs']");
  await field(page, "Cut-off").fill("");
  const action = await form.getAttribute("action");
  const program = await form.locator("[name=program]").inputValue();
  const answer = await page.context().request.post(action ?? "", {
    form: { program, cutoff: "the 31st", note: "Kept while the day is wrong" },
    maxRedirects: 0,
  });
  expect(answer.status()).toBe(303);
  await page.goto(answer.headers().location);
  await refused(field(page, "Cut-off"), /Choose a day/);
  await expect(field(page, "Note for colleagues")).toHaveValue("Kept while the day is wrong");
});
