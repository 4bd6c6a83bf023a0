// Events as Stripe posts them, signed, for what the sandbox would not say by itself.

import { createHmac } from "node:crypto";

/** Posts a snapshot event and expects that it was taken. */
export async function event(base: string, type: string, object: Record<string, unknown>): Promise<void> {
  const created = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    id: `evt_${type.replaceAll(".", "_")}_${object.id}`,
    object: "event",
    api_version: "2026-09-30.endive",
    created,
    type,
    livemode: false,
    pending_webhooks: 1,
    data: { object },
  });
  const mac = createHmac("sha256", "whsec_sandbox_snapshot").update(`${created}.${body}`).digest("hex");
  const answer = await fetch(`${base}/webhooks/stripe`, {
    method: "POST",
    headers: { "content-type": "application/json", "stripe-signature": `t=${created},v1=${mac}` },
    body,
  });
  if (!answer.ok) throw new Error(`${type}: ${answer.status} ${await answer.text()}`);
}
