import { byTime, type IndexedPlace, isAfter, type Place, type PlaceInTime, type Span } from "./place";

/** The reports that are not yet in the index, in memory. */
export class PlaceTail {
  /** Each partition's, in the order of the log. */
  readonly #queues = new Map<number, IndexedPlace[]>();
  /** Each sensor's, in the order of the log, which is the order of time. */
  readonly #bySensor = new Map<string, IndexedPlace[]>();
  /** When each report was last received under its id. */
  readonly #known = new Map<string, number>();
  readonly #last = new Map<number, Place>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The last place of a partition that is in here, or ever was. */
  lastOf(partition: number): Place | null {
    return this.#last.get(partition) ?? null;
  }

  /** Says that everything up to this place is in the index. */
  beginBehind(place: Place): void {
    this.#last.set(place.partition, place);
  }

  /** Takes what follows in a partition's log. */
  add(place: IndexedPlace): void {
    listIn(this.#queues, place.partition).push(place);
    listIn(this.#bySensor, place.sensorId).push(place);
    if (place.reportId !== null) this.#known.set(keyOf(place.sensorId, place.reportId), place.receivedAt);
    this.#last.set(place.partition, place);
    this.#size += 1;
  }

  known(sensorId: string, reportId: string, since: number): number | null {
    const receivedAt = this.#known.get(keyOf(sensorId, reportId));
    return receivedAt === undefined || receivedAt < since ? null : receivedAt;
  }

  /** A sensor's places within a span, the first ones. */
  placesOf(sensorId: string, { after, before, order }: Span, limit: number): PlaceInTime[] {
    const within = (this.#bySensor.get(sensorId) ?? []).filter((place) => byTime(place, after) > 0 && byTime(place, before) < 0);
    return within.toSorted(order === "asc" ? byTime : (a, b) => byTime(b, a)).slice(0, limit);
  }

  /** Lets go of up to `limit` of a partition's places that are in the index by now; gives how many. */
  drop(folded: Place, limit: number): number {
    const queue = this.#queues.get(folded.partition) ?? [];
    let count = 0;
    while (count < limit && count < queue.length && !isAfter(queue[count] as IndexedPlace, folded)) count += 1;
    this.#remove(queue.splice(0, count));
    return count;
  }

  /** Lets go of what was pruned from the log. */
  forget(pruned: readonly Place[]): void {
    for (const [partition, queue] of this.#queues) {
      const own = pruned.filter((place) => place.partition === partition);
      const [head] = queue;
      // What is pruned is the oldest, and mostly in the index by now.
      if (head === undefined || own.every((place) => isAfter(head, place))) continue;
      const sequences = new Set(own.map(placeKey));
      const kept = queue.filter((place) => !sequences.has(placeKey(place)));
      this.#queues.set(partition, kept);
      this.#remove(queue.filter((place) => sequences.has(placeKey(place))));
    }
  }

  #remove(places: readonly IndexedPlace[]): void {
    const ofSensor = new Map<string, Set<IndexedPlace>>();
    for (const place of places) {
      const removed = ofSensor.get(place.sensorId);
      if (removed === undefined) ofSensor.set(place.sensorId, new Set([place]));
      else removed.add(place);
      if (place.reportId === null) continue;
      const key = keyOf(place.sensorId, place.reportId);
      if (this.#known.get(key) === place.receivedAt) this.#known.delete(key);
    }
    for (const [sensorId, removed] of ofSensor) {
      const kept = (this.#bySensor.get(sensorId) ?? []).filter((place) => !removed.has(place));
      if (kept.length === 0) this.#bySensor.delete(sensorId);
      else this.#bySensor.set(sensorId, kept);
    }
    this.#size -= places.length;
  }
}

function listIn<Key>(lists: Map<Key, IndexedPlace[]>, key: Key): IndexedPlace[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list: IndexedPlace[] = [];
  lists.set(key, list);
  return list;
}

function keyOf(sensorId: string, reportId: string): string {
  return `${sensorId}\n${reportId}`;
}

function placeKey({ generation, sequence }: Place): string {
  return `${generation}:${sequence}`;
}
