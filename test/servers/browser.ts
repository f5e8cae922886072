import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

/** For its start, and for all that is waited for on a page. */
const WAIT_MS = 60_000;

/** Chromium shall speak to nobody but the page under test. */
const QUIET = [
  "--no-sandbox",
  // A container may have next to no shared memory.
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium; null when there is none. */
export function chromiumPath(): string | null {
  return Bun.which("chromium");
}

/** A browser without a window, with an empty profile of its own; `await using` ends it and removes the profile. */
export async function openBrowser(): Promise<{ context: BrowserContext } & AsyncDisposable> {
  const executablePath = chromiumPath();
  if (executablePath === null) throw new Error("chromium is not on the PATH");
  const profile = mkdtempSync(join(tmpdir(), "tocsin-browser-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: QUIET, timeout: WAIT_MS });
  context.setDefaultTimeout(WAIT_MS);
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
