// What can happen to a portal while it works, each for a while: killed, frozen, a database that
// stalls, a disk that is full, a clock that jumps, a Stripe that fails.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pause } from "./caller";
import type { Disk } from "./disk";
import { type OwnPortal, portico } from "./portal";
import type { Sandbox } from "./sandbox";

/** Longer than a claim of PORTICO_CLAIM_SECONDS=2. */
const STALL = 3_500;

/** Answers that say nothing clear, or that come late. */
const FAULTS = [
  { kind: "status_500" },
  { kind: "status_500_after" },
  { kind: "status_429" },
  { kind: "garbage_200" },
  { kind: "connection_reset" },
  { kind: "connection_reset_after" },
  { kind: "timeout_after", hang_ms: 800 },
  { kind: "slow", hang_ms: 600 },
  // Longer than a claim.
  { kind: "slow", hang_ms: 5_000 },
];

/** Stops processes, waits, and lets them go on. */
async function frozen(pids: number[], ms: number): Promise<void> {
  const each = (signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  each("SIGSTOP");
  try {
    await pause(ms);
  } finally {
    each("SIGCONT");
  }
}

export class Troubles {
  /** Transfers that Stripe refuses with an answer it keeps: they are neither made nor given up. */
  kept = 0;
  private readonly began = Date.now();
  private deck: string[] = [];
  private readonly kinds: Record<string, () => Promise<void>> = {
    kill: () => this.kill(),
    freeze: () => this.freeze(),
    stall: () => this.stall(),
    full: () => this.full(),
    jump: () => this.jump(),
    stripe: () => this.stripe(),
    "kept 500": () => this.keep(),
  };

  constructor(
    private readonly portal: OwnPortal,
    private readonly sandbox: Sandbox,
    private readonly disk: Disk | undefined,
    private readonly random: () => number,
  ) {}

  /** Between 0 and `below`. */
  private roll(below: number): number {
    return Math.floor(this.random() * below);
  }

  private say(what: string): void {
    console.log(`  ${((Date.now() - this.began) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
  }

  /** So many of them, one after the other; each kind comes once before one comes again. */
  async some(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      if (this.deck.length === 0) {
        this.deck = Object.keys(this.kinds).filter((kind) => kind !== "full" || this.disk);
      }
      const [kind] = this.deck.splice(this.roll(this.deck.length), 1);
      await pause(this.roll(600));
      await this.kinds[kind]();
    }
  }

  private async kill(): Promise<void> {
    const n = this.roll(this.portal.bases.length);
    this.say(`portal ${n + 1} is killed`);
    await this.portal.kill(n);
    await pause(this.roll(500));
    await this.portal.up(n);
  }

  private async freeze(): Promise<void> {
    const pids = this.portal.pids();
    const pid = pids[this.roll(pids.length)];
    this.say(`process ${pids.indexOf(pid) + 1} of the portals stands still`);
    await frozen([pid], STALL + this.roll(1_000));
  }

  /** Nothing can be written, or read from PostgreSQL, for longer than a claim. */
  private async stall(): Promise<void> {
    const { cluster } = this.portal.database;
    if (cluster) {
      this.say("PostgreSQL stands still");
      const [master] = readFileSync(join(cluster, "data", "postmaster.pid"), "utf8").split("\n");
      const children = execFileSync("pgrep", ["-P", master], { encoding: "utf8" }).trim().split("\n");
      await frozen([Number(master), ...children.map(Number)], STALL);
      return;
    }
    const file = (this.portal.env.DATABASE_URL ?? "").replace("sqlite://", "");
    const hold =
      "import sqlite3,sys,time; c=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=20); " +
      "c.execute('BEGIN IMMEDIATE'); time.sleep(float(sys.argv[2])); c.execute('ROLLBACK')";
    const holder = spawn("python3", ["-c", hold, file, String(STALL / 1_000)], { stdio: "ignore" });
    const held = await new Promise<boolean>((done) => {
      holder.once("error", () => done(false));
      holder.once("exit", (code) => done(code === 0));
    });
    this.say(held ? "another process has held SQLite's write lock" : "nobody could hold SQLite's write lock");
  }

  private async full(): Promise<void> {
    if (!this.disk) return;
    this.say("the disk is full");
    this.disk.fill(this.portal.pids());
    await pause(1_500 + this.roll(1_500));
    this.disk.empty(this.portal.pids());
    this.say("the disk has room again");
  }

  private async jump(): Promise<void> {
    const seconds = 30 + this.roll(600);
    this.say(`the clock jumps by ${seconds} s`);
    await portico(["clock", "advance", `${Math.ceil(seconds / 60)}m`], this.portal.env);
  }

  private async stripe(): Promise<void> {
    const fault = FAULTS[this.roll(FAULTS.length)];
    const times = 1 + this.roll(4);
    this.say(`Stripe: ${fault.kind} for ${times} transfers`);
    const match = { method: "POST", path_prefix: "/v1/transfers" };
    await this.sandbox.ask("faults", { match, times, ...fault });
  }

  private async keep(): Promise<void> {
    this.say("Stripe refuses a transfer with 500 and keeps that answer");
    this.kept += 1;
    const match = { method: "POST", path_prefix: "/v1/transfers" };
    await this.sandbox.ask("faults", { match, kind: "status_500", stored: true, times: 1 });
  }
}
