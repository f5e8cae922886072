/** Sensors are found by text through groups of them, which are made behind the writes. */

/** Sensors that a group holds: fewer make more groups, more are looked at in vain. */
export const GROUP_SENSORS = 32;
/** So many may wait, and be looked at by every search, before they are grouped. */
export const WAITING_MAX = 512;
/** Groups of sensors that came since are left beside those of the last pass, up to this share of them and so many more. */
const ADDED_SHARE = 0.25;
const ADDED_MIN = 64;
/**
 * A pass is made anew after so long, whatever came since: with it go the trigrams of names that were changed or erased, and those that a
 * node of an earlier version registered, which tells nobody, are found by their texts. There are such nodes about the time of the first.
 */
const PASS_MS_MAX = 86_400_000;
const FIRST_PASS_MS_MAX = 3_600_000;

export interface Indexed {
  /** How many sensors were grouped. */
  readonly sensors: number;
  /** Whether there is more to do at once. */
  readonly more: boolean;
}

export interface SearchStore {
  /**
   * Does the next piece of work on the groups: of waiting sensors, or of the pass that goes over all of them, at most `limit` sensors (and
   * `WAITING_MAX` at least). Of several that call at once one does it.
   */
  indexTexts(limit: number): Promise<Indexed>;
}

/** How far the groups have come. */
export interface SearchProgress {
  readonly pass: number;
  readonly reached: string | null;
  readonly passed: number;
  readonly added: number;
  /** Since the present, or last, pass began. */
  readonly ageMs: number;
}

/** What is to be done next. A pass makes groups of neighbours, which those of waiting sensors are not, and leaves out what is gone. */
export function nextWork({ pass, reached, passed, added, ageMs }: SearchProgress, waiting: number): "group" | "pass" | "clear" | "renew" {
  if (waiting >= WAITING_MAX) return "group";
  if (reached !== null) return "pass";
  const isOld = ageMs > (pass === 1 ? FIRST_PASS_MS_MAX : PASS_MS_MAX);
  return isOld || added > ADDED_MIN + passed * ADDED_SHARE ? "renew" : "clear";
}

/** Cuts what is in order into groups. */
export function groupsOf<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / GROUP_SENSORS);
  return Array.from({ length: count }, (_, index) => items.slice(index * GROUP_SENSORS, (index + 1) * GROUP_SENSORS));
}
