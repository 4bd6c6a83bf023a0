// Goes through everything a role can reach: each page without parameters, and one record of each
// kind by the links on those pages.

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "@playwright/test";
import { signIn } from "./people";
import { person, setting } from "./portal";
import { isPage, mayRead, type Role, type Route, routeOf, routes } from "./routes";

/** A page with the wrong answer; everything else is in `path`. */
export type Visit = { path: string; route: Route; status: number };

export async function contextOf(
  browser: Browser,
  role: Role,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: setting("PORTICO_BASE_URL"), ...options });
  if (role !== "anonymous") {
    const page = await context.newPage();
    const { email, password } = person(role);
    await signIn(page, email, password);
    await page.close();
  }
  return context;
}

/** Own addresses that a page links to, without what only jumps within it. */
export async function links(page: Page): Promise<string[]> {
  const all = await page.locator("a[href]").evaluateAll((anchors) =>
    anchors.map((a) => (a as HTMLAnchorElement).href),
  );
  const origin = new URL(page.url()).origin;
  return [...new Set(all)]
    .map((href) => new URL(href))
    .filter((url) => url.origin === origin)
    .map((url) => url.pathname + url.search);
}

/** Visits each page once and calls `look` on it; gives the links nobody has followed. */
export async function crawl(
  page: Page,
  role: Role,
  look: (visit: Visit) => Promise<void>,
): Promise<{ seen: Set<string>; left: Set<string> }> {
  const all = routes();
  const mine = all.filter((route) => isPage(route.path) && mayRead(role, route.access));
  const queue = mine.filter((route) => !route.path.includes("{")).map((route) => route.path);
  const seen = new Set<string>();
  const left = new Set<string>();
  const visited = new Set<string>();
  while (queue.length > 0) {
    const path = queue.shift() ?? "/";
    const route = routeOf(all, path.split("?")[0]);
    if (!route || visited.has(path)) continue;
    visited.add(path);
    const answer = await page.goto(path);
    seen.add(route.path);
    await look({ path, route, status: answer?.status() ?? 0 });
    for (const link of await links(page)) {
      const bare = link.split("?")[0];
      const leads = routeOf(all, bare);
      const kind = leads?.path.includes("{") && mine.includes(leads) ? leads.path : undefined;
      if (kind && !seen.has(kind) && !queue.some((one) => routeOf(all, one.split("?")[0])?.path === kind)) {
        queue.push(link);
      } else if (!visited.has(link) && !queue.includes(link)) {
        left.add(link);
      }
    }
  }
  return { seen, left };
}
