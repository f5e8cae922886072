import { type Filter, termsOf, type Webhook, type WebhookVersion } from "../../domain/webhook";
import { nextTurn } from "../../nextTurn";
import type { WebhookSet } from "../store";
import { type BareVersion, type JudgedVersions, judgeVersions, type Reached, VERSIONS_SHOWN_MAX, withFilters } from "../versionsThatMatter";
import type { Connection } from "./connection";

/** Of filters so many characters are read before others have their turn. */
const TURN_CHARS = 256 * 1024;

export interface WebhookVersions {
  /** Writes down what a webhook is for the changes recorded from here on; belongs into the transaction of the edit. */
  add(webhook: Webhook, state: { deleted: boolean }): void;
  /** Whether a webhook of this id is there or ever was. */
  exist(webhookId: string): boolean;
  /** Counts the edits that planning must know of. */
  edits(): number;
  /** Those that a change not yet planned may have to be matched against. */
  thatMatter(known: WebhookSet | null): Promise<WebhookSet>;
  /** One webhook's, oldest first. */
  of(webhookId: string): WebhookVersion[];
  /** Marks those that no planner will ask for again; gives how many. */
  markPassed(): number;
}

interface BareRow {
  readonly webhook_id: string;
  readonly version: number;
  readonly state: WebhookVersion["state"];
  readonly deleted: number;
  readonly terms: string;
  readonly after: string;
}

interface VersionRow extends BareRow {
  readonly filter: string;
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
  const notPassed = client.prepare<[], BareRow>(
    `select webhook_id, version, state, deleted, terms, after from webhook_versions where passed = 0 order by webhook_id, version`,
  );
  const filterOf = client
    .prepare<[string, number], string>("select filter from webhook_versions where webhook_id = ? and version = ?")
    .pluck();
  const ofWebhook = client.prepare<[string], VersionRow>(
    `select webhook_id, version, filter, state, deleted, terms, after from webhook_versions where webhook_id = ?
     order by version desc limit ${VERSIONS_SHOWN_MAX}`,
  );
  const pass = client.prepare<[string, number]>("update webhook_versions set passed = 1 where webhook_id = ? and version = ?");

  function judge(): JudgedVersions<BareVersion> {
    return judgeVersions(notPassed.all().map(bareOf), planned.all());
  }

  async function filtersOf(versions: readonly BareVersion[]): Promise<Filter[]> {
    const filters: Filter[] = [];
    let chars = 0;
    for (const { webhookId, version } of versions) {
      const text = filterOf.get(webhookId, version) as string;
      filters.push(JSON.parse(text) as Filter);
      chars += text.length;
      if (chars < TURN_CHARS) continue;
      await nextTurn();
      chars = 0;
    }
    return filters;
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

    async thatMatter(known) {
      const { version, mattering } = read(() => ({ version: readEdits.get() ?? 0, mattering: judge().mattering }));
      return { version, versions: await withFilters(mattering, known, filtersOf) };
    },

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
  return { ...bareOf(row), filter: JSON.parse(row.filter) as Filter };
}

function bareOf(row: BareRow): BareVersion {
  return {
    webhookId: row.webhook_id,
    version: row.version,
    state: row.state,
    deleted: row.deleted === 1,
    terms: JSON.parse(row.terms) as WebhookVersion["terms"],
    after: JSON.parse(row.after) as WebhookVersion["after"],
  };
}
