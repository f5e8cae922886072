import type pg from "pg";
import type { ClientBase } from "pg";
import { type Filter, termsOf, type Webhook, type WebhookVersion } from "../../domain/webhook";
import type { WebhookSet } from "../store";
import { type BareVersion, type JudgedVersions, judgeVersions, type Reached, VERSIONS_SHOWN_MAX, withFilters } from "../versionsThatMatter";
import { statement } from "./statement";

/**
 * The advisory lock that puts edits of webhooks and plans into one order: an edit holds it alone, plans share it. Whoever waits for it
 * alone is not passed by those who come later, as it could be on a row that is locked FOR SHARE again and again. "webhooks" in its bytes.
 */
const LOCK = "8603390863846894451";

/** Of filters so many bytes, as they are stored, are read by one statement, or one filter. */
const STATEMENT_BYTES = 1024 * 1024;

interface BareRow {
  readonly webhook_id: string;
  readonly version: number;
  readonly state: WebhookVersion["state"];
  readonly deleted: boolean;
  readonly terms: WebhookVersion["terms"];
  readonly after: WebhookVersion["after"];
}

interface VersionRow extends BareRow {
  readonly filter: Filter;
}

interface SizedVersion extends BareVersion {
  /** Of its filter, as it is stored. */
  readonly bytes: number;
}

const shareLock = statement("webhookVersions.share", `select pg_advisory_xact_lock_shared(${LOCK})`);
const lockForEdit = statement("webhookVersions.lock", `select pg_advisory_xact_lock(${LOCK})`);
/** `webhooksVersion` counts the edits that planning must know of. */
export const EDITS = "coalesce((select value from meta where name = 'webhooks_version'), 0)";
/** For the select list of what a plan begins with; what is read after it, by another statement, holds until the plan's end. */
export const SHARE_WEBHOOKS = `pg_advisory_xact_lock_shared(${LOCK})`;

const readEdits = statement<{ edits: number }>("webhookVersions.edits", `select ${EDITS} as edits`);
const bump = statement(
  "webhookVersions.bump",
  "insert into meta as m (name, value) values ('webhooks_version', 1) on conflict (name) do update set value = m.value + 1",
);
const insert = statement(
  "webhookVersions.insert",
  `insert into webhook_versions (webhook_id, version, filter, state, deleted, terms, after)
   select $1, $2, $3, $4, $5, $6, coalesce(json_object_agg(partition::text, change_number), '{}') from partitions where role = 'ingest'`,
);
const any = statement("webhookVersions.any", "select 1 from webhook_versions where webhook_id = $1 limit 1");
const notPassed = statement<BareRow & { readonly bytes: number }>(
  "webhookVersions.notPassed",
  `select webhook_id, version, pg_column_size(filter) as bytes, state, deleted, terms, after from webhook_versions where not passed
   order by webhook_id, version`,
);
const filtersOf = statement<{ filter: Filter }>(
  "webhookVersions.filtersOf",
  `select v.filter from unnest($1::text[], $2::int[]) with ordinality u (webhook_id, version, place)
   join webhook_versions v on v.webhook_id = u.webhook_id and v.version = u.version order by u.place`,
);
const ofWebhook = statement<VersionRow>(
  "webhookVersions.ofWebhook",
  `select webhook_id, version, filter, state, deleted, terms, after from webhook_versions where webhook_id = $1
   order by version desc limit ${VERSIONS_SHOWN_MAX}`,
);
const planned = statement<Reached>(
  "webhookVersions.planned",
  "select partition, change_number as number from partitions where role = 'notify'",
);
const pass = statement(
  "webhookVersions.pass",
  `update webhook_versions v set passed = true from unnest($1::text[], $2::int[]) p (webhook_id, version)
   where v.webhook_id = p.webhook_id and v.version = p.version`,
);

/** Oldest first. */
export async function versionsOf(on: pg.Pool, webhookId: string): Promise<WebhookVersion[]> {
  return (await ofWebhook(on, webhookId)).map(versionOf).reverse();
}

/** Begins the transaction of an edit: until its end no other edits and no plan goes in. */
export async function lockWebhooks(client: ClientBase): Promise<void> {
  await lockForEdit(client);
}

/** Keeps edits of webhooks out until the end of the transaction; what is read after it holds until then. An edit may call it, too. */
export async function shareWebhooks(client: ClientBase): Promise<void> {
  await shareLock(client);
}

/** Writes down what a webhook is for the changes recorded from here on; the transaction has begun with {@link lockWebhooks}. */
export async function addVersion(client: ClientBase, webhook: Webhook, { deleted }: { deleted: boolean }): Promise<void> {
  const { id, version, filter, state, settings } = webhook;
  await bump(client);
  await insert(client, id, version, JSON.stringify(filter), state, deleted, JSON.stringify(termsOf(settings)));
}

/** Whether a webhook of this id is there or ever was. */
export async function webhookExisted(client: ClientBase, webhookId: string): Promise<boolean> {
  return (await any(client, webhookId)).length > 0;
}

/** Those that a change not yet planned may have to be matched against; on one snapshot. */
export async function versionsThatMatter(client: ClientBase, known: WebhookSet | null): Promise<WebhookSet> {
  const { mattering } = await judge(client);
  const [row] = await readEdits(client);
  return { version: row?.edits ?? 0, versions: await withFilters(mattering, known, (missing) => readFilters(client, missing)) };
}

async function readFilters(client: ClientBase, versions: readonly SizedVersion[]): Promise<Filter[]> {
  const filters: Filter[] = [];
  for (let from = 0, to = 0; from < versions.length; from = to) {
    for (let bytes = 0; to < versions.length && bytes < STATEMENT_BYTES; to += 1) bytes += versions[to]?.bytes ?? 0;
    const slice = versions.slice(from, to);
    const ids = slice.map(({ webhookId }) => webhookId);
    const rows = await filtersOf(
      client,
      ids,
      slice.map(({ version }) => version),
    );
    for (const { filter } of rows) filters.push(filter);
  }
  return filters;
}

/** Marks those that no planner will ask for again; gives how many. */
export async function markPassed(client: ClientBase): Promise<number> {
  const { passed } = await judge(client);
  if (passed.length > 0) {
    await pass(
      client,
      passed.map(({ webhookId }) => webhookId),
      passed.map(({ version }) => version),
    );
  }
  return passed.length;
}

async function judge(client: ClientBase): Promise<JudgedVersions<SizedVersion>> {
  // First how far the planners are, then the versions: a planner that goes on meanwhile asks for less.
  const reached = await planned(client);
  const versions = (await notPassed(client)).map(({ webhook_id: webhookId, ...row }): SizedVersion => ({ webhookId, ...row }));
  return judgeVersions(versions, reached);
}

function versionOf({ webhook_id: webhookId, ...row }: VersionRow): WebhookVersion {
  return { webhookId, ...row };
}
