import type { WebhookVersion } from "../domain/webhook";

/** Of one webhook, to whoever asks why it was told of a change. */
export const VERSIONS_SHOWN_MAX = 1000;

/** How far a partition's planner is: the number of the last change that it has planned. */
export interface Reached {
  readonly partition: number;
  readonly number: number;
}

export interface JudgedVersions {
  readonly mattering: WebhookVersion[];
  readonly passed: WebhookVersion[];
}

/** Tells apart, of versions each webhook's oldest first, what a planner may still ask for and what none will. */
export function judgeVersions(versions: readonly WebhookVersion[], planned: readonly Reached[]): JudgedVersions {
  const reached = new Map(planned.map(({ partition, number }) => [String(partition), number]));
  const mattering: WebhookVersion[] = [];
  const passed: WebhookVersion[] = [];
  for (const own of Map.groupBy(versions, ({ webhookId }) => webhookId).values()) {
    const older = own.filter((_, index) => isAwaited(own[index + 1], reached));
    const newest = own.at(-1) as WebhookVersion;
    // The newest applies to all that comes; if it is the webhook's end, it matters as long as anything before it does.
    const kept = newest.deleted && older.length === 0 ? [] : [...older, newest];
    mattering.push(...kept);
    passed.push(...own.filter((version) => !kept.includes(version)));
  }
  return { mattering, passed };
}

/** Whether some planner has yet to come to the changes before the next version; the newest has none after it. */
function isAwaited(next: WebhookVersion | undefined, reached: ReadonlyMap<string, number>): boolean {
  if (next === undefined) return false;
  return Object.entries(next.after).some(([partition, number]) => (reached.get(partition) ?? 0) < number);
}
