import { until } from "../until";
import type { Scene } from "./underLoad";

const CALM_MS = { min: 50, max: 900 };

export type Target = "tocsin" | "broker";

/** One kill -9, and how many reports were in flight when it came. */
export interface Strike {
  readonly target: Target;
  readonly inFlight: number;
}

export interface StormOptions {
  readonly tocsinKills: number;
  readonly brokerKills: number;
  /** A strike waits until so many reports are in flight. */
  readonly inFlightMin: number;
  readonly random: () => number;
}

/** Kills the process and the broker at random points, in random order. Afterwards the process runs and is ready. */
export async function rage(
  { tocsin, fleet }: Pick<Scene, "tocsin" | "fleet">,
  { tocsinKills, brokerKills, inFlightMin, random }: StormOptions,
): Promise<Strike[]> {
  const strikes: Strike[] = [];
  const targets = shuffle([...Array<Target>(tocsinKills).fill("tocsin"), ...Array<Target>(brokerKills).fill("broker")], random);
  for (const target of targets) {
    await Bun.sleep(CALM_MS.min + random() * (CALM_MS.max - CALM_MS.min));
    fleet.hurry(true);
    await until(() => fleet.inFlight() >= inFlightMin, `fewer than ${inFlightMin} reports in flight`);
    if (target === "broker") {
      await until(() => tocsin.killBroker() !== null, "there is no broker to kill");
      strikes.push({ target, inFlight: fleet.inFlight() });
      fleet.hurry(false);
      continue;
    }
    strikes.push({ target, inFlight: fleet.inFlight() });
    await tocsin.kill();
    fleet.hurry(false);
    if (random() < 0.3) {
      // Also while it starts: those do not count.
      tocsin.launch();
      await Bun.sleep(random() * 1000);
      await tocsin.kill();
    }
    await tocsin.start();
  }
  return strikes;
}

function shuffle<Item>(items: Item[], random: () => number): Item[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [items[index], items[other]] = [items[other] as Item, items[index] as Item];
  }
  return items;
}
