import { and, asc, count, eq, getTableColumns, gt, inArray } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import type { ClientBase } from "pg";
import { Fault } from "../../domain/fault";
import { type Webhook, WEBHOOKS_MAX } from "../../domain/webhook";
import { decodeCursor } from "../cursor";
import { webhookDisabled } from "../operationalFacts";
import { LargePage } from "../largePages";
import type { Page, PageRequest, WebhookStore } from "../store";
import {
  beginsAnew,
  changesNothing,
  demandVersion,
  editOf,
  isOfPlanning,
  newOrder,
  newWebhook,
  WEBHOOK_SIZE,
  type WebhookEdit,
} from "../webhookEdits";
import { arrange } from "./arrange";
import { NOW_MS } from "./clock";
import type { Connection, Session } from "./connection";
import { lockLanes, makeHeadsDue } from "./lanes";
import { recordEvents } from "./operationalEvents";
import { webhooks } from "./schema/webhooks";
import { statement } from "./statement";
import { addVersion, lockWebhooks, versionsOf, webhookExisted } from "./webhookVersions";

const LIST = "webhooks";
/** What is said of a webhook that was disabled is sent from here. */
const TELLING_PARTITION = 0;

const readNow = statement<{ now: number }>("webhooks.now", `select ${NOW_MS} as now`);

/** All but what only the store itself asks for. */
const { toldFailingSince: _, ...WEBHOOK } = getTableColumns(webhooks);

export async function findWebhooks(db: NodePgDatabase, ids: readonly string[]): Promise<Webhook[]> {
  return db
    .select(WEBHOOK)
    .from(webhooks)
    .where(inArray(webhooks.id, [...ids]));
}

export async function findWebhook(db: NodePgDatabase, id: string): Promise<Webhook | null> {
  const [found] = await db.select(WEBHOOK).from(webhooks).where(eq(webhooks.id, id));
  return found ?? null;
}

export function openWebhooks(connection: Connection): WebhookStore {
  const { db, write } = connection;

  /** One edit after the other, and none beside a plan. */
  function edit<Result>(act: (session: Session) => Promise<Result>, { telling = false } = {}): Promise<Result> {
    return write(async (session) => {
      if (telling) await lockLanes(session.client, TELLING_PARTITION);
      await lockWebhooks(session.client);
      return act(session);
    });
  }

  return {
    createWebhook: (draft) =>
      edit(async (session) => {
        if (await webhookExisted(session.client, draft.id)) {
          throw new Fault("conflict", `A webhook ${draft.id} exists already, or existed before.`);
        }
        const [registered] = await session.db.select({ now: count() }).from(webhooks);
        if ((registered?.now ?? 0) >= WEBHOOKS_MAX) {
          throw new Fault("conflict", `There are already ${WEBHOOKS_MAX} webhooks, the maximum.`);
        }
        const webhook = newWebhook(draft);
        await session.db.insert(webhooks).values(webhook);
        await addVersion(session.client, webhook, { deleted: false });
        return webhook;
      }),

    getWebhook: (id) => findWebhook(db, id),

    async updateWebhook(id, wanted, expectedVersion) {
      const telling = wanted.state === "disabled";
      const { before, after } = await edit((session) => update(session, wanted, () => registered(session.db, id, expectedVersion)), {
        telling,
      });
      // In slices of their own, so that no plan waits while a long backlog is moved. Where one fails, the first success wakes the rest.
      const begins = newOrder(before, after);
      if (begins !== null) await arrange(connection, id, begins);
      if (beginsAnew(before, after)) await makeHeadsDue(connection, id, after.updatedAt);
      return after;
    },

    deleteWebhook: (id, expectedVersion) =>
      edit(async (session) => {
        const before = await registered(session.db, id, expectedVersion);
        await session.db.delete(webhooks).where(eq(webhooks.id, id));
        await addVersion(session.client, { ...before, version: before.version + 1 }, { deleted: true });
      }),

    listWebhooks: (page) => listWebhooks(db, page),

    webhookVersions: (id) => versionsOf(connection.work, id),

    listCredentials: () => db.select({ id: webhooks.id, credentials: webhooks.credentials }).from(webhooks),

    async replaceCredentials(id, before, credentials) {
      const unchanged = and(eq(webhooks.id, id), eq(webhooks.credentials, before));
      return (await db.update(webhooks).set({ credentials }).where(unchanged).returning({ id: webhooks.id })).length === 1;
    },
  };
}

async function listWebhooks(db: NodePgDatabase, { limit, cursor }: PageRequest): Promise<Page<Webhook>> {
  using large = new LargePage<Webhook>(limit, WEBHOOK_SIZE);
  let after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
  for (let wanted = large.wanted; wanted > 0; wanted = large.wanted) {
    await large.room();
    const rows = await db.select(WEBHOOK).from(webhooks).where(gt(webhooks.id, after)).orderBy(asc(webhooks.id)).limit(wanted);
    large.take(rows, rows.length < wanted);
    after = rows.at(-1)?.id ?? after;
  }
  return large.page({ list: LIST, key: ({ id }) => [id], item: (webhook) => webhook });
}

/** The webhook that is to be edited, locked: credentials are sealed anew beside edits. Throws notFound, preconditionFailed. */
async function registered(db: NodePgDatabase, id: string, expectedVersion: number | null): Promise<Webhook> {
  const [found] = await db.select(WEBHOOK).from(webhooks).where(eq(webhooks.id, id)).for("no key update");
  return demandVersion(id, found ?? null, expectedVersion);
}

async function update(
  { db, client }: Session,
  wanted: WebhookEdit,
  find: () => Promise<Webhook>,
): Promise<{ before: Webhook; after: Webhook }> {
  const before = await find();
  if (changesNothing(before, wanted)) return { before, after: before };
  const after = await overwrite(db, before, wanted);
  if (isOfPlanning(before, after)) await addVersion(client, after, { deleted: false });
  if (after.state === "disabled" && before.state !== "disabled") await tellDisabled(client, after);
  return { before, after };
}

/** All but how its deliveries went, which others write meanwhile. */
async function overwrite(db: NodePgDatabase, before: Webhook, edit: WebhookEdit): Promise<Webhook> {
  const [after] = await db.update(webhooks).set(editOf(before, edit)).where(eq(webhooks.id, before.id)).returning(WEBHOOK);
  return after as Webhook;
}

async function tellDisabled(client: ClientBase, webhook: Webhook): Promise<void> {
  const [{ now }] = (await readNow(client)) as [{ now: number }];
  const telling = { partition: TELLING_PARTITION, now, dueAt: Math.min(now, Date.now()) };
  await recordEvents(client, telling, [webhookDisabled(webhook)]);
}
