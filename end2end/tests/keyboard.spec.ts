// For people who use a keyboard, a screen reader or a small telephone.

import { expect, type Page, test } from "@playwright/test";
import { contextOf, crawl } from "./support/crawl";
import { signIn } from "./support/people";
import { person } from "./support/portal";
import { ROLES } from "./support/routes";

test.setTimeout(300_000);

/** What a page lacks, in sentences. */
async function faults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const name = (el: Element) =>
      `<${el.tagName.toLowerCase()} ${el.id ? `id=${el.id}` : ""} ${el.getAttribute("name") ?? ""} ${el.getAttribute("href") ?? ""}>`;
    const words = (el: Element) =>
      (el.getAttribute("aria-label") ?? "").trim() ||
      (el.getAttribute("aria-labelledby") ?? "")
        .split(/\s+/)
        .map((id) => document.getElementById(id)?.textContent?.trim() ?? "")
        .join(" ")
        .trim() ||
      (el.textContent ?? "").trim() ||
      (el.getAttribute("title") ?? "").trim();
    if (document.querySelectorAll("h1").length !== 1) found.push("not exactly one h1");
    if (!document.title.trim()) found.push("no title");
    if (!document.documentElement.lang) found.push("no language");
    if (document.querySelectorAll("main").length !== 1) found.push("not exactly one main");
    for (const el of document.querySelectorAll("input, select, textarea")) {
      const field = el as HTMLInputElement;
      if (["hidden", "submit", "button"].includes(field.type)) continue;
      if (!field.labels?.length && !words(field)) found.push(`no label: ${name(field)}`);
    }
    for (const el of document.querySelectorAll("img")) {
      if (!el.hasAttribute("alt")) found.push(`no alt: ${name(el)}`);
    }
    for (const el of document.querySelectorAll("svg")) {
      const hidden = el.closest("[aria-hidden=true]");
      if (!hidden && !words(el)) found.push(`a picture without words: ${el.outerHTML.slice(0, 80)}`);
    }
    for (const el of document.querySelectorAll("a[href], button, summary")) {
      if (!words(el)) found.push(`nothing to read on ${name(el)}`);
    }
    for (const el of document.querySelectorAll("th")) {
      if (!el.hasAttribute("scope") && !el.closest("thead")) found.push("a row head without scope");
    }
    for (const el of document.querySelectorAll("[aria-describedby], [aria-labelledby], [aria-controls]")) {
      for (const attribute of ["aria-describedby", "aria-labelledby", "aria-controls"]) {
        for (const id of (el.getAttribute(attribute) ?? "").split(/\s+/).filter(Boolean)) {
          if (!document.getElementById(id)) found.push(`${attribute} of ${name(el)} names ${id}, which is not there`);
        }
      }
    }
    const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
    if (twice.length > 0) found.push(`the same id twice: ${[...new Set(twice)].join(", ")}`);
    if (document.querySelector("[tabindex]:not([tabindex='0']):not([tabindex='-1'])")) {
      found.push("a tab order of its own");
    }
    const wide = document.documentElement.scrollWidth - window.innerWidth;
    if (wide > 0) {
      const past = [...document.querySelectorAll("main *, header *, nav *")].find((el) => {
        if (el.closest(".table-wrap, .tabs, .chart, [popover]")) return false;
        return el.getBoundingClientRect().right > window.innerWidth + 1;
      });
      found.push(`${wide} px too wide at ${window.innerWidth} px: ${past ? `${name(past)}.${past.className}` : "?"}`);
    }
    return found;
  });
}

for (const role of ROLES) {
  test(`${role}: every page is labelled and fits 360 px`, async ({ browser }) => {
    const context = await contextOf(browser, role, { viewport: { width: 360, height: 740 } });
    const problems: string[] = [];
    try {
      const page = await context.newPage();
      await crawl(page, role, async ({ path }) => {
        for (const fault of await faults(page)) problems.push(`${path}: ${fault}`);
      });
    } finally {
      await context.close();
    }
    expect(problems).toEqual([]);
  });
}

test("a telephone's bar shows where one is, and the rest behind More", async ({ browser }) => {
  const context = await contextOf(browser, "partner_owner", { viewport: { width: 360, height: 740 } });
  try {
    const page = await context.newPage();
    await page.goto("/partner/tier");
    const menu = page.getByRole("navigation", { name: "Main" });
    await expect(menu.getByRole("link")).toHaveText([/Home/, /Deals/, /Customers/, /Tier/]);
    await expect(menu.getByRole("link", { name: "Tier" })).toHaveAttribute("aria-current", "page");
    const more = menu.getByRole("button", { name: "More" });
    await expect(more).toBeInViewport({ ratio: 1 });
    await more.press("Enter");
    const payouts = menu.getByRole("link", { name: "Payouts" });
    await expect(payouts).toBeInViewport({ ratio: 1 });
    await page.keyboard.press("Escape");
    await expect(payouts).toBeHidden();
    await more.click();
    await payouts.click();
    await expect(page).toHaveURL(/\/partner\/payouts$/);
    await expect(payouts).toHaveAttribute("aria-current", "page");
  } finally {
    await context.close();
  }
});

test("the first key leads past the menu", async ({ page }) => {
  const { email, password } = person("partner_owner");
  await signIn(page, email, password);
  await page.goto("/partner/deals");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/#main$/);
  await expect(page.locator("#main")).toBeFocused();
});

test("whatever has the focus shows it", async ({ page }) => {
  const { email, password } = person("partner_owner");
  await signIn(page, email, password);
  for (const path of ["/partner", "/partner/deals", "/partner/deals/new", "/preferences"]) {
    await page.goto(path);
    const hidden: string[] = [];
    const focused = new Set<number>();
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("Tab");
      const { place, bare } = await page.evaluate(() => {
        const el = document.activeElement;
        if (!el || el === document.body) return { place: -1, bare: "" };
        const place = [...document.querySelectorAll("*")].indexOf(el);
        const shows = (one: Element, pseudo?: string) => {
          const style = getComputedStyle(one, pseudo);
          return (
            (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0) ||
            style.boxShadow !== "none"
          );
        };
        // Links that cover a card or a row show it on what they cover.
        const around = el.closest("tr, .figure, .search, .palette-open, .choice, label");
        const seen = shows(el) || shows(el, "::after") || (around && shows(around));
        return { place, bare: seen ? "" : el.outerHTML.slice(0, 120) };
      });
      if (place >= 0) focused.add(place);
      if (bare) hidden.push(bare);
    }
    expect(hidden, path).toEqual([]);
    // The menu alone has as many.
    expect(focused.size, `${path}: what the key leads to`).toBeGreaterThanOrEqual(10);
  }
});

test("the palette opens by key, finds and goes", async ({ page }) => {
  const { email, password } = person("partner_owner");
  await signIn(page, email, password);
  await page.goto("/partner/deals");
  const palette = page.getByRole("dialog", { name: "Search and commands" });
  // The module may still be on its way.
  await expect(async () => {
    await page.keyboard.press("Control+k");
    await expect(palette).toBeVisible({ timeout: 500 });
  }).toPass();
  const input = palette.getByRole("combobox");
  await expect(input).toBeFocused();
  await input.fill("earn");
  const first = palette.getByRole("option").first();
  await expect(first).toContainText("Earnings");
  await expect(first).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox").fill("earn");
  await expect(palette.getByRole("option").first()).toContainText("Earnings");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/partner\/earnings$/);
});
