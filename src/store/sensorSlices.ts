import { nextTurn } from "../nextTurn";
import { type FoundByText, type Lead, leadsOf, type Path, type Slice, type Stretch } from "./sensorLeads";
import type { LargePage } from "./largePages";
import { trigramsAsked } from "./searchText";
import type { SensorAndState, SensorQuery } from "./store";

/** The first stretch is short, for most pages end in it; what lets next to nobody through is gone along in longer and longer ones. */
export const STEPS_MIN = 500;
/** So many sensors are looked at before others may do something, and by one statement. */
export const STEPS_MAX = 16_000;

type Awaitable<Value> = Value | Promise<Value>;

/** How a driver goes along its indexes. */
export interface SensorPaths {
  /** What lies beyond `after` along each path, within so many steps. */
  stretches(leads: readonly (Lead | null)[], after: string, steps: number): Awaitable<readonly Stretch[]>;
  /** Ids beyond `after`, in order, about so many: of every sensor whose text has all trigrams, and of others. Null when that is not known yet. */
  byText(trigrams: readonly string[], after: string, steps: number): Awaitable<FoundByText | null>;
  /** Those of a slice that every filter lets through, by id. */
  select(query: SensorQuery, slice: Slice, limit: number): Awaitable<readonly SensorAndState[]>;
}

/**
 * Fills the page with those beyond `after` that every filter lets through, by id. It goes on in slices, each along the filter whose next entries lie the
 * furthest apart, and begins each where none of the filters has anything before. A text joins them from the second slice on: one that most
 * sensors have is found sooner without its index.
 */
export async function findSensors(paths: SensorPaths, query: SensorQuery, { after, limit, large }: SensorsWanted): Promise<void> {
  const leads = leadsOf(query);
  const trigrams = query.id === undefined ? trigramsAsked(query.q) : null;
  for (let from = after, steps = Math.max(STEPS_MIN, limit + 1), first = true; ; first = false, steps = Math.min(4 * steps, STEPS_MAX)) {
    let slice = furthest(leads, await paths.stretches(leads.length === 0 ? [null] : leads, from, steps));
    if (slice === null) return;
    if (trigrams !== null && !first && slice.to !== null) slice = further(slice, await paths.byText(trigrams, from, steps));
    await readSlice(paths, { query, slice, large });
    if (slice.to === null || large.wanted === 0) return;
    from = slice.to;
    await nextTurn();
  }
}

interface SensorsWanted {
  readonly after: string;
  readonly limit: number;
  readonly large: LargePage<SensorAndState>;
}

/** Comes before every character of an id: an id and this is the first text behind the id. */
const BEFORE_ALL = " ";

/** Until the page has all that it can hold, or the slice nothing more: with others' turns between what is read at once. */
async function readSlice(
  paths: SensorPaths,
  { query, slice, large }: { readonly query: SensorQuery; readonly slice: Slice; readonly large: LargePage<SensorAndState> },
): Promise<void> {
  for (let rest = slice; ;) {
    await large.room();
    const { wanted } = large;
    const rows = await paths.select(query, rest, wanted);
    large.take(rows, rows.length < wanted && slice.to === null);
    const last = rows.at(-1);
    if (last === undefined || rows.length < wanted || large.wanted === 0) return;
    rest = { ...slice, begins: last.sensor.id + BEFORE_ALL };
    await nextTurn();
  }
}

/** Along the filter that leads the furthest, and of several that lead to the end along the one that lets the fewest through. Null when one has none. */
function furthest(leads: readonly Lead[], stretches: readonly Stretch[]): Slice | null {
  let begins = "";
  let best = 0;
  for (const [index, { first, to, count }] of stretches.entries()) {
    if (first === null) return null;
    if (first > begins) begins = first;
    const { to: bestTo, count: bestCount } = stretches[best] as Stretch;
    if (bestTo === null ? to === null && count < bestCount : to === null || to > bestTo) best = index;
  }
  return { path: leads[best] ?? null, begins, to: (stretches[best] as Stretch).to };
}

/** Along what was found by its text, if that leads further. */
function further(slice: Slice, byText: FoundByText | null): Slice {
  if (byText === null || (byText.to !== null && slice.to !== null && byText.to <= slice.to)) return slice;
  const path: Path = { by: "text", ids: byText.ids.filter((id) => id >= slice.begins) };
  return { path, begins: slice.begins, to: byText.to };
}
