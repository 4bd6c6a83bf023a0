// Two portals on one database work while everything goes wrong that can: they are killed and frozen,
// the database stalls for longer than a claim, the disk is full, the clock jumps, Stripe answers
// nothing clear. In the end nobody was paid twice, nobody is forgotten, what was acknowledged is
// there, and the books are right.
//
// PORTICO_CHAOS_SEED repeats a run's decisions, PORTICO_CHAOS_ROUNDS is the number of payout runs,
// PORTICO_CHAOS_TROUBLES how much happens in each half of a round.

import { expect, test } from "@playwright/test";
import { Caller, dice, heading, minor, pause, until } from "./support/caller";
import { Disk } from "./support/disk";
import { audit, OwnPortal, person, portico } from "./support/portal";
import { Sandbox, type State } from "./support/sandbox";
import { Troubles } from "./support/troubles";
import { Witness } from "./support/witness";

const number = (name: string, usual: number) => Number(process.env[name] ?? usual);
const ROUNDS = number("PORTICO_CHAOS_ROUNDS", 5);
const TROUBLES = number("PORTICO_CHAOS_TROUBLES", 14);
/** Customers that pay in a round. */
const CUSTOMERS = 24;

test.setTimeout((ROUNDS * (TROUBLES * 20 + 240) + 240) * 1_000);

/** Who works in the portal. */
type People = { felix: Caller; approvers: Caller[]; ada: Caller; maya: Caller };

test("whatever happens, everybody is paid once and nothing acknowledged is lost", async () => {
  const seed = number("PORTICO_CHAOS_SEED", Date.now() % 1_000_000_000);
  console.log(`PORTICO_CHAOS_SEED=${seed}`);
  const random = dice(seed);
  const sqlite = process.env.PORTICO_TEST_ENGINE !== "postgres";
  const disk = sqlite ? Disk.make() : undefined;
  if (disk) console.log(`the disk that fills: ${disk.kind}`);
  const portal = await OwnPortal.start({
    portals: 2,
    disk: disk?.folder,
    settings: { PORTICO_CLAIM_SECONDS: "2" },
  });
  const sandbox = new Sandbox(portal.stripe);
  const witness = new Witness(portal.bases);
  const troubles = new Troubles(portal, sandbox, disk, random);
  let whole = false;
  try {
    const staff = (role: string) => Caller.signIn(portal.base, person(role).email);
    const ada = await staff("admin");
    const people: People = {
      felix: await staff("finance"),
      approvers: [await staff("finance_second"), ada],
      ada,
      maya: await staff("manager"),
    };
    await sandbox.ask("webhooks", { duplicate: 2, reorder: true, window_ms: 50, parallel: 4 });
    const customers = await customersOf(people.maya, sandbox);
    for (let round = 1; round <= ROUNDS; round += 1) {
      console.log(`round ${round}`);
      await Promise.all([pay(sandbox, customers, random), troubles.some(TROUBLES)]);
      await until("every webhook was taken", () => sandbox.drain(), 300);
      await portico(["clock", "advance", "31d"], portal.env);
      await portico(["clock", "advance", "3m"], portal.env);
      const run = await submitted(people, `Chaos ${seed}, round ${round}`);
      await Promise.all([approve(people, run), troubles.some(TROUBLES)]);
      await until("every payout has ended", () => ended(portal, people, run, troubles.kept), 240);
    }
    await witness.stop();
    console.log(`acknowledged: ${witness.events.length} events; refused or cut off: ${witness.refused}`);
    expect(await witness.missing(), "acknowledged and not there").toEqual([]);
    await paidOnce(people, await sandbox.state());
    const { code, said } = await audit(portal.env);
    expect(code, said).toBe(0);
    whole = true;
  } finally {
    // What went wrong before is to be said, not what followed from it.
    await witness.stop().catch(() => undefined);
    await portal.end(!whole);
    if (whole) disk?.end();
    else if (disk) console.log(`The database is kept in ${disk.folder}`);
  }
});

/** A customer at Stripe for each company that is credited to a partner. */
async function customersOf(maya: Caller, sandbox: Sandbox): Promise<string[]> {
  const accounts = (await maya.csv("/manager/accounts.csv")).filter((row) => row.house !== "yes");
  const made: string[] = [];
  for (const { id, company } of accounts.slice(0, CUSTOMERS)) {
    const email = `billing-${id}@chaos-${id}.example`;
    const customer = await sandbox.ask<{ id: string }>("billing/customer", {
      name: company,
      email,
      address: { country: "DE" },
      metadata: { portico_account: id },
    });
    made.push(customer.id);
  }
  return made;
}

/** Each of them pays an invoice. */
async function pay(sandbox: Sandbox, customers: string[], random: () => number): Promise<void> {
  for (const customer of customers) {
    const amount = 60_000 + Math.floor(random() * 240_000);
    await sandbox.paid(customer, [{ amount, description: "Lumen Desk", product: "prod_lumen_desk" }]);
    await pause(150);
  }
}

/** Drafts and submits a run the way a person would: what was cut off is looked for first. */
async function submitted({ felix }: People, note: string): Promise<string> {
  const form = await felix.get("/finance/runs/new");
  const program = /name="program"[^>]*value="(\d+)"/.exec(form)?.[1] ?? "";
  const cutoff = /name="cutoff"[^>]*value="([\d-]+)"/.exec(form)?.[1] ?? "";
  const drafted = async () => (await felix.csv("/finance/runs.csv")).find((row) => row.Note === note)?.Run;
  while (!(await drafted())) await felix.tryPost("/finance/runs", { program, cutoff, note });
  const list = await felix.get("/finance/runs");
  for (const [, path] of list.matchAll(/href="(\/finance\/runs\/\d+)"/g)) {
    if (!heading(await felix.get(path)).includes(`Run ${await drafted()}`)) continue;
    while (await felix.press(path, `${path}/submit`)) await pause(100);
    return path;
  }
  throw new Error(`no run with the note ${note}`);
}

/** Approves it, with a second person where the amount needs one. */
async function approve({ approvers }: People, run: string): Promise<void> {
  for (let tries = 0; tries < 120; tries += 1) {
    const one = approvers[tries % approvers.length];
    if (!heading(await one.get(run)).includes("Waiting for approval")) return;
    await one.press(run, `${run}/approve`);
    await pause(250);
  }
  throw new Error("the run cannot be approved");
}

/** Whether everybody in the run is paid, but for those whom an answer that Stripe keeps holds up. */
async function ended(portal: OwnPortal, { felix, ada }: People, run: string, kept: number): Promise<boolean> {
  const items = (await felix.csv(`${run}/items.csv`)).filter((row) => row["In the run"] === "yes");
  const open = items.filter((row) => row.Transfer === "");
  if (open.length > kept) {
    // What is not clear yet is looked at again after a while.
    await portico(["clock", "advance", "2m"], portal.env);
    await pause(1_000);
    return false;
  }
  const jobs = await ada.csv("/admin/jobs.csv?status=waiting");
  for (const { Payout: payout } of open) {
    const waits = jobs.some((job) => job.About.startsWith(`Payout ${payout} `));
    const asked = (await felix.get(`/finance/payouts/${payout}`)).includes("Your decision is needed");
    expect(waits || asked, `payout ${payout} is open and nobody looks at it`).toBe(true);
  }
  expect(items.length, "somebody is paid").toBeGreaterThan(0);
  for (const row of items) {
    if (row.Transfer !== "") expect(row.Sent, `the whole of payout ${row.Payout}`).toBe(row.Payable);
  }
  return true;
}

/** What the portal calls paid has left, once, and nothing else has. */
async function paidOnce({ felix }: People, state: State): Promise<void> {
  const payouts = (await felix.csv("/finance/payouts.csv")).filter((row) => row.Transfer !== "");
  const seen = new Map<string, number>();
  for (const { metadata, id } of state.transfers) {
    const payout = metadata.portico_payout ?? id;
    seen.set(payout, (seen.get(payout) ?? 0) + 1);
  }
  expect([...seen].filter(([, times]) => times > 1), "no payout has two transfers").toEqual([]);
  expect(payouts.map((row) => `${row.Transfer} ${row.Currency} ${minor(row.Amount)}`).sort()).toEqual(
    state.transfers.map((one) => `${one.id} ${one.currency.toUpperCase()} ${one.amount}`).sort(),
  );
}
