// Mail as the portal writes it: one readable file for each, named by number and reader.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { setting } from "./portal";

/** Numbers of the mails so far; later ones are new. */
export function newest(): number {
  const numbers = files().map((name) => Number.parseInt(name, 10));
  return Math.max(0, ...numbers.filter(Number.isFinite));
}

function files(): string[] {
  return readdirSync(setting("PORTICO_MAIL_DIR"))
    .filter((name) => name.endsWith(".eml") && !name.startsWith("."))
    .sort();
}

/** The link that begins with `path` in the newest mail to somebody, once it has arrived. */
export async function linkFor(address: string, path: string, after = 0): Promise<string> {
  let link = "";
  await expect
    .poll(
      () => {
        for (const name of files().reverse()) {
          if (!name.endsWith(`-${address}.eml`) || Number.parseInt(name, 10) <= after) continue;
          const text = readFileSync(join(setting("PORTICO_MAIL_DIR"), name), "utf8");
          const found = text.split(/\s+/).find((word) => word.includes(`${path}?token=`));
          if (found) {
            link = found;
            return true;
          }
        }
        return false;
      },
      { message: `a mail to ${address} with a link to ${path}` },
    )
    .toBe(true);
  return link;
}
