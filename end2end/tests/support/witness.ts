// Somebody who notes what the portal has acknowledged, and asks for it at the end.

import { createHmac } from "node:crypto";
import { Caller, pause } from "./caller";
import { person } from "./portal";

const SECRET = "whsec_sandbox_snapshot";
/** Sessions that are asked for at the end. */
const SESSIONS = 12;

export class Witness {
  /** Events whose sending was answered 200. */
  readonly events: string[] = [];
  refused = 0;
  private readonly sessions: Caller[] = [];
  private watching = true;
  private readonly done: Promise<void>;

  constructor(private readonly bases: string[]) {
    this.done = this.watch();
  }

  private async watch(): Promise<void> {
    for (let n = 0; this.watching; n += 1) {
      const id = `evt_witness_${Date.now()}_${n}`;
      const answer = await this.send(id, this.bases[n % this.bases.length]);
      if (answer?.status === 200) this.events.push(id);
      else this.refused += 1;
      if (n % 25 === 0 && this.sessions.length < SESSIONS) {
        const session = await Caller.trySignIn(this.bases[0], person("finance").email);
        if (session) this.sessions.push(session);
      }
      await pause(60);
    }
  }

  /** Sends a signed event that the portal has no use for. */
  private async send(id: string, base: string): Promise<{ status: number; text: string } | undefined> {
    const created = Math.floor(Date.now() / 1_000);
    const object = { id: "x_witness", object: "x", filler: "x".repeat(3_000) };
    const body = JSON.stringify({
      id,
      object: "event",
      type: "witness.event",
      created,
      livemode: false,
      api_version: "2026-11-01",
      pending_webhooks: 1,
      data: { object },
    });
    const v1 = createHmac("sha256", SECRET).update(`${created}.${body}`).digest("hex");
    try {
      const answer = await fetch(`${base}/webhooks/stripe`, {
        method: "POST",
        headers: { "content-type": "application/json", "stripe-signature": `t=${created},v1=${v1}` },
        body,
        signal: AbortSignal.timeout(25_000),
      });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return undefined;
    }
  }

  /** Stops watching. */
  async stop(): Promise<void> {
    this.watching = false;
    await this.done;
  }

  /** What was acknowledged and is not there: the portal knows every event that it has. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    for (const id of this.events) {
      const answer = await this.send(id, this.bases[0]);
      if (!answer?.text.includes("was here before")) missing.push(`${id}: ${answer?.status} ${answer?.text}`);
    }
    for (const session of this.sessions) {
      const page = await session.get("/finance");
      if (!page.includes("/sign-out")) missing.push("a session");
      await session.end();
    }
    return missing;
  }
}
