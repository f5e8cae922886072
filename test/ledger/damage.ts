import type { ViolationKind } from "./books";
import type { Evidence } from "./evidence";

/** Something that can go wrong, done to a correct history; the ledger must name it by its kind. */
export interface Damage {
  readonly name: string;
  readonly kind: ViolationKind;
  /** Null where the history has nothing that could be damaged so. `pick` chooses among what there is. */
  readonly damage: (evidence: Evidence, pick: number) => Evidence | null;
}

export function withChosen<Item>(items: readonly Item[], pick: number, change: (item: Item) => Evidence): Evidence | null {
  const item = items[pick % Math.max(1, items.length)];
  return item === undefined ? null : change(item);
}
