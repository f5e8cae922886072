const DAY_MS = 24 * 3600 * 1000;
const NEAR_MS = 20_000;

/** Resolves at once, but for the last moments of a day (UTC): then once the next one has begun, so that a test has one day all along. */
export async function midnightIsFar(): Promise<void> {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < NEAR_MS) await Bun.sleep(leftMs + 10);
}
