import type { Webhook, WebhookVersion } from "../../domain/webhook";
import type { WebhookSet } from "../store";
import type { Connection } from "./connection";

export interface WebhookVersions {
  /** Writes down what a webhook is for the changes recorded from here on; belongs into the transaction of the edit. */
  add(webhook: Webhook, state: { deleted: boolean }): void;
  /** Whether a webhook of this id is there or ever was. */
  exist(webhookId: string): boolean;
  /** Counts the edits that planning must know of. */
  edits(): number;
  /** Those that a change not yet planned may have to be matched against. */
  thatMatter(): WebhookSet;
  /** Marks those that no planner will ask for again; gives how many. */
  markPassed(): number;
}

interface VersionRow {
  readonly webhook_id: string;
  readonly version: number;
  readonly filter: string;
  readonly state: WebhookVersion["state"];
  readonly deleted: number;
  readonly after: string;
}

export function prepareWebhookVersions({ client, read, write }: Connection): WebhookVersions {
  const bump = client.prepare(
    "insert into meta (name, value) values ('webhooks_version', 1) on conflict (name) do update set value = value + 1",
  );
  const readEdits = client.prepare<[], number>("select value from meta where name = 'webhooks_version'").pluck();
  type Reached = { readonly partition: number; readonly number: number };
  const recorded = client.prepare<[], Reached>("select partition, change_number as number from partitions where role = 'ingest'");
  const planned = client.prepare<[], Reached>("select partition, change_number as number from partitions where role = 'notify'");
  const insert = client.prepare<unknown[]>(
    `insert into webhook_versions (webhook_id, version, filter, state, deleted, after) values (?, ?, ?, ?, ?, ?)`,
  );
  const any = client.prepare<[string], 1>("select 1 from webhook_versions where webhook_id = ? limit 1").pluck();
  const notPassed = client.prepare<[], VersionRow>(
    `select webhook_id, version, filter, state, deleted, after from webhook_versions where passed = 0 order by webhook_id, version`,
  );
  const pass = client.prepare<[string, number]>("update webhook_versions set passed = 1 where webhook_id = ? and version = ?");

  /** Tells apart, among those not marked, what a planner may still ask for and what none will. */
  function judge(): { mattering: WebhookVersion[]; passed: WebhookVersion[] } {
    const reached = new Map(planned.all().map(({ partition, number }) => [String(partition), number]));
    const mattering: WebhookVersion[] = [];
    const passed: WebhookVersion[] = [];
    for (const versions of Map.groupBy(notPassed.all().map(versionOf), ({ webhookId }) => webhookId).values()) {
      const older = versions.filter((_, index) => isAwaited(versions[index + 1], reached));
      const newest = versions.at(-1) as WebhookVersion;
      // The newest applies to all that comes; if it is the webhook's end, it matters as long as anything before it does.
      const kept = newest.deleted && older.length === 0 ? [] : [...older, newest];
      mattering.push(...kept);
      passed.push(...versions.filter((version) => !kept.includes(version)));
    }
    return { mattering, passed };
  }

  return {
    add({ id, version, filter, state }, { deleted }) {
      bump.run();
      const after = Object.fromEntries(recorded.all().map(({ partition, number }) => [partition, number]));
      insert.run(id, version, JSON.stringify(filter), state, deleted ? 1 : 0, JSON.stringify(after));
    },

    exist: (webhookId) => any.get(webhookId) !== undefined,

    edits: () => readEdits.get() ?? 0,

    thatMatter: () => read(() => ({ version: readEdits.get() ?? 0, versions: judge().mattering })),

    markPassed: () =>
      write(() => {
        const { passed } = judge();
        for (const { webhookId, version } of passed) pass.run(webhookId, version);
        return passed.length;
      }),
  };
}

/** Whether some planner has yet to come to the changes before the next version; the newest has none after it. */
function isAwaited(next: WebhookVersion | undefined, reached: ReadonlyMap<string, number>): boolean {
  if (next === undefined) return false;
  return Object.entries(next.after).some(([partition, number]) => (reached.get(partition) ?? 0) < number);
}

function versionOf(row: VersionRow): WebhookVersion {
  return {
    webhookId: row.webhook_id,
    version: row.version,
    filter: JSON.parse(row.filter) as WebhookVersion["filter"],
    state: row.state,
    deleted: row.deleted === 1,
    after: JSON.parse(row.after) as WebhookVersion["after"],
  };
}
