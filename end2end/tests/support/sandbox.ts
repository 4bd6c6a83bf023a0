// What the vendor's billing would do at Stripe, by the sandbox's control address.

import { setting } from "./portal";

export type Transfer = {
  id: string;
  amount: number;
  amount_reversed: number;
  currency: string;
  destination: string;
  metadata: Record<string, string>;
};

export type State = {
  transfers: Transfer[];
  accounts: { id: string; display_name: string; contact_email: string; transfers: string }[];
  balance: Record<string, number>;
  waiting: number;
};

export type Line = {
  amount: number;
  discount?: number;
  tax?: number;
  description: string;
  product?: string;
};

export class Sandbox {
  constructor(readonly base: string = setting("STRIPE_API_BASE")) {}

  async ask<T>(path: string, body: unknown): Promise<T> {
    const answer = await fetch(`${this.base}/_sandbox/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async state(): Promise<State> {
    const answer = await fetch(`${this.base}/_sandbox/state`);
    if (!answer.ok) throw new Error(`state: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as State;
  }

  /** A customer, perhaps of a registered deal. */
  async customer(name: string, email: string, deal?: number): Promise<string> {
    const made = await this.ask<{ id: string }>("billing/customer", {
      name,
      email,
      address: { country: "DE" },
      metadata: deal ? { portico_deal: String(deal) } : {},
    });
    return made.id;
  }

  /** An invoice in euros that is paid at once. */
  async paid(customer: string, lines: Line[], id?: string): Promise<string> {
    const made = await this.ask<{ id: string }>("billing/invoice_paid", {
      id,
      customer,
      currency: "eur",
      lines,
    });
    return made.id;
  }

  /** Waits until every webhook was taken. */
  async drain(): Promise<boolean> {
    const answer = await this.ask<{ drained: boolean }>("webhooks/drain", { timeout_ms: 30_000 });
    return answer.drained;
  }
}
