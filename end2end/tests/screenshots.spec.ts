// Every page in three widths, light and dark, to look at: PORTICO_SCREENS=1 scripts/e2e

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "@playwright/test";
import { contextOf, crawl } from "./support/crawl";
import { ROLES } from "./support/routes";

test.setTimeout(1_800_000);

const FOLDER = fileURLToPath(new URL("../results/screens/", import.meta.url));
const WIDTHS = [360, 768, 1440];

for (const role of ROLES) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`${role}, ${colorScheme} @screens`, async ({ browser }) => {
      mkdirSync(FOLDER, { recursive: true });
      const context = await contextOf(browser, role, { colorScheme, reducedMotion: "reduce" });
      try {
        const page = await context.newPage();
        await crawl(page, role, async ({ route }) => {
          const name = route.path.replaceAll(/[{}]/g, "").replaceAll("/", "_") || "_";
          for (const width of WIDTHS) {
            await page.setViewportSize({ width, height: 900 });
            await page.screenshot({
              path: `${FOLDER}${role}${name}.${width}.${colorScheme}.png`,
              fullPage: true,
              animations: "disabled",
            });
          }
        });
      } finally {
        await context.close();
      }
    });
  }
}
