import type { Config, Secrets } from "../config";
import type { Service } from "../service";
import { openLifetime } from "./lifetime";

const START_GIVEN_UP_MS = 2000;

export interface RunOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly launched: boolean;
  /** Told what start-up and the end do, a line each. */
  readonly say: (line: string) => void;
  readonly started: (service: Service) => void;
}

/**
 * Runs the service until a signal, or the end of the parent, and stops it in order. Resolves once nothing is left; throws what kept it
 * from starting.
 */
export async function runService({ config, secrets, launched, say, started }: RunOptions): Promise<void> {
  using lifetime = openLifetime({ launched, deadlineMs: config.shutdownMs });
  // The other commands need none of this, and start faster without it.
  const { openService } = await import("../service");
  const opening = openService({ config, secrets, say });
  const service = await Promise.race([opening, lifetime.asked.then(() => null)]);
  if (service !== null) started(service);
  say(`stopping: ${await lifetime.asked}`);
  await stop(service, opening);
  say("stopped");
}

/**
 * A start that was given up is followed to its end, because what it opens meanwhile must be closed; but not for ever: a download may take
 * minutes, and has nothing to lose. Whatever child it had ends with the process.
 */
async function stop(service: Service | null, opening: Promise<Service>): Promise<void> {
  const opened = service ?? (await Promise.race([opening.catch(() => null), Bun.sleep(START_GIVEN_UP_MS).then(() => null)]));
  await opened?.stop();
}
