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

/** Asks a portal for the people of the demonstration; they are the same in each. */
function people(env: Settings = process.env): SignIn[] {
  known ??= JSON.parse(
    execFileSync(setting("PORTICO_BIN"), ["demo-sign-ins", "--json"], { env, encoding: "utf8" }),
  ) as SignIn[];
  return known;
}

/** The people of the demonstration. */
export function person(role: string): SignIn {
  const found = people().find((one) => one.role === role);
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

type OwnDatabase = {
  url: string;
  /** The folder of the PostgreSQL that was started for it. */
  cluster?: string;
  drop: (keep: boolean) => void;
};

/** A database of the engine that this run is about; SQLite's file is in `disk`. */
function database(folder: string, disk: string): OwnDatabase {
  if (process.env.PORTICO_TEST_ENGINE !== "postgres") {
    return { url: `sqlite://${join(disk, "portico.db")}`, drop: () => undefined };
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
  return { url, cluster: server, drop };
}

/** What an own portal may be started with. */
type Options = {
  /** How many processes serve the one database. */
  portals?: number;
  /** Settings beside the usual ones. */
  settings?: Settings;
  /** A folder for SQLite's file; the portal's own where it is not given. */
  disk?: string;
};

/** Portals with their sandbox in a folder of their own, to be killed and started again. */
export class OwnPortal {
  private sandbox?: ChildProcess;
  private readonly portals: (ChildProcess | undefined)[] = [];

  private constructor(
    readonly folder: string,
    /** Where each of them answers; Stripe tells the first. */
    readonly bases: string[],
    readonly stripe: string,
    readonly env: Settings,
    readonly database: OwnDatabase,
  ) {}

  /** Where the first answers. */
  get base(): string {
    return this.bases[0];
  }

  /** Sandbox, schema, demonstration data, portals. */
  static async start(options: Options = {}): Promise<OwnPortal> {
    const folder = mkdtempSync(join(tmpdir(), "portico-kill."));
    mkdirSync(join(folder, "mail"));
    const stripePort = await freePort();
    const bases: string[] = [];
    for (let n = 0; n < (options.portals ?? 1); n += 1) {
      bases.push(`http://127.0.0.1:${await freePort()}`);
    }
    const stripe = `http://127.0.0.1:${stripePort}`;
    const own = database(folder, options.disk ?? folder);
    const settings = {
      ...process.env,
      PORTICO_BASE_URL: bases[0],
      PORTICO_DEMO: "1",
      PORTICO_MAIL_DIR: join(folder, "mail"),
      DATABASE_URL: own.url,
      STRIPE_API_BASE: stripe,
      STRIPE_SECRET_KEY: "sk_test_sandbox",
      STRIPE_WEBHOOK_SECRET: "whsec_sandbox_snapshot",
      STRIPE_CONNECT_WEBHOOK_SECRET: "whsec_sandbox_connect",
      STRIPE_THIN_WEBHOOK_SECRET: "whsec_sandbox_thin",
      ...options.settings,
    };
    const portal = new OwnPortal(folder, bases, stripe, settings, own);
    portal.sandbox = portal.spawn("sandbox.log", settings, [
      "stripe-sandbox",
      "--addr",
      `127.0.0.1:${stripePort}`,
      "--state",
      join(folder, "sandbox.json"),
      "--webhook-url",
      `${bases[0]}/webhooks/stripe`,
    ]);
    try {
      await ready(`${stripe}/`, () => portal.sandbox?.exitCode === null, "the sandbox");
      await portico(["migrate"], portal.env);
      await portico(["seed", "demo"], portal.env);
      people(portal.env);
      for (let n = 0; n < bases.length; n += 1) await portal.up(n);
    } catch (error) {
      await portal.end(true);
      throw error;
    }
    return portal;
  }

  private spawn(log: string, env: Settings, args: string[]): ChildProcess {
    const to = openSync(join(this.folder, log), "a");
    // A process whose files may grow no further is to be told so, and not ended by SIGXFSZ.
    const script = `trap '' XFSZ; exec "$0" "$@"`;
    return spawn("sh", ["-c", script, setting("PORTICO_BIN"), ...args], {
      env,
      stdio: ["ignore", to, to],
    });
  }

  /** Starts a portal and waits until it answers. */
  async up(n = 0): Promise<void> {
    const env = { ...this.env, PORTICO_ADDR: this.bases[n].replace("http://", "") };
    const child = this.spawn(n === 0 ? "portico.log" : `portico-${n + 1}.log`, env, ["serve"]);
    this.portals[n] = child;
    await ready(`${this.bases[n]}/readyz`, () => child.exitCode === null, "the portal");
  }

  /** SIGKILL: nothing is finished, nothing is said. */
  async kill(n = 0): Promise<void> {
    const child = this.portals[n];
    if (!child || child.exitCode !== null) throw new Error("the portal had ended by itself");
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /** The processes of the portals that run. */
  pids(): number[] {
    return this.portals.flatMap((child) =>
      child?.pid !== undefined && child.exitCode === null && child.signalCode === null ? [child.pid] : [],
    );
  }

  /** Stops all; the folder stays when it is still of use. */
  async end(keep: boolean): Promise<void> {
    for (const child of [...this.portals, this.sandbox]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await gone;
      clearTimeout(late);
    }
    this.database.drop(keep);
    if (keep) console.log(`Logs and database are kept in ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}
