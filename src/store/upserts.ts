/** What both drivers make of many sensors that are written at once. */
import type { Reach } from "../domain/reach";
import type { Sensor } from "../domain/sensor";
import { changesNothing, isOutOfReach, registration, replacement } from "./sensorEdits";
import type { SensorAndState, SensorDraft } from "./store";
import { UPSERT_SET_MAX, type Upserted } from "./upsertStore";

/** A sensor as it is to be written over what is there. */
export interface UpsertWrite {
  readonly sensor: Sensor;
  readonly partition: number;
  /** What is registered before it is written; null when nothing is. */
  readonly before: Sensor | null;
}

export interface FoldedSet {
  readonly outcomes: readonly Upserted[];
  /** One for each draft that changes anything, in their order. */
  readonly writes: readonly UpsertWrite[];
}

/** Takes drafts in one after the other, from what is there: `found` holds what there is, tombstones too. */
export function foldDrafts(drafts: readonly SensorDraft[], found: readonly SensorAndState[], reach: Reach | null): FoldedSet {
  if (drafts.length > UPSERT_SET_MAX) throw new Error(`a set of ${drafts.length} sensors`);
  const there = new Map(found.map((each) => [each.sensor.id, each]));
  const living = new Map(found.filter(({ deleted }) => !deleted).map(({ sensor }) => [sensor.id, sensor]));
  const writes: UpsertWrite[] = [];
  const outcomes = drafts.map((draft): Upserted => {
    if (isOutOfReach(there.get(draft.id) ?? null, reach)) return { kind: "outOfReach" };
    const before = living.get(draft.id);
    if (before !== undefined && changesNothing(draft, before)) return { kind: "unchanged", sensor: before };
    const sensor = before === undefined ? registration(draft, there.get(draft.id) ?? null) : replacement(draft, before);
    living.set(draft.id, sensor);
    writes.push({ sensor, partition: draft.partition, before: before ?? null });
    return { kind: before === undefined ? "created" : "replaced", sensor };
  });
  return { outcomes, writes };
}

/** The same with one write for each sensor: what it is in the end, over what it was in the beginning. */
export function lastWrites(writes: readonly UpsertWrite[]): UpsertWrite[] {
  const last = new Map<string, UpsertWrite>();
  for (const write of writes) {
    const first = last.get(write.sensor.id);
    last.set(write.sensor.id, first === undefined ? write : { ...write, before: first.before });
  }
  return [...last.values()];
}

/** What is left of a set once it was looked at without holding anybody up. */
export interface Unsettled {
  readonly drafts: readonly SensorDraft[];
  /** The outcomes of the whole set, given those of these drafts. */
  readonly outcomes: (later: readonly Upserted[]) => Upserted[];
}

/**
 * Who sends all sensors again and again changes few of them: those that stand as they are to be are done with as soon as they were read,
 * and nobody's reports wait for them.
 */
export function unsettled(drafts: readonly SensorDraft[], { outcomes, writes }: FoldedSet): Unsettled {
  const changing = new Set(writes.map(({ sensor }) => sensor.id));
  return {
    drafts: drafts.filter(({ id }) => changing.has(id)),
    outcomes(later) {
      let next = 0;
      return drafts.map(({ id }, place) => (changing.has(id) ? later[next++] : outcomes[place]) as Upserted);
    },
  };
}
