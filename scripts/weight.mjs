// What a browser downloads for its first look at the partner's dashboard: every byte that crosses
// the wire, headers too, with nothing in the cache. Runs beside scripts/with-portal.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const BUDGET = 150_000; // bytes

const require = createRequire(new URL("../end2end/package.json", import.meta.url));
const { chromium } = require("@playwright/test");
const base = process.env.PORTICO_BASE_URL;
const signIns = JSON.parse(
  execFileSync(process.env.PORTICO_BIN, ["demo-sign-ins", "--json"], { encoding: "utf8" }),
);
const owner = signIns.find(({ role }) => role === "partner_owner");

const browser = await chromium.launch({
  executablePath: process.env.PORTICO_CHROMIUM || undefined,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const signedIn = await browser.newContext();
  const form = await signedIn.newPage();
  await form.goto(`${base}/sign-in`);
  await form.fill("input[name=email]", owner.email);
  await form.fill("input[name=password]", owner.password);
  await Promise.all([
    form.waitForURL((url) => url.pathname !== "/sign-in"),
    form.press("input[name=password]", "Enter"),
  ]);
  const dashboard = form.url();

  const fresh = await browser.newContext({ storageState: await signedIn.storageState() });
  const page = await fresh.newPage();
  const network = await fresh.newCDPSession(page);
  const requests = new Map();
  network.on("Network.responseReceived", ({ requestId, type, response }) => {
    const { pathname, protocol } = new URL(response.url);
    if (protocol === "data:") return;
    const header = Object.entries(response.headers).find(
      ([name]) => name.toLowerCase() === "content-encoding",
    );
    requests.set(requestId, { type, pathname, encoding: header?.[1] ?? "-", status: response.status });
  });
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) request.bytes = encodedDataLength;
  });
  await network.send("Network.enable");
  await page.goto(dashboard, { waitUntil: "networkidle" });

  // Pages that the browser fetches ahead for a later click are not part of this one.
  const counted = [...requests.values()].filter(({ type }) => type !== "Prefetch");
  let total = 0;
  for (const { pathname, type, encoding, status, bytes = 0 } of counted) {
    total += bytes;
    console.log(
      `  ${String(bytes).padStart(8)} bytes  ${encoding.padEnd(5)} ${type.padEnd(11)} ${status} ${pathname}`,
    );
  }
  const failed = counted.filter(({ status }) => status >= 400);
  console.log(
    `  ${String(total).padStart(8)} bytes  in ${counted.length} requests for ${new URL(dashboard).pathname};` +
      ` the budget is ${BUDGET}`,
  );
  if (failed.length > 0) throw new Error(`${failed.length} of them failed`);
  if (total > BUDGET) throw new Error(`the first page is ${total - BUDGET} bytes over its budget`);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
