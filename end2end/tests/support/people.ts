// People in browsers of their own, and the fields they fill in.

import { type Browser, type BrowserContext, expect, type Locator, type Page } from "@playwright/test";
import { person, setting } from "./portal";

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A field by its label; a label also says when a field is optional. */
export function field(within: Page | Locator, label: string): Locator {
  return within.getByLabel(new RegExp(`^\\s*${escaped(label)}\\s*(optional)?\\s*$`, "i"));
}

/** The message that the last action left. */
export async function told(page: Page, words: string | RegExp): Promise<void> {
  await expect(page.locator(".toasts").getByText(words).first()).toBeVisible();
}

/** The page's heading, without the status beside it. */
export async function heading(page: Page, words: string | RegExp): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toContainText(words);
}

/** Signs in by the form and waits for what comes next. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto("/sign-in");
  await field(page, "E-mail address").fill(email);
  await field(page, "Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).not.toHaveURL(/\/sign-in/);
}

export type Visitor = { context: BrowserContext; page: Page };

/** Opens browsers for people; closes them together. */
export class People {
  private open: BrowserContext[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly scripts: boolean,
    private readonly base = setting("PORTICO_BASE_URL"),
  ) {}

  async somebody(): Promise<Visitor> {
    const context = await this.browser.newContext({
      baseURL: this.base,
      javaScriptEnabled: this.scripts,
      locale: "en-US",
    });
    this.open.push(context);
    return { context, page: await context.newPage() };
  }

  /** Somebody of the demonstration, signed in. */
  async as(role: string): Promise<Visitor> {
    const visitor = await this.somebody();
    const { email, password } = person(role);
    await signIn(visitor.page, email, password);
    return visitor;
  }

  async close(): Promise<void> {
    await Promise.all(this.open.map((context) => context.close()));
    this.open = [];
  }
}

/** Reloads until it is so. Pages change by workers, not by themselves. */
export async function reloadUntil(page: Page, what: string, so: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        if (await so()) return true;
        await page.reload();
        return so();
      },
      { message: what, timeout: 30_000, intervals: [100, 250, 500, 1_000] },
    )
    .toBe(true);
}
