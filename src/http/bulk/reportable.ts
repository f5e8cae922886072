/** Which sensors somebody may report for: what is outside a token's reach, or not registered where it must be, is not there. */
import { LRUCache } from "lru-cache";
import { isWithin, type Reach } from "../../domain/reach";
import type { Labels } from "../../domain/sensor";
import type { IngestStore } from "../../store/store";

/** A sensor that was found is believed to be there for so long; one that was not is looked for each time. */
const FOUND_FOR_MS = 1000;
const FOUND_MAX = 10_000;

export interface ReportableOptions {
  readonly store: Pick<IngestStore, "loadSensors">;
  readonly registration: "open" | "closed";
}

export type MayReport = (sensorId: string) => boolean;

/** Says of each of these sensors whether it may be reported for. */
export type AskReportable = (sensorIds: readonly string[], reach: Reach | null) => Promise<MayReport>;

export function reportable({ store, registration }: ReportableOptions): AskReportable {
  return async (sensorIds, reach) => {
    if (isFree(registration, reach)) return (id) => isWithin(reach, { id, labels: {} });
    return within(await labelsOf(store, sensorIds), reach);
  };
}

/** The same, and what was found is believed for a moment: for those that ask for the same ones again and again. */
export function reportableLately({ store, registration }: ReportableOptions): AskReportable {
  const lately = new LRUCache<string, Labels>({ max: FOUND_MAX, ttl: FOUND_FOR_MS });
  return async (sensorIds, reach) => {
    if (isFree(registration, reach)) return (id) => isWithin(reach, { id, labels: {} });
    const found = new Map<string, Labels>();
    const missing = new Set<string>();
    for (const id of sensorIds) {
      const labels = lately.get(id);
      if (labels === undefined) missing.add(id);
      else found.set(id, labels);
    }
    if (missing.size > 0) {
      for (const [id, labels] of await labelsOf(store, [...missing])) {
        found.set(id, labels);
        lately.set(id, labels);
      }
    }
    return within(found, reach);
  };
}

/** Nothing has to be known of a sensor. */
function isFree(registration: "open" | "closed", reach: Reach | null): boolean {
  return registration === "open" && (reach === null || "sensorId" in reach);
}

async function labelsOf(store: ReportableOptions["store"], sensorIds: readonly string[]): Promise<Map<string, Labels>> {
  const found = await store.loadSensors(sensorIds);
  return new Map(found.filter(({ deleted }) => !deleted).map(({ sensor: { id, labels } }) => [id, labels]));
}

function within(found: ReadonlyMap<string, Labels>, reach: Reach | null): MayReport {
  return (id) => {
    const labels = found.get(id);
    return labels !== undefined && isWithin(reach, { id, labels });
  };
}
