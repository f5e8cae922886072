/** What is recorded of sensors that were deleted with their history: it is shown to nobody, and goes in slices. */

/** A slice of what is recorded of one sensor. */
export interface ErasedSlice {
  readonly sensorId: string;
  /** How many rows it took, by table. */
  readonly rows: Readonly<Record<"reports" | "changes" | "deliveries" | "attempts", number>>;
  /** Nothing is left. Until then something is, which may have to wait for whoever publishes, plans or delivers it. */
  readonly finished: boolean;
}

export interface ErasureStore {
  /**
   * Takes out what was recorded before it was deleted of the next such sensor after an id ("" for the first), at most `limit` rows of each
   * table (where attempts are very many, fewer deliveries); null when there is none. A change stays until it is published, planned, and
   * nobody is owed it any more.
   */
  eraseHistory(afterId: string, limit: number): Promise<ErasedSlice | null>;
}

/**
 * Whether a row of `changes` or `reports` under this alias is kept, as a condition of a statement: not one of a sensor that was deleted
 * with its history since. By an index of the few of which anything has yet to go.
 */
export function keptCondition(alias: string): string {
  return `${alias}.recorded_at >= coalesce(
    (select e.erase_before from sensors e where e.id = ${alias}.sensor_id and e.erase_before is not null), 0)`;
}
