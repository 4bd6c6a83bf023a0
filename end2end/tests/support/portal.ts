// The portal's own command line, and portals that a test starts, kills and starts again.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A setting that `scripts/with-portal` makes. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run scripts/e2e, which starts a portal first`);
  return value;
}

type Settings = Record<string, string | undefined>;

/** Runs `portico …` and gives what it prints. */
export async function portico(args: string[], env: Settings = process.env): Promise<string> {
  const { stdout } = await run(setting("PORTICO_BIN"), args, { env, encoding: "utf8" });
  return stdout;
}

/** Recomputes every balance; the exit code and what was said. */
export async function audit(env: Settings = process.env): Promise<{ code: number; said: string }> {
  try {
    return { code: 0, said: await portico(["audit"], env) };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? -1, said: `${failed.stdout ?? ""}${failed.stderr ?? ""}` };
  }
}

export type SignIn = { role: string; name: string; email: string; password: string };

let known: SignIn[] | undefined;

/** The people of the demonstration. */
export function person(role: string): SignIn {
  known ??= JSON.parse(
    execFileSync(setting("PORTICO_BIN"), ["demo-sign-ins", "--json"], { encoding: "utf8" }),
  ) as SignIn[];
  const found = known.find((one) => one.role === role);
  if (!found) throw new Error(`nobody signs in as ${role}`);
  return found;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function ready(url: string, alive: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (Date.now() < end && alive()) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((again) => setTimeout(again, 20));
  }
  throw new Error(`${what} did not start`);
}

const POSTGRES = fileURLToPath(new URL("../../../scripts/postgres", import.meta.url));

/** A database of the engine that this run is about. */
function database(folder: string): { url: string; drop: (keep: boolean) => void } {
  if (process.env.PORTICO_TEST_ENGINE !== "postgres") {
    return { url: `sqlite://${join(folder, "portico.db")}`, drop: () => undefined };
  }
  const said = execFileSync(POSTGRES, ["start"], { encoding: "utf8" });
  const [server, url] = said.trim().split("\n");
  const drop = (keep: boolean) => {
    if (keep) {
      const sql = execFileSync(POSTGRES, ["dump", server], { maxBuffer: 2 ** 30 });
      writeFileSync(join(folder, "portico.sql"), sql);
    }
    execFileSync(POSTGRES, ["stop", server]);
  };
  return { url, drop };
}

/** A portal with its sandbox in a folder of its own, to be killed and started again. */
export class OwnPortal {
  private portal?: ChildProcess;
  private sandbox?: ChildProcess;

  private constructor(
    readonly folder: string,
    readonly base: string,
    readonly stripe: string,
    readonly env: Settings,
    private readonly drop: (keep: boolean) => void,
  ) {}

  /** Sandbox, schema, demonstration data, portal. */
  static async start(): Promise<OwnPortal> {
    const folder = mkdtempSync(join(tmpdir(), "portico-kill."));
    mkdirSync(join(folder, "mail"));
    const [port, stripePort] = [await freePort(), await freePort()];
    const base = `http://127.0.0.1:${port}`;
    const stripe = `http://127.0.0.1:${stripePort}`;
    const { url, drop } = database(folder);
    const settings = {
      ...process.env,
      PORTICO_ADDR: `127.0.0.1:${port}`,
      PORTICO_BASE_URL: base,
      PORTICO_DEMO: "1",
      PORTICO_MAIL_DIR: join(folder, "mail"),
      DATABASE_URL: url,
      STRIPE_API_BASE: stripe,
      STRIPE_SECRET_KEY: "sk_test_sandbox",
      STRIPE_WEBHOOK_SECRET: "whsec_sandbox_snapshot",
      STRIPE_CONNECT_WEBHOOK_SECRET: "whsec_sandbox_connect",
      STRIPE_THIN_WEBHOOK_SECRET: "whsec_sandbox_thin",
    };
    const own = new OwnPortal(folder, base, stripe, settings, drop);
    own.sandbox = own.spawn("sandbox.log", [
      "stripe-sandbox",
      "--addr",
      `127.0.0.1:${stripePort}`,
      "--state",
      join(folder, "sandbox.json"),
      "--webhook-url",
      `${base}/webhooks/stripe`,
    ]);
    try {
      await ready(`${stripe}/`, () => own.sandbox?.exitCode === null, "the sandbox");
      await portico(["migrate"], own.env);
      await portico(["seed", "demo"], own.env);
      await own.up();
    } catch (error) {
      await own.end(true);
      throw error;
    }
    return own;
  }

  private spawn(log: string, args: string[]): ChildProcess {
    const to = openSync(join(this.folder, log), "a");
    return spawn(setting("PORTICO_BIN"), args, { env: this.env, stdio: ["ignore", to, to] });
  }

  /** Starts the portal and waits until it answers. */
  async up(): Promise<void> {
    const child = this.spawn("portico.log", ["serve"]);
    this.portal = child;
    await ready(`${this.base}/readyz`, () => child.exitCode === null, "the portal");
  }

  /** SIGKILL: nothing is finished, nothing is said. */
  async kill(): Promise<void> {
    const child = this.portal;
    if (!child || child.exitCode !== null) throw new Error("the portal had ended by itself");
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /** Stops both; the folder stays when it is still of use. */
  async end(keep: boolean): Promise<void> {
    for (const child of [this.portal, this.sandbox]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await gone;
      clearTimeout(late);
    }
    this.drop(keep);
    if (keep) console.log(`Logs and database are kept in ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}
