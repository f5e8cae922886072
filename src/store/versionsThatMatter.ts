import type { Filter, WebhookVersion } from "../domain/webhook";
import type { WebhookSet } from "./store";

/** Of one webhook, to whoever asks why it was told of a change. */
export const VERSIONS_SHOWN_MAX = 1000;

/** How far a partition's planner is: the number of the last change that it has planned. */
export interface Reached {
  readonly partition: number;
  readonly number: number;
}

/** Without its filter, which may be large. */
export type BareVersion = Omit<WebhookVersion, "filter">;

export interface JudgedVersions<Version extends BareVersion> {
  readonly mattering: Version[];
  readonly passed: Version[];
}

/** Tells apart, of versions each webhook's oldest first, what a planner may still ask for and what none will. */
export function judgeVersions<Version extends BareVersion>(
  versions: readonly Version[],
  planned: readonly Reached[],
): JudgedVersions<Version> {
  const reached = new Map(planned.map(({ partition, number }) => [String(partition), number]));
  const mattering: Version[] = [];
  const passed: Version[] = [];
  for (const own of Map.groupBy(versions, ({ webhookId }) => webhookId).values()) {
    const older = own.filter((_, index) => isAwaited(own[index + 1], reached));
    const newest = own.at(-1) as Version;
    // The newest applies to all that comes; if it is the webhook's end, it matters as long as anything before it does.
    const kept = newest.deleted && older.length === 0 ? [] : [...older, newest];
    mattering.push(...kept);
    const isKept = new Set(kept);
    for (const version of own) if (!isKept.has(version)) passed.push(version);
  }
  return { mattering, passed };
}

/** A version stays as it was written, so what is known of it need not be read again. Those that are not are loaded, in the same order. */
export async function withFilters<Version extends BareVersion>(
  versions: readonly Version[],
  known: WebhookSet | null,
  load: (missing: readonly Version[]) => Promise<readonly Filter[]>,
): Promise<WebhookVersion[]> {
  const byId = new Map((known?.versions ?? []).map((version) => [idOf(version), version]));
  const missing = versions.filter((version) => !byId.has(idOf(version)));
  const filters = await load(missing);
  missing.forEach(({ webhookId, version, state, deleted, terms, after }, place) => {
    const filter = filters[place] as Filter;
    byId.set(idOf({ webhookId, version }), { webhookId, version, filter, state, deleted, terms, after });
  });
  return versions.map((version) => byId.get(idOf(version)) as WebhookVersion);
}

function idOf({ webhookId, version }: Pick<WebhookVersion, "webhookId" | "version">): string {
  return `${webhookId} ${version}`;
}

/** Whether some planner has yet to come to the changes before the next version; the newest has none after it. */
function isAwaited(next: BareVersion | undefined, reached: ReadonlyMap<string, number>): boolean {
  if (next === undefined) return false;
  return Object.entries(next.after).some(([partition, number]) => (reached.get(partition) ?? 0) < number);
}
