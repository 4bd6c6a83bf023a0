// What people make now and then, so that a page of every kind has something to show.

import { expect, test } from "@playwright/test";
import { heading, signIn, told } from "./support/people";
import { person } from "./support/portal";
import { Sandbox } from "./support/sandbox";

test("a manager writes a new version of a course", async ({ page }) => {
  const { email, password } = person("manager");
  await signIn(page, email, password);
  await page.goto("/manager/courses");
  await page.locator("main tbody a").first().click();
  await page.getByRole("button", { name: /^(Write a new version|Open the draft)$/ }).click();
  await expect(page).toHaveURL(/\/manager\/courses\/versions\/\d+$/);
  await expect(page.getByRole("link", { name: "Add a lesson" })).toBeVisible();
});

test("a transfer that the portal knows nothing of is found", async ({ page }) => {
  const sandbox = new Sandbox();
  const { accounts } = await sandbox.state();
  const destination =
    accounts.find((one) => one.transfers === "active")?.id ??
    (await sandbox.ask<{ id: string }>("accounts", { contact_email: "hand@made.example", country: "DE" })).id;
  const { id } = await sandbox.ask<{ id: string }>("transfers", {
    destination,
    currency: "eur",
    amount: 12_345,
  });
  const { email, password } = person("finance");
  await signIn(page, email, password);
  await page.goto("/finance/reconciliation");
  await page.getByRole("button", { name: "Compare now" }).click();
  await told(page, /Open differences: [1-9]/);
  await page.getByRole("link", { name: `Transfer ${id} was not made by this portal` }).click();
  await heading(page, /./);
  await expect(page.getByText("€123.45").first()).toBeVisible();
});
