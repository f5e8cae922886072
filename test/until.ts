const LOOK_MS = 2;
/** Long, because nobody waits for it but where something is broken: a machine may be many times slower than this one. */
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
