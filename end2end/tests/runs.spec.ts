// Payout runs by their pages, beside a portal of their own: old pages, what comes up between a look and
// an approval, what a run waits for, what of it left, questions and stops. With and without JavaScript.

import { expect, type Locator, type Page, test } from "@playwright/test";
import { records } from "./support/csv";
import { euros } from "./support/money";
import { field, heading, People, reloadUntil, told, type Visitor } from "./support/people";
import { audit, OwnPortal, portico } from "./support/portal";
import { Sandbox } from "./support/sandbox";
import { event } from "./support/signed";

test.describe.configure({ mode: "serial" });
test.setTimeout(300_000);

let portal: OwnPortal;
let sandbox: Sandbox;
let people: People;
let felix: Visitor;
let ines: Visitor;
let ada: Visitor;
let failed = false;

test.beforeAll(async ({ browser }, info) => {
  portal = await OwnPortal.start();
  sandbox = new Sandbox(portal.stripe);
  people = new People(browser, info.project.use.javaScriptEnabled !== false, portal.base);
  for (const currency of ["eur", "usd", "gbp", "chf", "jpy"]) await balance(currency, 1_000_000_000);
  felix = await people.as("finance");
  ines = await people.as("finance_second");
  ada = await people.as("admin");
});

test.afterEach(({}, info) => {
  failed ||= info.status !== info.expectedStatus;
});

test.afterAll(async () => {
  await people?.close();
  await portal?.end(failed);
});

test("an old page approves nothing, and what changed is said", async () => {
  const { page } = felix;
  const run = await drafted("Looked at twice");
  await submit(run);
  await ines.page.goto(run);

  await sendBack(run);
  const least = await row(page, "In the run").last().locator("td[data-label=Partner]").innerText();
  await leaveOut(run, least, "Its invoice is missing");
  await expect(table(page, "Left out")).toContainText("Its invoice is missing");
  await submit(run);
  await pressApprove(ines.page);
  await told(ines.page, "has changed since you looked at it");
  await told(ines.page, `${least} is no longer in it`);
  await heading(ines.page, "Waiting for approval");

  // Its exclusion is lifted again while another tab shows the run without it.
  const tab = await ines.context.newPage();
  await tab.goto(run);
  await sendBack(run);
  await row(page, "Left out").filter({ hasText: least }).getByRole("button", { name: "Put back" }).click();
  await told(page, "Back in the run.");
  await submit(run);
  await pressApprove(tab);
  await told(tab, `${least} is in it now with`);
  await heading(tab, "Waiting for approval");
  // A form that does not say what was shown is no approval either.
  await ines.context.request.post(`${run}/approve`, { form: { _form: "approve" } });

  await tab.goto(run);
  await cancel(page, run, "Not this month");
  await heading(page, "Canceled");
  await pressApprove(tab);
  await told(tab, "is “Canceled”, so you cannot approve it now");
  const items = await csv(felix, `${run}/items.csv`);
  expect(items.filter((item) => item.Payout !== "")).toEqual([]);
  await tab.close();
});

test("what comes up after the look leaves that partner out, with its reason", async () => {
  const { page } = felix;
  // The demonstration's own run waits since before: what it pays goes into this one.
  await page.goto("/finance/runs?status=submitted");
  for (const link of await page.locator("main tbody a").evaluateAll(hrefs)) {
    await cancel(page, link, "One run is enough");
  }
  const run = await drafted("A refund comes in between");
  const inside = await csv(felix, `${run}/items.csv`);
  const paid = inside.filter((item) => item["In the run"] === "yes");
  expect(paid.length).toBeGreaterThan(3);
  const { partner, invoice } = await refundable(paid.map((item) => item.Partner));
  await submit(run);
  await ines.page.goto(run);
  const before = await takenBack(partner);
  await event(portal.base, "refund.created", {
    id: `re_look_${invoice}`,
    object: "refund",
    amount: 1_000,
    charge: `ch_${invoice}`,
    created: Math.floor(Date.now() / 1000),
    currency: "eur",
    metadata: {},
    payment_intent: `pi_${invoice}`,
    reason: "requested_by_customer",
    status: "succeeded",
  });
  await expect.poll(() => takenBack(partner), { message: "the refund is booked" }).toBeGreaterThan(before);

  // Stripe cannot be reached, so what is approved waits and says for what.
  await goesWrong("GET", "/v1/", "connection_reset", 10_000);
  await pressApprove(ines.page);
  await told(ines.page, "Approved.");
  if (await waitsForAnother(ines.page)) {
    await ada.page.goto(run);
    await pressApprove(ada.page);
    await told(ada.page, "Approved.");
  }
  await page.goto(run);
  await expect(row(page, "Left out").filter({ hasText: partner })).toContainText(
    "What it is owed changed after the run was submitted (found at the approval)",
  );
  await waits(page, "cannot be reached");
  await allWell();
  await goesWrong("GET", "/v1/", "status_401", 10_000);
  await later("3m");
  await waits(page, "refuses the portal’s key");

  // One is put on hold meanwhile; of another Stripe refuses the transfer.
  const held = paid.map((item) => item.Partner).find((name) => name !== partner) ?? "";
  await page.goto("/finance/holds");
  await field(page, "Partner").first().selectOption({ label: held });
  await field(page, "Why? The partner reads it").fill("A letter of its bank");
  await page.getByRole("button", { name: "Hold its payouts" }).click();
  await told(page, "on hold until somebody lifts it");
  await goesWrong("POST", "/v1/transfers", "status_404", 1);
  await allWell("GET");
  await page.goto(run);
  await inTime(page, /Done, \d+ failed$/);
  const items = await csv(felix, `${run}/items.csv`);
  const outs = items.filter((item) => item.Status === "failed");
  await heading(page, `Done, ${outs.length} failed`);
  const reason = items.find((item) => item.Partner === held && item.Payout !== "")?.Reason;
  expect(reason).toContain("Held by finance (found before sending, nothing was sent)");
  // Its page and its file say the same.
  for (const item of items.filter((one) => one.Payout !== "")) {
    const parts = Number(item.Sent) + Number(item.Failed);
    expect(parts, item.Partner).toBeCloseTo(Number(item.Approved), 2);
    expect(item.Transfer !== "", item.Partner).toBe(item.Status === "paid");
  }
  const sum = (name: string) =>
    items.filter((item) => item.Currency === "EUR").reduce((all, item) => all + Math.round(Number(item[name]) * 100), 0);
  await expect(figure(page, "Approved, EUR")).toContainText(euros(sum("Approved")));
  await expect(figure(page, "Sent, EUR")).toContainText(euros(sum("Sent")));
  await expect(figure(page, "Failed, EUR")).toContainText(euros(sum("Failed")));
  await page.goto("/finance/runs");
  await expect(page.getByText(`Done, ${outs.length} failed`).first()).toBeVisible();
  await page.goto("/finance/holds");
  await page.getByRole("button", { name: "Lift the hold" }).first().click();
  await told(page, "The hold is lifted.");
});

test("a run canceled after some of it left says what was paid", async () => {
  const { page } = felix;
  const three = await bonuses(3, "600.00");
  const run = await drafted("The balance runs out");
  await only(run, three);
  await submit(run);
  // One leaves; Stripe puts the others off, and then the balance is gone.
  await goesWrong("POST", "/v1/transfers", "status_429", 2, { retry_after: 3_000 });
  await approve(run);
  await reloadUntil(page, "one is paid", async () => {
    const items = await csv(felix, `${run}/items.csv`);
    return items.filter((item) => item.Status === "paid").length === 1;
  });
  await balance("eur", 0);
  await later("1h");
  await page.goto(run);
  await inTime(page, "Waiting for balance");
  await expect(page.getByText("was sent before and stays").first()).toBeVisible();
  await cancel(page, run, "The rest goes with the next one");
  await told(page, "was sent before and stays");
  await heading(page, "Canceled, 1 paid");
  await expect(alert(page).filter({ hasText: "Canceled after some of it was sent" })).toBeVisible();
  await expect(page.getByText("This run waits")).toHaveCount(0);
  await expect(figure(page, "Sent, EUR")).not.toContainText(euros(0));
  await expect(figure(page, "Not sent, EUR")).toContainText("payable again");
  await page.goto("/finance/runs");
  const listed = page.getByRole("row").filter({ hasText: "The balance runs out" });
  await expect(listed).toContainText("Canceled, 1 paid");
  await expect(listed).toContainText("sent €");
  await balance("eur", 100_000_000);
});

test("the books balance", async () => {
  const { code, said } = await audit(portal.env);
  expect(code, said).toBe(0);
});

function hrefs(links: Element[]): string[] {
  return [...new Set(links.map((link) => (link as HTMLAnchorElement).pathname))];
}

function table(page: Page, caption: string): Locator {
  return page.getByRole("table", { name: caption });
}

/** The rows of a table of the run's page. */
function row(page: Page, caption: string): Locator {
  return table(page, caption).locator("tbody tr");
}

function alert(page: Page): Locator {
  return page.locator("main [role=alert]");
}

function figure(page: Page, label: string): Locator {
  return page.locator(".figure").filter({ has: page.locator(".figure-label", { hasText: label }) }).first();
}

async function title(page: Page): Promise<string> {
  return ((await page.getByRole("heading", { level: 1 }).textContent()) ?? "").trim();
}

async function csv(visitor: Visitor, path: string): Promise<Record<string, string>[]> {
  const answer = await visitor.context.request.get(path);
  expect(answer.status(), path).toBe(200);
  return records(await answer.text());
}

/** Felix drafts a run; gives its address. */
async function drafted(note: string): Promise<string> {
  const { page } = felix;
  await page.goto("/finance/runs/new");
  await field(page, "Note for colleagues").fill(note);
  await page.getByRole("button", { name: "Draft the run" }).click();
  await told(page, "Drafted.");
  return new URL(page.url()).pathname;
}

async function submit(run: string): Promise<void> {
  await felix.page.goto(run);
  await felix.page.getByRole("button", { name: "Submit for approval" }).click();
  await told(felix.page, "Submitted.");
}

async function sendBack(run: string): Promise<void> {
  const { page } = felix;
  await page.goto(run);
  await page.getByRole("button", { name: "Send back" }).first().click();
  const dialog = page.getByRole("dialog");
  await field(dialog, "What should change?").fill("Not all of them");
  await dialog.getByRole("button", { name: "Send back" }).click();
  await told(page, "Sent back.");
}

async function leaveOut(run: string, partner: string, reason: string): Promise<void> {
  const { page } = felix;
  await page.goto(run);
  await row(page, "In the run").filter({ hasText: partner }).last().getByRole("checkbox").check();
  await field(page, "Reason").fill(reason);
  await page.getByRole("button", { name: "Leave out" }).click();
  await told(page, "Left out of this run.");
}

/** Takes everybody else out of a draft. */
async function only(run: string, partners: string[]): Promise<void> {
  const { page } = felix;
  await page.goto(run);
  const rows = row(page, "In the run");
  let others = 0;
  for (const one of await rows.all()) {
    const name = await one.locator("td[data-label=Partner]").innerText();
    const euro = (await one.locator("td[data-label=Currency]").innerText()) === "EUR";
    if (partners.includes(name) && euro) continue;
    await one.getByRole("checkbox").check();
    others += 1;
  }
  if (others === 0) return;
  await field(page, "Reason").fill("Not in this one");
  await page.getByRole("button", { name: "Leave out" }).click();
  await told(page, "left out of this run");
  await expect(row(page, "In the run")).toHaveCount(partners.length);
}

/** Presses the button of a page as it stands there. */
async function pressApprove(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Approve and pay" }).click();
}

async function waitsForAnother(page: Page): Promise<boolean> {
  return (await title(page)).includes("Waiting for approval");
}

/** Approves, twice where two people have to. */
async function approve(run: string): Promise<void> {
  for (const { page } of [ines, ada]) {
    await page.goto(run);
    if (!(await waitsForAnother(page))) return;
    await pressApprove(page);
    await told(page, "Approved.");
  }
}

async function cancel(page: Page, run: string, reason: string): Promise<void> {
  await page.goto(run);
  await page.getByRole("button", { name: "Cancel the run" }).first().click();
  const dialog = page.getByRole("dialog");
  await field(dialog, "Why?").fill(reason);
  await dialog.getByRole("button", { name: "Cancel the run" }).click();
  await told(page, "Canceled.");
}

/** The run's page says for what it waits. */
async function waits(page: Page, why: string | RegExp): Promise<void> {
  const notice = alert(page).filter({ hasText: "This run waits" });
  await reloadUntil(page, `it waits: ${why}`, async () => notice.filter({ hasText: why }).isVisible());
}

async function later(time: string): Promise<void> {
  await portico(["clock", "advance", time], portal.env);
}

/** What waits looks again every few minutes: they pass until the run’s page says so. */
async function inTime(page: Page, status: string | RegExp): Promise<void> {
  await expect(async () => {
    await later("3m");
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toContainText(status, { timeout: 1_500 });
  }).toPass({ timeout: 60_000, intervals: [500] });
}

async function goesWrong(method: string, path: string, kind: string, times: number, more = {}): Promise<void> {
  await sandbox.ask("faults", { match: { method, path_prefix: path }, kind, times, ...more });
}

/** Nothing goes wrong any more, or nothing of one method. */
async function allWell(method?: string): Promise<void> {
  const faults = `${portal.stripe}/_sandbox/faults`;
  const all = (await (await fetch(faults)).json()) as { match: { method: string } }[];
  await fetch(faults, { method: "DELETE" });
  for (const fault of method ? all.filter((one) => one.match.method !== method) : []) {
    await sandbox.ask("faults", fault);
  }
}

async function balance(currency: string, amount: number): Promise<void> {
  await sandbox.ask("balance", { currency, amount });
}

/** Books a bonus in euros for so many partners that were paid before; gives their names. */
async function bonuses(count: number, amount: string): Promise<string[]> {
  const { page } = felix;
  const payouts = await csv(felix, "/finance/payouts.csv");
  const paid = payouts.filter((row) => row.Currency === "EUR" && row.Status === "paid");
  const names = [...new Set(paid.map((row) => row.Partner))].slice(0, count);
  expect(names).toHaveLength(count);
  for (const name of names) {
    await page.goto("/finance/adjustments/new");
    const form = page.locator("form[action='/finance/adjustments']");
    await field(form, "Partner").selectOption({ label: name });
    await form.getByLabel("Bonus").check();
    await field(form, "Amount").fill(amount);
    await field(form, "Why? The partner reads it").fill("For the fair");
    await form.getByRole("button", { name: "Book the adjustment" }).click();
    await told(page, "Booked. It is payable.");
  }
  return names;
}

/** How many lines of a partner take something back. */
async function takenBack(partner: string): Promise<number> {
  const lines = await csv(felix, "/finance/commissions.csv?kind=reversal");
  return lines.filter((line) => line.Partner === partner).length;
}

/** A partner among these with a payable line of an invoice of the demonstration, and its bare id. */
async function refundable(partners: string[]): Promise<{ partner: string; invoice: string }> {
  const lines = await csv(felix, "/finance/commissions.csv?state=payable&kind=accrual&currency=EUR");
  const line = lines.find((one) => partners.includes(one.Partner) && one.Invoice !== "");
  if (!line) throw new Error("nothing can be refunded");
  await felix.page.goto(`/finance/invoices/${line.Invoice}`);
  const id = await felix.page.getByText(/^in_/).first().innerText();
  return { partner: line.Partner, invoice: id.replace(/^in_/, "") };
}
