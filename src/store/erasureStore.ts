/** What is recorded of sensors that were deleted with their history: it is shown to nobody, and goes in slices. */

/** A slice of what is recorded of one sensor. */
export interface ErasedSlice {
  readonly sensorId: string;
  /** How many rows it took, by table. */
  readonly rows: Readonly<Record<"reports" | "changes" | "deliveries" | "attempts" | "dead_letters", number>>;
  /** Nothing is left. Until then something is, which may have to wait for whoever publishes, plans or delivers it. */
  readonly finished: boolean;
  /** It was looked for dead letters, and is to be looked on. */
  readonly goesOn: boolean;
}

export interface ErasureStore {
  /**
   * Takes out what was recorded before it was deleted of the next such sensor after an id ("" for the first), at most `limit` rows of each
   * table (where attempts are very many, fewer deliveries); null when there is none. A change stays until it is published, planned, and
   * nobody is owed it any more. Dead letters come last, of several such sensors together, and `limit` of all are looked at.
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

/**
 * The same of a delivery under this alias, by the change that it carries, or by when it was planned where that was pruned. What somebody is
 * still owed is shown.
 */
export function keptDelivery(alias: string): string {
  return `(${alias}.state = 'pending' or coalesce((
    select coalesce((select c.recorded_at from changes c where c.partition = ${alias}.partition and c.number = ${alias}.number),
      ${alias}.planned_at - 1) >= e.erase_before
    from sensors e where e.id = ${alias}.sensor_id and e.erase_before is not null), true))`;
}
