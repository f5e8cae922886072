/** How sensors are made and edited: on the version that was named, and by nobody beyond the reach of a token. */
import { Fault, isFault } from "../domain/fault";
import { isWithin, type Reach } from "../domain/reach";
import type { PutCondition, SensorDraft, SensorPut, SensorRecord, SensorStore } from "../store/store";
import { invalid, Refusal } from "./problems";
import { patched, type SensorPatch } from "./sensorModel";
import { isAny, onVersion } from "./versions";

/** An edit that met another is done again on what that one left. */
const PATCH_TRIES = 5;

/** What an edit was asked for on. */
export interface Conditions {
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
}

/** Throws notFound, for one that is out of reach, too. */
export function demandShown(id: string, record: SensorRecord | null, reach: Reach | null): SensorRecord {
  if (record === null || !isWithin(reach, record.sensor)) throw notFound(id);
  return record;
}

/** Throws conflict; a 403 for one that would be out of reach. */
export async function create(store: SensorStore, draft: SensorDraft, reach: Reach | null): Promise<SensorRecord> {
  demandWithin(reach, draft);
  return store.createSensor(draft, reach);
}

/** Throws preconditionFailed; notFound for one that is, or was, there and out of reach; a 403 for one that would come to be. */
export async function put(
  store: SensorStore,
  draft: SensorDraft,
  { conditions, reach }: { readonly conditions: Conditions; readonly reach: Reach | null },
): Promise<SensorPut> {
  if (reach !== null && "sensorId" in reach && reach.sensorId !== draft.id) throw notFound(draft.id);
  demandWithin(reach, draft);
  const createOnly = isCreateOnly(conditions);
  return onVersion(conditions["if-match"], (version) =>
    store.putSensor(draft, { expected: expectedOf(conditions, createOnly, version), reach }),
  );
}

function isCreateOnly({ "if-match": ifMatch, "if-none-match": ifNoneMatch }: Conditions): boolean {
  if (ifNoneMatch === undefined) return false;
  if (!isAny(ifNoneMatch))
    throw invalid("If-None-Match is not valid.", [{ pointer: "/if-none-match", message: "must be * here: create only" }]);
  if (ifMatch !== undefined) throw new Fault("preconditionFailed", "If-Match and If-None-Match: * exclude each other: send one of them.");
  return true;
}

function expectedOf({ "if-match": ifMatch }: Conditions, createOnly: boolean, version: number | null): PutCondition {
  if (createOnly) return "absent";
  return isAny(ifMatch) ? "present" : version;
}

/**
 * Reads, merges and writes on the version that was read, so that nobody's edit in between is lost, and what was judged to be within reach
 * is what is edited. Throws notFound, preconditionFailed, conflict; a 403 for what would be out of reach; a 422 for what cannot be.
 */
export async function patch(
  { store, partitions }: { readonly store: SensorStore; readonly partitions: number },
  {
    id,
    body,
    ifMatch,
    reach,
  }: { readonly id: string; readonly body: SensorPatch; readonly ifMatch: string | undefined; readonly reach: Reach | null },
): Promise<Omit<SensorPut, "created">> {
  return onVersion(ifMatch, async (wanted) => {
    for (let attempt = 1; ; attempt += 1) {
      const { sensor } = demandShown(id, await store.getSensor(id), reach);
      if (wanted !== null && wanted !== sensor.version)
        throw new Fault("preconditionFailed", `Sensor ${id} is at version ${sensor.version}, not ${wanted}.`);
      const draft = patched(sensor, body, partitions);
      demandWithin(reach, draft);
      try {
        const record = await store.updateSensor(draft, sensor.version);
        return { record, unchanged: record.sensor.version === sensor.version };
      } catch (error) {
        if (!isFault(error, "preconditionFailed") || wanted !== null) throw error;
        if (attempt === PATCH_TRIES) throw new Fault("conflict", `Sensor ${id} is being edited by others; try again.`, { cause: error });
      }
    }
  });
}

function demandWithin(reach: Reach | null, draft: SensorDraft): void {
  if (reach === null || isWithin(reach, draft)) return;
  if ("sensorId" in reach) throw new Refusal(403, `The token is limited to the sensor ${reach.sensorId}: this would be another one.`);
  const labels = Object.entries(reach.labels).map(([key, value]) => `${key}:${value}`);
  throw new Refusal(403, `The token is limited to sensors that carry ${labels.join(", ")}: this one would not.`);
}

function notFound(id: string): Fault {
  return new Fault("notFound", `There is no sensor ${id}.`);
}
