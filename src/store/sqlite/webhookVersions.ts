import { termsOf, type Webhook, type WebhookVersion } from "../../domain/webhook";
import type { WebhookSet } from "../store";
import { type JudgedVersions, judgeVersions, type Reached, VERSIONS_SHOWN_MAX } from "../versionsThatMatter";
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
  /** One webhook's, oldest first. */
  of(webhookId: string): WebhookVersion[];
  /** Marks those that no planner will ask for again; gives how many. */
  markPassed(): number;
}

interface VersionRow {
  readonly webhook_id: string;
  readonly version: number;
  readonly filter: string;
  readonly state: WebhookVersion["state"];
  readonly deleted: number;
  readonly terms: string;
  readonly after: string;
}

export function prepareWebhookVersions({ client, read, write }: Connection): WebhookVersions {
  const bump = client.prepare(
    "insert into meta (name, value) values ('webhooks_version', 1) on conflict (name) do update set value = value + 1",
  );
  const readEdits = client.prepare<[], number>("select value from meta where name = 'webhooks_version'").pluck();
  const recorded = client.prepare<[], Reached>("select partition, change_number as number from partitions where role = 'ingest'");
  const planned = client.prepare<[], Reached>("select partition, change_number as number from partitions where role = 'notify'");
  const insert = client.prepare<unknown[]>(
    `insert into webhook_versions (webhook_id, version, filter, state, deleted, terms, after) values (?, ?, ?, ?, ?, ?, ?)`,
  );
  const any = client.prepare<[string], 1>("select 1 from webhook_versions where webhook_id = ? limit 1").pluck();
  const notPassed = client.prepare<[], VersionRow>(
    `select webhook_id, version, filter, state, deleted, terms, after from webhook_versions where passed = 0 order by webhook_id, version`,
  );
  const ofWebhook = client.prepare<[string], VersionRow>(
    `select webhook_id, version, filter, state, deleted, terms, after from webhook_versions where webhook_id = ?
     order by version desc limit ${VERSIONS_SHOWN_MAX}`,
  );
  const pass = client.prepare<[string, number]>("update webhook_versions set passed = 1 where webhook_id = ? and version = ?");

  function judge(): JudgedVersions {
    return judgeVersions(notPassed.all().map(versionOf), planned.all());
  }

  return {
    add({ id, version, filter, state, settings }, { deleted }) {
      bump.run();
      const after = Object.fromEntries(recorded.all().map(({ partition, number }) => [partition, number]));
      const terms = JSON.stringify(termsOf(settings));
      insert.run(id, version, JSON.stringify(filter), state, deleted ? 1 : 0, terms, JSON.stringify(after));
    },

    exist: (webhookId) => any.get(webhookId) !== undefined,

    edits: () => readEdits.get() ?? 0,

    thatMatter: () => read(() => ({ version: readEdits.get() ?? 0, versions: judge().mattering })),

    of: (webhookId) => ofWebhook.all(webhookId).map(versionOf).reverse(),

    markPassed: () =>
      write(() => {
        const { passed } = judge();
        for (const { webhookId, version } of passed) pass.run(webhookId, version);
        return passed.length;
      }),
  };
}

function versionOf(row: VersionRow): WebhookVersion {
  return {
    webhookId: row.webhook_id,
    version: row.version,
    filter: JSON.parse(row.filter) as WebhookVersion["filter"],
    state: row.state,
    deleted: row.deleted === 1,
    terms: JSON.parse(row.terms) as WebhookVersion["terms"],
    after: JSON.parse(row.after) as WebhookVersion["after"],
  };
}
