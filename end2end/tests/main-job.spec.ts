// The main job, from an agency's first visit to its first payout, by the pages that people use.
// The same steps run with and without JavaScript.

import { expect, type Page, test } from "@playwright/test";
import { records } from "./support/csv";
import { questions } from "./support/exam";
import { linkFor } from "./support/mail";
import { euros, percent } from "./support/money";
import { field, heading, People, reloadUntil, told, type Visitor } from "./support/people";
import { audit, portico } from "./support/portal";
import { Sandbox, type Transfer } from "./support/sandbox";

test.describe.configure({ mode: "serial" });
test.setTimeout(300_000);

/** 25 % of an agency's plan, which is offered for an agency, and 5 for a registered deal. */
const RATE = 3_000;
const PASSWORD = "a long word for the test";

test("an agency applies, sells and is paid", async ({ browser }, info) => {
  const scripts = info.project.use.javaScriptEnabled !== false;
  // Companies are told apart by their domains, so every run has its own.
  const mark = `${scripts ? "js" : "plain"}-${Date.now().toString(36)}`;
  const agency = { name: `Tidelock ${mark}`, domain: `tidelock-${mark}.example` };
  const owner = { name: "Ida Falk", email: `ida@tidelock-${mark}.example` };
  const customer = { name: `Orbit Foods ${mark}`, domain: `orbit-foods-${mark}.example` };
  const sandbox = new Sandbox();
  const people = new People(browser, scripts);
  try {
    const partner = await people.somebody();
    const { page } = partner;

    await test.step("signs up and confirms the address", () => signUp(page, owner));
    const application = await test.step("applies", () => apply(page, agency, owner.name));
    const manager = await people.as("manager");
    await test.step("a manager reviews and approves", () => approve(manager.page, agency.name));
    await test.step("the applicant is a partner", async () => {
      await page.goto(application);
      await expect(page.getByText("You are a partner.")).toBeVisible();
      await page.goto("/partner");
      await heading(page, "Home");
      await expect(page.getByRole("heading", { name: "Getting started" })).toBeVisible();
    });
    await test.step("signs the agreement", () => sign(page, owner.name));
    await test.step("cannot register without a certificate", async () => {
      await page.goto("/partner/deals/new");
      await expect(page.getByText("Registering needs the certificate")).toBeVisible();
    });
    await test.step("reads the lessons and passes the exam", () => learn(page));
    const deal = await test.step("registers a deal", () => register(page, customer));
    await test.step("a manager approves the deal", () => approveDeal(manager.page, deal));
    await test.step("the deal is protected", async () => {
      await page.goto(`/partner/deals/${deal}`);
      await heading(page, "Approved");
    });

    // 30 % of what was paid without tax, after the discount. Each line is rounded on its own.
    const first = percent(129_955 - 12_345, RATE);
    const second = percent(54_321, RATE) + percent(8_888, RATE);
    const earned = first + second;
    await test.step("the customer pays two invoices", async () => {
      const id = await sandbox.customer(customer.name, `office@${customer.domain}`, deal);
      const desk = { product: "prod_lumen_desk", description: "Lumen Desk, 12 seats" };
      await sandbox.paid(id, [{ ...desk, amount: 129_955, discount: 12_345, tax: 22_346 }]);
      await sandbox.paid(id, [
        { ...desk, amount: 54_321, tax: 10_321 },
        { product: "prod_lumen_care", description: "Lumen Care", amount: 8_888, tax: 1_689 },
      ]);
      expect(await sandbox.drain(), "every webhook was taken").toBe(true);
    });
    await test.step("the deal is won", async () => {
      await page.goto(`/partner/deals/${deal}`);
      await reloadUntil(page, "the deal is won", async () =>
        ((await page.getByRole("heading", { level: 1 }).textContent()) ?? "").includes("Won"),
      );
    });
    await test.step("commission is on hold, with its explanation", async () => {
      await page.goto("/partner/earnings?state=pending");
      await reloadUntil(page, "three lines", async () => (await rows(page).count()) === 3);
      await expect(page.getByText(euros(earned), { exact: true }).first()).toBeVisible();
      await expect(page.getByText("3 lines")).toBeVisible();
      await rows(page).filter({ hasText: euros(first) }).getByRole("link").first().click();
      await heading(page, "Agency commission");
      await expect(page.getByText(/^On hold until .*, then payable\.$/)).toBeVisible();
      const steps = page.getByRole("table").filter({ hasText: "Amount" }).first();
      await expect(steps.getByRole("row", { name: /^Amount / })).toContainText(euros(first));
      await expect(steps).toContainText(/1,?176\.10/);
      await expect(steps).toContainText(/30\s?%/);
      await expect(page.getByText(customer.name).first()).toBeVisible();
      await page.goto("/partner");
      await expect(figure(page, "On hold")).toContainText(euros(earned));
      await expect(figure(page, "Payable")).toContainText(euros(0));
    });
    await test.step("the hold passes", async () => {
      await portico(["clock", "advance", "31d"]);
      await page.goto("/partner/earnings?state=payable");
      await reloadUntil(page, "three payable lines", async () => (await rows(page).count()) === 3);
      await expect(page.getByText(euros(earned), { exact: true }).first()).toBeVisible();
      await page.goto("/partner");
      await expect(figure(page, "Payable")).toContainText(euros(earned));
    });
    await test.step("connects a payout account", () => connect(page, agency.name));

    const finance = await people.as("finance");
    const second_pair = await people.as("finance_second");
    const run = await test.step("finance drafts a run: the first payout to a new account waits", () =>
      draft(finance, agency.name));
    await test.step("three days later it is in the run, which is submitted", async () => {
      await portico(["clock", "advance", "3d"]);
      await submit(finance, run, agency.name, earned);
    });
    await test.step("who submitted it cannot approve it", () => cannotApprove(finance, run));
    await test.step("a different person approves it", () => approveRun(second_pair, people, run));
    await test.step("the run is done", async () => {
      await finance.page.goto(run);
      await reloadUntil(finance.page, "the run is done", async () =>
        /Done\s*$/.test((await finance.page.getByRole("heading", { level: 1 }).textContent()) ?? ""),
      );
    });

    await test.step("transfer, payout and the partner's page say the same", async () => {
      const state = await sandbox.state();
      const account = state.accounts.find((one) => one.contact_email === owner.email);
      expect(account?.transfers, "the account may receive").toBe("active");
      const made = state.transfers.filter((one) => one.destination === account?.id);
      expect(made).toHaveLength(1);
      expect(made[0]).toMatchObject({ amount: earned, currency: "eur" });

      // Everything that ever left, as finance has it and as the sandbox has it; what somebody sent
      // by hand at Stripe is no payout, and is told as a difference.
      const sent = state.transfers.filter((one) => one.metadata.portico_payout);
      const foreign = state.transfers.filter((one) => !one.metadata.portico_payout);
      const differences = await csv(finance, "/finance/reconciliation.csv");
      expect(sorted(differences.map((row) => row.Reference))).toEqual(
        sorted(foreign.map((one) => `foreign:${one.id}`)),
      );
      const payouts = await csv(finance, "/finance/payouts.csv");
      const paid = payouts.filter((row) => row.Transfer !== "");
      expect(new Set(paid.map((row) => row.Transfer)).size).toBe(paid.length);
      expect(sorted(paid.map((row) => row.Transfer))).toEqual(
        sorted(sent.map((one) => one.id)),
      );
      for (const transfer of sent) {
        const row = paid.find((one) => one.Transfer === transfer.id);
        expect(row, transfer.id).toMatchObject({
          Destination: transfer.destination,
          Currency: transfer.currency.toUpperCase(),
        });
        expect(minor(row?.Amount), transfer.id).toBe(transfer.amount);
      }
      // And as the ledger has it: all of it by currency, and this payout's one posting.
      const clearing = (await csv(finance, "/finance/ledger/accounts.csv")).filter(
        (row) => row.Code === "stripe:clearing",
      );
      expect(Object.fromEntries(clearing.map((row) => [row.Currency, minor(row.Balance)]))).toEqual(
        left(sent),
      );
      const payout = paid.find((row) => row.Transfer === made[0].id)?.Payout;
      const postings = (await csv(finance, "/finance/ledger.csv")).filter(
        (row) => row.Payout === payout && row.Account === "stripe:clearing",
      );
      expect(postings.map((row) => [row.Credit, row.Debit, row.Currency])).toEqual([
        [(earned / 100).toFixed(2), "", "EUR"],
      ]);

      await page.goto("/partner/payouts");
      await expect(rows(page)).toHaveCount(1);
      await expect(rows(page).first()).toContainText(euros(earned));
      await expect(rows(page).first()).toContainText("Paid");
      await rows(page).first().getByRole("link").first().click();
      await expect(page.getByText(made[0].id, { exact: true })).toBeVisible();
      await expect(rows(page)).toHaveCount(3);
      const own = await csv(partner, "/partner/payouts.csv");
      expect(own.map((row) => [row.Transfer, row.Amount])).toEqual([
        [made[0].id, (earned / 100).toFixed(2)],
      ]);
    });
    await test.step("the dashboard shows tier, earnings and payout", async () => {
      await page.goto("/partner");
      await expect(page.getByRole("heading", { name: "Tier: Registered" })).toBeVisible();
      await expect(figure(page, /Earned in 12 months/)).toContainText(euros(earned));
      await expect(figure(page, "Payable")).toContainText(euros(0));
      await expect(figure(page, "On hold")).toContainText(euros(0));
      await expect(page.getByRole("heading", { name: "The last twelve months" })).toBeVisible();
      await expect(page.getByRole("table", { name: "Latest earnings" })).toContainText("Paid");
      await page.goto("/partner/earnings?state=paid");
      await expect(page.getByText(euros(earned), { exact: true }).first()).toBeVisible();
    });
    await test.step("the books balance", async () => {
      const { code, said } = await audit();
      expect(code, said).toBe(0);
    });
  } finally {
    await people.close();
  }
});

function rows(page: Page) {
  return page.locator("main table tbody tr").filter({ has: page.locator("td[data-label]") });
}

function figure(page: Page, label: string | RegExp) {
  return page.locator(".figure").filter({ hasText: label }).first();
}

/** Minor units of an amount in a CSV file; all currencies here have two digits. */
function minor(amount: string | undefined): number {
  return Number(amount?.replace(".", ""));
}

/** What transfers took away by currency, less what came back. */
function left(transfers: Transfer[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { currency, amount, amount_reversed } of transfers) {
    const name = currency.toUpperCase();
    sums[name] = (sums[name] ?? 0) + amount - amount_reversed;
  }
  return sums;
}

function sorted(list: string[]): string[] {
  return [...list].sort();
}

/** A CSV file that a person may have, as records. */
async function csv(visitor: Visitor, path: string): Promise<Record<string, string>[]> {
  const answer = await visitor.context.request.get(path);
  expect(answer.status(), path).toBe(200);
  return records(await answer.text());
}

async function signUp(page: Page, owner: { name: string; email: string }): Promise<void> {
  await page.goto("/");
  await page.getByRole("link", { name: "Apply" }).first().click();
  await heading(page, "Sign up to apply");
  await field(page, "Your name").fill(owner.name);
  await field(page, "E-mail address").fill(owner.email);
  await field(page, "Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await heading(page, "Check your e-mail");
  await page.goto(await linkFor(owner.email, "/confirm"));
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await told(page, "Your address is confirmed");
  await expect(field(page, "E-mail address")).toHaveValue(owner.email);
  await field(page, "Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading(page, "My application");
}

async function apply(
  page: Page,
  agency: { name: string; domain: string },
  contact: string,
): Promise<string> {
  await page.getByRole("button", { name: "Begin the application" }).click();
  await heading(page, "Application to");
  await field(page, "Legal name").fill(agency.name);
  await field(page, "Website").fill(`https://www.${agency.domain}`);
  await field(page, "Country").selectOption("DE");
  await field(page, "What kind of partner").selectOption("agency");
  await field(page, "People at your company").selectOption({ index: 2 });
  await field(page, "What you do for your customers").fill("Roll-out of service desks.");
  await field(page, "What business you expect to bring").fill("Four customers a year.");
  await field(page, "Name").fill(contact);
  await page.getByRole("button", { name: "Save the draft" }).click();
  await told(page, "Saved.");
  await expect(field(page, "Website")).toHaveValue(`https://www.${agency.domain}`);
  await page.getByLabel(/^I accept the terms/).check();
  await page.getByRole("button", { name: "Send the application" }).click();
  await told(page, "Sent.");
  await expect(page.getByText("Your application has arrived.")).toBeVisible();
  return new URL(page.url()).pathname;
}

async function approve(page: Page, name: string): Promise<void> {
  await page.goto(`/manager/applications?q=${encodeURIComponent(name)}`);
  await rows(page).getByRole("link", { name }).click();
  await heading(page, name);
  await page.getByRole("button", { name: "Take into review" }).click();
  await told(page, "It is yours to review.");
  await expect(field(page, "Partner type")).toHaveValue("agency");
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await told(page, "Approved.");
  await heading(page, name);
}

async function sign(page: Page, name: string): Promise<void> {
  await page.goto("/partner/organisation/agreement");
  await field(page, "Your full name").fill(name);
  await page.getByLabel(/^I have read the terms/).check();
  await page.getByRole("button", { name: /^Sign version/ }).click();
  await told(page, "Signed. Thank you.");
  await expect(page.getByText(`Signed by ${name}`)).toBeVisible();
}

async function learn(page: Page): Promise<void> {
  await page.goto("/partner/learning");
  await page.getByRole("link", { name: "Begin" }).first().click();
  await page.getByRole("link", { name: "Read the first lesson" }).click();
  const last = page.getByRole("button", { name: "Mark as done and go to the exam" });
  const next = page.getByRole("button", { name: "Mark as done and go on" });
  for (let lesson = 0; lesson < 50; lesson += 1) {
    await expect(last.or(next)).toBeVisible();
    if (await last.isVisible()) break;
    const before = page.url();
    await next.click();
    await expect(page).not.toHaveURL(before);
  }
  await last.click();
  await page.getByRole("button", { name: "Start the exam" }).click();
  await heading(page, "Exam:");
  await answer(page);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await told(page, /saved/i);
  await page.getByRole("button", { name: "Hand in" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Hand in" }).click();
  await heading(page, "Result:");
  await expect(page.getByText(/: 100%\./)).toBeVisible();
  await expect(page.getByRole("link", { name: "See the certificate" })).toBeVisible();
}

/** Answers whatever was drawn, in whatever order the options are. */
async function answer(page: Page): Promise<void> {
  const pool = questions();
  const asked = page.locator(".exam fieldset");
  const count = await asked.count();
  expect(count).toBeGreaterThan(0);
  for (let i = 0; i < count; i += 1) {
    const one = asked.nth(i);
    const text = ((await one.locator("legend").textContent()) ?? "").replace(/\s+/g, " ");
    const known = pool.find((question) => text.includes(question.prompt));
    if (!known) throw new Error(`a question that the demonstration does not have: ${text}`);
    for (const [place, option] of known.answer.entries()) {
      const words = known.options[option];
      if (known.kind === "ordering") {
        await one.getByLabel(`Place of “${words}”`).selectOption(String(place + 1));
      } else {
        await one.getByLabel(words, { exact: true }).check();
      }
    }
  }
}

async function register(page: Page, customer: { name: string; domain: string }): Promise<number> {
  await page.goto("/partner/deals");
  await page.getByRole("link", { name: "Register a deal" }).first().click();
  await field(page, "Company").fill(customer.name);
  await field(page, "Domain or website").fill(customer.domain);
  await field(page, "Country").selectOption("DE");
  await field(page, "Whom you talk to").fill("Ruth Adler");
  await field(page, "Their e-mail address").fill(`ruth@${customer.domain}`);
  await page.getByLabel("Lumen Desk", { exact: true }).check();
  await page.getByLabel("Lumen Care", { exact: true }).check();
  await field(page, "What the customer needs").fill("One desk for three teams.");
  await field(page, "Estimated value of the first year").fill("9600");
  await field(page, "Currency").selectOption("EUR");
  await field(page, "Term in months").fill("12");
  const close = new Date(Date.now() + 120 * 86_400_000).toISOString().slice(0, 10);
  await field(page, "Expected close").fill(close);
  await page.getByRole("button", { name: "Send for review" }).click();
  await told(page, "Sent. A manager looks at it.");
  await heading(page, customer.name);
  const id = Number(new URL(page.url()).pathname.split("/").pop());
  expect(id).toBeGreaterThan(0);
  return id;
}

async function approveDeal(page: Page, deal: number): Promise<void> {
  await page.goto(`/manager/deals/${deal}`);
  await page.getByRole("button", { name: "Take into review" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("In review");
  await page.getByRole("button", { name: "Approve and protect" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Approved");
}

async function connect(page: Page, name: string): Promise<void> {
  await page.goto("/partner/payout-account");
  await page.getByRole("button", { name: "Connect a payout account" }).click();
  await heading(page, "Set up payouts");
  await expect(page.getByText(name).first()).toBeVisible();
  await page.getByRole("button", { name: "Finish everything" }).click();
  await heading(page, "Payout account");
  await reloadUntil(page, "the account is ready", async () =>
    /Ready/i.test((await page.getByRole("heading", { level: 1 }).textContent()) ?? ""),
  );
}

async function draft(finance: Visitor, agency: string): Promise<string> {
  const { page } = finance;
  await page.goto("/finance/runs");
  await page.getByRole("link", { name: "New run" }).first().click();
  await field(page, "Note for colleagues").fill("The main job");
  await page.getByRole("button", { name: "Draft the run" }).click();
  await told(page, "Drafted.");
  const waits = page.getByRole("table", { name: "Left out" }).getByRole("row");
  await expect(waits.filter({ hasText: agency })).toContainText("Payout account is new");
  return new URL(page.url()).pathname;
}

async function submit(finance: Visitor, run: string, agency: string, earned: number): Promise<void> {
  const { page } = finance;
  await page.goto(run);
  const included = page.getByRole("table", { name: "In the run" });
  // A portal that runs knows of another time within a second.
  await expect(async () => {
    await page.getByRole("button", { name: "Count anew" }).click();
    await told(page, "Counted anew.");
    const row = included.getByRole("row").filter({ hasText: agency });
    await expect(row).toContainText(euros(earned), { timeout: 500 });
  }).toPass({ timeout: 20_000 });
  const first = page.getByText("Nothing was ever paid to the account");
  await expect(first).toBeVisible();
  await page.getByRole("button", { name: "Submit for approval" }).click();
  await told(page, "Submitted.");
}

/** Neither is there a button, nor does the request work without one. */
async function cannotApprove(finance: Visitor, run: string): Promise<void> {
  const { page, context } = finance;
  await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);
  const answer = await context.request.post(`${run}/approve`, { form: {}, maxRedirects: 0 });
  expect([303, 403, 409]).toContain(answer.status());
  await page.goto(run);
  await heading(page, "Waiting for approval");
}

/** Approves; where the amount asks for it, an admin is the second to approve. */
async function approveRun(second: Visitor, people: People, run: string): Promise<void> {
  const one = async (page: Page) => {
    await page.goto(run);
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Approve and pay" }).click();
    await told(page, "Approved.");
  };
  await one(second.page);
  const status = (await second.page.getByRole("heading", { level: 1 }).textContent()) ?? "";
  if (status.includes("Waiting for approval")) await one((await people.as("admin")).page);
}
