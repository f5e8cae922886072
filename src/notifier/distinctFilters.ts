import type { Filter } from "../domain/webhook";

/** To put so many values in order takes longer than it saves. */
const VAST_VALUES = 5000;

/** A filter that stands at one position or at many: it is judged once for all of them. */
export interface DistinctFilter {
  readonly filter: Filter;
  /** The clauses with few possible values: some dozens of gists at most are different. */
  readonly gist: string;
  /** Ascending. */
  readonly positions: number[];
}

/** Puts filters together that ask the same in other words: in another order, or twice. */
export class DistinctFilters {
  readonly #found = new Map<string, DistinctFilter>();

  /** Of each filter in the order of the positions. */
  add(filter: Filter, position: number): void {
    const gist = gistOf(filter);
    const text = isVast(filter) ? `${position}` : `${gist} ${selectionOf(filter)}`;
    const same = this.#found.get(text);
    if (same === undefined) this.#found.set(text, { filter, gist, positions: [position] });
    else same.positions.push(position);
  }

  all(): DistinctFilter[] {
    return [...this.#found.values()];
  }
}

export function isVast(filter: Filter): boolean {
  return valuesIn(filter) >= VAST_VALUES;
}

/** How many values a filter names. */
export function valuesIn({ sensorIds, labels = {}, from, to }: Filter): number {
  let values = (sensorIds?.length ?? 0) + (from?.length ?? 0) + (to?.length ?? 0);
  for (const key in labels) values += typeof labels[key] === "object" ? (labels[key]?.length ?? 1) : 1;
  return values;
}

function gistOf({ initial, kinds, minSeverity, direction }: Filter): string {
  return `${initial === true} ${kinds === undefined ? "-" : tidied(kinds).join()} ${minSeverity ?? "-"} ${direction ?? "-"}`;
}

function selectionOf({ sensorIds, labels, from, to }: Filter): string {
  if (sensorIds === undefined && labels === undefined && from === undefined && to === undefined) return "";
  const selectors =
    labels === undefined
      ? undefined
      : Object.keys(labels)
          .toSorted()
          .map((key) => [key, inOneForm(labels[key])]);
  return JSON.stringify([listed(sensorIds), listed(from), listed(to), selectors]);
}

/** One value is a list of one. */
function inOneForm(wanted: string | readonly string[] | null | undefined): readonly string[] | null | undefined {
  return typeof wanted === "string" ? [wanted] : wanted === null ? null : listed(wanted);
}

function listed(values: readonly string[] | undefined): readonly string[] | undefined {
  return values === undefined ? undefined : tidied(values);
}

function tidied(values: readonly string[]): readonly string[] {
  return values.length < 2 ? values : [...new Set(values)].toSorted();
}
