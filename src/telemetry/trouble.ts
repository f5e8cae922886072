import type { Logger } from "pino";
import { isFault } from "../domain/fault";

/** While a dependency is away everything that needs it fails several times a second: one line in so long tells as much. */
const TOLD_EVERY_MS = 10_000;

export interface Trouble {
  readonly action: string;
  readonly partition?: number | undefined;
  readonly error: unknown;
}

export type TroubleLog = (level: "warn" | "error", trouble: Trouble, message: string) => void;

interface Told {
  at: number;
  suppressed: number;
}

/** Logs what failed; of what failed because a dependency is away, the reason alone and seldom, with how many lines were kept back. */
export function createTroubleLog(log: Logger, now: () => number): TroubleLog {
  const toldOf = new Map<string, Told>();

  /** How many lines were kept back since the last one; null when this one is kept back, too. */
  function mayTell(key: string): number | null {
    const told = toldOf.get(key);
    if (told !== undefined && now() - told.at < TOLD_EVERY_MS) {
      told.suppressed += 1;
      return null;
    }
    toldOf.set(key, { at: now(), suppressed: 0 });
    return told?.suppressed ?? 0;
  }

  return (level, { action, partition, error }, message) => {
    const place = partition === undefined ? {} : { partition };
    if (!isFault(error, "unavailable")) {
      log[level]({ "event.action": action, ...place, error }, message);
      return;
    }
    const suppressed = mayTell(`${action} ${partition}`);
    if (suppressed === null) return;
    log[level]({ "event.action": action, ...place, error: error.message, ...(suppressed > 0 ? { suppressed } : {}) }, message);
  };
}
