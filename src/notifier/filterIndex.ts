import { type FilteredChange, refusingClause } from "../domain/filter";
import type { Filter } from "../domain/webhook";
import { nextTurn } from "../nextTurn";
import { type DistinctFilter, DistinctFilters, isVast, valuesIn } from "./distinctFilters";

/** So many values of filters are looked at before others have their turn. */
const TURN_VALUES = 5000;

/** The positions of the filters that let a change through, ascending. */
export type FilterIndex = (change: FilteredChange) => readonly number[];

interface Gist {
  readonly id: number;
  /** The clauses of the gist alone: whoever they refuse, every filter that has them refuses. */
  readonly filter: Filter;
}

/** The filters that are found under one value, by gist: those of a gist that is refused are not even looked at. */
type Bucket = { readonly gist: Gist; readonly filters: DistinctFilter[] }[];

/** The values of one clause, and the filters that are found under each. */
class Clause {
  readonly #buckets = new Map<string, Bucket | null>();

  /** All filters say what they name before the first one is filed. */
  name(values: ReadonlySet<string>): void {
    for (const value of values) if (!this.#buckets.has(value)) this.#buckets.set(value, null);
  }

  /** Which part of all changes should meet one of the values, as far as filters tell. */
  shareOf(values: ReadonlySet<string>): number {
    return values.size / this.#buckets.size;
  }

  /** A change has one value here, so it finds a filter once at most. */
  file(values: ReadonlySet<string>, gist: Gist, filter: DistinctFilter): void {
    for (const value of values) {
      const bucket = this.#buckets.get(value) ?? [];
      put(bucket, gist, filter);
      this.#buckets.set(value, bucket);
    }
  }

  bucket(value: string | null | undefined): Bucket | null {
    return (typeof value === "string" ? this.#buckets.get(value) : null) ?? null;
  }
}

/** A clause of a filter by which the filter can be found. */
interface Way {
  readonly clause: Clause;
  readonly values: ReadonlySet<string>;
}

interface Named {
  readonly clause: Clause;
  readonly list: readonly string[];
}

/** Files each filter under the clause that the fewest changes meet; `refusingClause` judges what is found there. */
class Index {
  readonly #sensorIds = new Clause();
  readonly #from = new Clause();
  readonly #to = new Clause();
  readonly #labels = new Map<string, Clause>();
  /** Those that name nothing by which they could be found. */
  readonly #rest: Bucket = [];
  readonly #gists = new Map<string, Gist>();

  static async of(filters: readonly Filter[]): Promise<Index> {
    const index = new Index();
    const distinct = new DistinctFilters();
    await inTurns(filters.entries(), ([position, filter]) => {
      distinct.add(filter, position);
      return valuesIn(filter);
    });
    const filed = distinct.all().map((one) => ({ distinct: one, ways: [] as Way[] }));
    await inTurns(filed, ({ distinct: { filter }, ways }) => {
      ways.push(...index.#waysTo(filter));
      for (const { clause, values } of ways) clause.name(values);
      return valuesIn(filter);
    });
    await inTurns(filed, ({ distinct: one, ways }) => {
      index.#file(one, ways);
      return valuesIn(one.filter);
    });
    return index;
  }

  #file(distinct: DistinctFilter, ways: readonly Way[]): void {
    const gist = this.#gistOf(distinct);
    const way = narrowest(ways);
    if (way === null) put(this.#rest, gist, distinct);
    else way.clause.file(way.values, gist, distinct);
  }

  find(change: FilteredChange): readonly number[] {
    const found: DistinctFilter[] = [];
    const held: boolean[] = [];
    const look = (bucket: Bucket | null): void => {
      if (bucket === null) return;
      for (const { gist, filters } of bucket) {
        if (!(held[gist.id] ??= refusingClause(gist.filter, change) === null)) continue;
        for (const one of filters) if (refusingClause(one.filter, change) === null) found.push(one);
      }
    };
    look(this.#sensorIds.bucket(change.sensorId));
    look(this.#from.bucket(change.from.status));
    look(this.#to.bucket(change.to.status));
    const { labels } = change.sensor;
    if (this.#labels.size > 0) for (const key in labels) look(this.#labels.get(key)?.bucket(labels[key]) ?? null);
    look(this.#rest);
    return inOrder(found);
  }

  #waysTo(filter: Filter): Way[] {
    const { sensorIds, labels = {}, from, to } = filter;
    // There are more sensors than anything else that a filter can name.
    if (sensorIds !== undefined) return [{ clause: this.#sensorIds, values: new Set(sensorIds) }];
    const lists: Named[] = [];
    if (from !== undefined) lists.push({ clause: this.#from, list: from });
    if (to !== undefined) lists.push({ clause: this.#to, list: to });
    for (const key in labels) {
      const wanted = labels[key];
      if (wanted === null || wanted === undefined) continue;
      const clause = this.#labels.get(key) ?? new Clause();
      this.#labels.set(key, clause);
      lists.push({ clause, list: typeof wanted === "string" ? [wanted] : wanted });
    }
    return (isVast(filter) ? shortest(lists) : lists).map(({ clause, list }) => ({ clause, values: new Set(list) }));
  }

  #gistOf({ gist: text, filter }: DistinctFilter): Gist {
    const known = this.#gists.get(text);
    if (known !== undefined) return known;
    const { sensorIds: _sensorIds, labels: _labels, from: _from, to: _to, ...clauses } = filter;
    const gist = { id: this.#gists.size, filter: clauses };
    this.#gists.set(text, gist);
    return gist;
  }
}

/** The filters may name very much: others have their turn meanwhile. */
export async function indexFilters(filters: readonly Filter[]): Promise<FilterIndex> {
  const index = await Index.of(filters);
  return (change) => index.find(change);
}

/** `look` says how much it was. */
async function inTurns<One>(all: Iterable<One>, look: (one: One) => number): Promise<void> {
  let looked = 0;
  for (const one of all) {
    looked += 1 + look(one);
    if (looked < TURN_VALUES) continue;
    await nextTurn();
    looked = 0;
  }
}

function put(bucket: Bucket, gist: Gist, filter: DistinctFilter): void {
  const same = bucket.find((one) => one.gist === gist);
  if (same === undefined) bucket.push({ gist, filters: [filter] });
  else same.filters.push(filter);
}

/** Of one that names very much the others are not even looked at. */
function shortest(lists: readonly Named[]): Named[] {
  return lists.toSorted((a, b) => a.list.length - b.list.length).slice(0, 1);
}

function narrowest(ways: readonly Way[]): Way | null {
  let best: Way | null = null;
  let least = Infinity;
  for (const way of ways) {
    const share = way.clause.shareOf(way.values);
    if (share < least) [best, least] = [way, share];
  }
  return best;
}

function inOrder(found: readonly DistinctFilter[]): readonly number[] {
  const [first, second] = found;
  if (first === undefined) return [];
  if (second === undefined) return first.positions;
  return [...Uint32Array.from(found.flatMap(({ positions }) => positions)).sort()];
}
