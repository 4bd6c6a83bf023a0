import { defineConfig } from "@playwright/test";

// `scripts/e2e` starts a portal with demonstration data and runs this beside it. What a test
// changes stays for the next one, so there is one worker and the order of the files matters: the
// ones that move the clock come last.
const screens = process.env.PORTICO_SCREENS === "1";

export default defineConfig({
  testDir: "tests",
  outputDir: "results/output",
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 120_000,
  // Something that hangs ends; all of it takes a third of this on two cores.
  globalTimeout: screens || process.env.PORTICO_CHAOS === "1" ? 0 : 1_800_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    baseURL: process.env.PORTICO_BASE_URL,
    browserName: "chromium",
    locale: "en-US",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.PORTICO_CHROMIUM || undefined,
      // In containers there is neither a user namespace nor a graphics card.
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    },
  },
  projects: screens
    ? [{ name: "screens", testMatch: "screenshots.spec.ts" }]
    : [
        {
          name: "pages",
          testMatch: ["before-pages.spec.ts", "pages.spec.ts", "keyboard.spec.ts"],
        },
        {
          name: "with JavaScript",
          testMatch: ["auth.spec.ts", "figures.spec.ts", "forms.spec.ts", "main-job.spec.ts", "runs.spec.ts"],
        },
        {
          name: "without JavaScript",
          testMatch: ["auth.spec.ts", "figures.spec.ts", "forms.spec.ts", "main-job.spec.ts", "runs.spec.ts"],
          use: { javaScriptEnabled: false },
        },
        {
          name: "kill",
          testMatch: "kill.spec.ts",
        },
        // By scripts/chaos, which starts what it needs.
        ...(process.env.PORTICO_CHAOS === "1" ? [{ name: "chaos", testMatch: "chaos.spec.ts" }] : []),
      ],
});
