// Who gets in, and who sees what.

import { expect, test } from "@playwright/test";
import { linkFor, newest } from "./support/mail";
import { field, heading, signIn, told } from "./support/people";
import { person, setting } from "./support/portal";

/** Each project has its own stranger and its own forgetful person. */
function mine(project: string): { stranger: string; forgetful: string } {
  const plain = project === "without JavaScript";
  return {
    stranger: `nobody-${plain ? "plain" : "js"}-${Date.now().toString(36)}@strangers.example`,
    forgetful: plain ? "yusuf@bosphorustech.example" : "klara@brightpath-labs.example",
  };
}

test("a wrong password is said at its field, and the address is kept", async ({ page }) => {
  const { email } = person("partner_owner");
  await page.goto("/sign-in");
  await field(page, "E-mail address").fill(email);
  await field(page, "Password").fill("not the right one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("Address and password do not fit.").first()).toBeVisible();
  await expect(field(page, "E-mail address")).toHaveValue(email);
  await expect(field(page, "Password")).toHaveValue("");
  await expect(field(page, "Password")).toHaveAttribute("aria-invalid", "true");
  await expect(field(page, "Password")).toHaveAccessibleDescription(/do not fit/);
});

test("guessing is slowed down", async ({ page }, info) => {
  const { stranger } = mine(info.project.name);
  const words = page.getByText(/tried too often.*Please wait/).first();
  for (let guess = 1; guess <= 6; guess += 1) {
    await page.goto("/sign-in");
    await field(page, "E-mail address").fill(stranger);
    await field(page, "Password").fill(`guess number ${guess}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    if (guess < 6) {
      await expect(page.getByText("Address and password do not fit.").first()).toBeVisible();
    }
  }
  await expect(words).toBeVisible();
});

test("signing out ends it", async ({ page }) => {
  const { email, password } = person("partner_owner");
  await signIn(page, email, password);
  await heading(page, "Home");
  await page.getByRole("button", { name: /own menu/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.goto("/partner");
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fpartner$/);
  await page.goBack();
  await expect(page.getByRole("button", { name: /own menu/ })).toHaveCount(0);
});

test("a forgotten password is set anew by mail, once", async ({ page }, info) => {
  const { forgetful } = mine(info.project.name);
  const before = newest();
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await field(page, "E-mail address").fill(forgetful);
  await page.getByRole("button", { name: "Send the link" }).click();
  await told(page, "a mail with a link is on its way");
  const link = await linkFor(forgetful, "/reset-password", before);
  await page.goto(link);
  await field(page, "New password").fill("short");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(field(page, "New password")).toHaveAttribute("aria-invalid", "true");
  await field(page, "New password").fill("quite another word");
  await page.getByRole("button", { name: "Set the password" }).click();
  await told(page, "Your new password is set.");
  await expect(field(page, "E-mail address")).toHaveValue(forgetful);
  await field(page, "Password").fill("quite another word");
  await page.getByRole("button", { name: "Sign in" }).click();
  await heading(page, "Application to");

  await page.context().clearCookies();
  await page.goto(link);
  await expect(page).toHaveURL(/\/forgot-password/);
});

test("an address that nobody has gets the same answer", async ({ page }, info) => {
  await page.goto("/forgot-password");
  await field(page, "E-mail address").fill(mine(info.project.name).stranger);
  await page.getByRole("button", { name: "Send the link" }).click();
  await told(page, "a mail with a link is on its way");
});

test("everybody sees their own area only", async ({ browser }, info) => {
  const areas = ["/partner", "/manager", "/finance", "/admin"];
  const sees: Record<string, string[]> = {
    partner_owner: ["/partner"],
    partner_member: ["/partner"],
    applicant: ["/application"],
    manager: ["/manager"],
    finance: ["/finance"],
    admin: ["/admin", "/manager", "/finance"],
    auditor: ["/admin", "/manager", "/finance"],
  };
  // Unmatched invoices are one page, for finance and for managers.
  const menus: Record<string, string[]> = { ...sees, manager: ["/finance", "/manager"] };
  for (const [role, own] of Object.entries(sees)) {
    await test.step(role, async () => {
      const context = await browser.newContext({
        baseURL: setting("PORTICO_BASE_URL"),
        javaScriptEnabled: info.project.use.javaScriptEnabled !== false,
      });
      try {
        const page = await context.newPage();
        const { email, password } = person(role);
        await signIn(page, email, password);
        const menu = page.getByRole("navigation", { name: "Main" }).getByRole("link");
        const hrefs = await menu.evaluateAll((links) => links.map((a) => a.getAttribute("href")));
        const reached = new Set(hrefs.map((href) => `/${href?.split("/")[1]}`));
        expect([...reached].sort(), `the menu of ${role}`).toEqual([...(menus[role] ?? [])].sort());
        for (const area of areas) {
          const answer = await page.goto(area);
          expect(answer?.status(), `${role} at ${area}`).toBe(own.includes(area) ? 200 : 404);
        }
      } finally {
        await context.close();
      }
    });
  }
});

test("signing in leads on, but never off the site", async ({ page }) => {
  const { email, password } = person("partner_owner");
  const base = new URL(setting("PORTICO_BASE_URL")).origin;
  const way = async (next: string) => {
    await page.context().clearCookies();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await field(page, "E-mail address").fill(email);
    await field(page, "Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).not.toHaveURL(/\/sign-in/);
    return new URL(page.url());
  };
  expect((await way("/partner/deals?q=a")).search).toBe("?q=a");
  for (const evil of ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1"]) {
    const url = await way(evil);
    expect(url.origin, evil).toBe(base);
    expect(url.pathname, evil).toBe("/partner");
  }
});
