// A disk that fills and empties: a small tmpfs where that may be mounted, otherwise a limit on the
// size of the portals' files.

import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Enough for the demonstration, its write-ahead log and what a run adds. */
const SIZE = "256m";
/** What a file limit leaves to the write-ahead log. */
const ROOM = 200_000;

export class Disk {
  private constructor(
    /** A folder on it. */
    readonly folder: string,
    private readonly mounted: boolean,
  ) {}

  static make(): Disk {
    const folder = mkdtempSync(join(tmpdir(), "portico-disk."));
    const root = process.platform === "linux" && process.getuid?.() === 0;
    try {
      if (root) execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "portico", folder], { stdio: "ignore" });
      return new Disk(folder, root);
    } catch {
      // Root of a container may not mount.
      return new Disk(folder, false);
    }
  }

  /** How it is filled, for those who read along. */
  get kind(): string {
    return this.mounted ? "tmpfs" : "file limit";
  }

  /** Leaves no room. */
  fill(portals: number[]): void {
    if (!this.mounted) {
      const log = statSync(join(this.folder, "portico.db-wal"), { throwIfNoEntry: false })?.size ?? 0;
      this.limit(portals, `${log + ROOM}:`);
      return;
    }
    const file = openSync(join(this.folder, "filler"), "w");
    // Large pieces first, then what is left between them.
    for (const size of [1_048_576, 4_096]) {
      const piece = Buffer.alloc(size);
      try {
        for (;;) if (writeSync(file, piece) < size) break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
    closeSync(file);
  }

  /** Gives the room back. */
  empty(portals: number[]): void {
    if (this.mounted) rmSync(join(this.folder, "filler"), { force: true });
    else this.limit(portals, "unlimited:");
  }

  private limit(portals: number[], size: string): void {
    for (const pid of portals) execFileSync("prlimit", ["--pid", String(pid), `--fsize=${size}`]);
  }

  end(): void {
    if (this.mounted) execFileSync("umount", [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
