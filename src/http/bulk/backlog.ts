/**
 * Reports that this node has accepted, or others have, and that it has still to read: with more of them, many in one request are taken in
 * slowly. They come in faster than they are decided, and whoever waits for a change should not wait for long.
 */
export const BACKLOG_MAX = 200_000;
/** A backlog that stays is no reason to keep a request for ever: a part of it goes on after so long. */
export const BACKLOG_WAIT_MS_MAX = 1000;
const LOOK_EVERY_MS = 20;

/** Gives what resolves when a part of a request may be taken in. */
export function waitForBacklog(backlog: () => number): () => Promise<void> {
  return async () => {
    const until = performance.now() + BACKLOG_WAIT_MS_MAX;
    while (backlog() > BACKLOG_MAX && performance.now() < until) await Bun.sleep(LOOK_EVERY_MS);
  };
}
