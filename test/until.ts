const LOOK_MS = 2;
/** Only who waits in vain waits for so long; a machine that has other things to do may need much of it. */
const WITHIN_MS = 30_000;

/** Resolves as soon as it holds; throws `otherwise` when it does not in time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  otherwise = "it did not come about",
  withinMs = WITHIN_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${otherwise} within ${withinMs} ms`);
    await Bun.sleep(LOOK_MS);
  }
}
