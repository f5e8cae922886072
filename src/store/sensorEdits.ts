/** What both drivers make of a sensor that is written, and how they refuse to. */
import { isDeepStrictEqual } from "node:util";
import { Fault } from "../domain/fault";
import { isWithin, type Reach } from "../domain/reach";
import type { Sensor } from "../domain/sensor";
import { currentState } from "../domain/state";
import type { PutCondition, SensorAndState, SensorDraft, SensorRecord } from "./store";

/** A sensor as it is registered, for the first time or after its tombstone; its versions go on, so that one never means another sensor. */
export function registration(draft: SensorDraft, before: SensorAndState | null): Sensor {
  const now = Date.now();
  const { version, life } = before?.sensor ?? { version: 0, life: 0 };
  return { ...editable(draft), version: version + 1, life: life + 1, createdAt: now, updatedAt: now };
}

export function replacement(draft: SensorDraft, { version, life, createdAt }: Sensor): Sensor {
  return { ...editable(draft), version: version + 1, life, createdAt, updatedAt: Date.now() };
}

/** Whether a sensor is already what it is to be, as it is kept, which is as it is written as JSON: then nothing is edited. */
export function changesNothing({ name, labels, metadata, heartbeat }: SensorDraft, before: Sensor): boolean {
  const kept = JSON.parse(JSON.stringify(metadata)) as unknown;
  return (
    name === before.name &&
    isDeepStrictEqual(labels, before.labels) &&
    isDeepStrictEqual(heartbeat, before.heartbeat) &&
    isDeepStrictEqual(kept, before.metadata)
  );
}

function editable({
  id,
  name,
  labels,
  metadata,
  heartbeat,
}: SensorDraft): Pick<Sensor, "id" | "name" | "labels" | "metadata" | "heartbeat"> {
  return { id, name, labels, metadata, heartbeat };
}

export function recordOf({ sensor, state }: Pick<SensorAndState, "sensor" | "state">): SensorRecord {
  return { sensor, state: currentState(state, sensor.life) };
}

export function isLiving<Found extends SensorAndState>(found: Found | null): found is Found {
  return found !== null && !found.deleted;
}

/**
 * Throws conflict; also for one that was deleted out of reach: whoever registered its id anew would see what it said, and what became of it.
 */
export function demandNew(id: string, found: SensorAndState | null, reach: Reach | null): void {
  if (isLiving(found) || isOutOfReach(found, reach)) throw new Fault("conflict", `Sensor ${id} is registered already.`);
}

/** Whether there is one, or was, that must look as if there were none. */
export function isOutOfReach(found: Pick<SensorAndState, "sensor"> | null, reach: Reach | null): boolean {
  return found !== null && !isWithin(reach, found.sensor);
}

/** The sensor that is to be edited. Throws notFound, preconditionFailed. */
export function demandVersion<Found extends SensorAndState>(
  id: string,
  found: Found | null,
  { expectedVersion, reach }: { readonly expectedVersion: number | null; readonly reach: Reach | null },
): Found {
  if (!isLiving(found) || !isWithin(reach, found.sensor)) throw notFound(id);
  if (expectedVersion === null || expectedVersion === found.sensor.version) return found;
  throw otherVersion(found.sensor, expectedVersion);
}

/** The sensor that is to be replaced, or null when one is to be registered. Throws notFound, preconditionFailed. */
export function demandPlace<Found extends SensorAndState>(
  id: string,
  found: Found | null,
  { expected, reach }: { readonly expected: PutCondition; readonly reach: Reach | null },
): Found | null {
  const isHidden = isOutOfReach(found, reach);
  if (!isLiving(found) || isHidden) {
    if (expected !== null && expected !== "absent") throw new Fault("preconditionFailed", `There is no sensor ${id} to replace.`);
    if (isHidden) throw notFound(id);
    return null;
  }
  if (expected === "absent")
    throw new Fault("preconditionFailed", `Sensor ${id} is registered already, at version ${found.sensor.version}.`);
  if (typeof expected === "number" && expected !== found.sensor.version) throw otherVersion(found.sensor, expected);
  return found;
}

export function otherVersion({ id, version }: Sensor, expected: number): Fault {
  return new Fault("preconditionFailed", `Sensor ${id} is at version ${version}, not ${expected}.`);
}

export function notFound(id: string): Fault {
  return new Fault("notFound", `There is no sensor ${id}.`);
}
