// Every page there is, read where the portal declares it: a page that is added is tested without
// anybody thinking of it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type Route = { path: string; access: string };

const SOURCES = fileURLToPath(new URL("../../../app/src/", import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith(".rs") && entry.name !== "tests.rs" ? [path] : [];
  });
}

/** All GET addresses with who may see them. */
export function routes(): Route[] {
  const found = sources(SOURCES).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const constants = new Map(
      [...text.matchAll(/const (\w+): &str = "([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const get = /\.get\(\s*(?:"([^"]+)"|([A-Z_]+))\s*,\s*(?:Access|A)::(\w+)/g;
    return [...text.matchAll(get)].map(([, literal, constant, access]) => {
      const path = literal ?? constants.get(constant);
      if (!path) throw new Error(`${file}: the value of ${constant} is not in this file`);
      return { path, access };
    });
  });
  if (found.length < 40) throw new Error(`only ${found.length} pages were found in ${SOURCES}`);
  return found.sort((a, b) => a.path.localeCompare(b.path));
}

export const ROLES = [
  "anonymous",
  "applicant",
  "partner_member",
  "partner_owner",
  "manager",
  "finance",
  "admin",
  "auditor",
] as const;

export type Role = (typeof ROLES)[number];

/** Who may read what: the portal's table once more, in its own words. */
export function mayRead(role: Role, access: string): boolean {
  const staff: Role[] = ["manager", "finance", "admin", "auditor"];
  const readers: Record<string, Role[]> = {
    Public: [...ROLES],
    SignedIn: ROLES.filter((one) => one !== "anonymous"),
    Partner: ["partner_member", "partner_owner"],
    PartnerOwner: ["partner_owner"],
    Manager: ["manager", "admin", "auditor"],
    Finance: ["finance", "admin", "auditor"],
    Admin: ["admin", "auditor"],
    Staff: staff,
  };
  const known = readers[access];
  if (!known) throw new Error(`who is Access::${access}?`);
  return known.includes(role);
}

/** Answers to these are files or data, not pages. */
export function isPage(path: string): boolean {
  return !/\.csv$|\/pdf$|\.pdf$|^\/api\/|\/files\/|\/dashboard$|\/download$/.test(path);
}

/** Whether an address is one of a route's. */
export function matches(route: string, path: string): boolean {
  const [wanted, given] = [route.split("/"), path.split("/")];
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith("{") ? given[i] !== "" : part === given[i]))
  );
}

/** The route of an address: the one with the fewest parameters. */
export function routeOf(all: Route[], path: string): Route | undefined {
  const parameters = (route: Route) => route.path.split("{").length;
  return all.filter((route) => matches(route.path, path)).sort((a, b) => parameters(a) - parameters(b))[0];
}
