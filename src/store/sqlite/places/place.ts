/** A report's place in the log. */
export interface Place {
  readonly partition: number;
  readonly generation: number;
  readonly sequence: number;
}

/** A place in a sensor's history, which goes by time. */
export interface PlaceInTime extends Place {
  readonly receivedAt: number;
}

/** What a report is looked for by. */
export interface IndexedPlace extends PlaceInTime {
  readonly sensorId: string;
  /** Null where there is none, and for a duplicate: it does not count as known. */
  readonly reportId: string | null;
}

/** In the order of a partition's log. */
export function isAfter(one: Place, other: Place): boolean {
  return one.generation > other.generation || (one.generation === other.generation && one.sequence > other.sequence);
}

/** In the order of a sensor's history. */
export function byTime(one: PlaceInTime, other: PlaceInTime): number {
  return (
    one.receivedAt - other.receivedAt ||
    one.partition - other.partition ||
    one.generation - other.generation ||
    one.sequence - other.sequence
  );
}

/** A part of a sensor's history: strictly between these two, in either direction. */
export interface Span {
  readonly after: PlaceInTime;
  readonly before: PlaceInTime;
  readonly order: "asc" | "desc";
}

/** Stands before every place of this time. */
export function beginningOf(receivedAt: number): PlaceInTime {
  return { receivedAt, partition: -1, generation: -1, sequence: -1 };
}

/** What of a span lies beyond a place that was reached. */
export function spanBeyond(span: Span, reached: PlaceInTime): Span {
  return span.order === "asc" ? { ...span, after: reached } : { ...span, before: reached };
}
