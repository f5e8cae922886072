import type { NatsLink } from "./connection";
import { StreamGap, type StreamMessage } from "./ports";
import { openReader } from "./reader";
import { STRAYS } from "./subjects";

interface StrayCursor {
  readonly sequence: number;
  readonly timeNs: string;
}

/**
 * Reads what was published under `sensors.>` in the wrong shape, from a cursor on. Unlike a partition's stream this one forgets its oldest
 * by itself, so a gap is no incident.
 */
export async function openStrayReader(link: NatsLink, cursor: StrayCursor | null) {
  const reader = await openReader(link, STRAYS, { cursor: cursor?.sequence ?? 0, cursorTimeNs: cursor?.timeNs ?? null });
  return {
    async next(limit: number, lingerMs: number): Promise<StreamMessage[]> {
      for (;;) {
        try {
          return await reader.next(limit, lingerMs);
        } catch (error) {
          if (!(error instanceof StreamGap)) throw error;
        }
      }
    },
    stop: () => reader.stop(),
  };
}
