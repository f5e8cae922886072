import { and, asc, count, eq, getTableColumns, gt, sql } from "drizzle-orm";
import { Fault } from "../../domain/fault";
import { type Webhook, WEBHOOKS_MAX } from "../../domain/webhook";
import { webhookDisabled } from "../operationalFacts";
import { LargePage } from "../largePages";
import type { Page, PageRequest, WebhookStore } from "../store";
import { beginsAnew, changesNothing, demandVersion, editOf, isOfPlanning, newOrder, newWebhook, WEBHOOK_SIZE } from "../webhookEdits";
import { prepareArrange } from "./arrange";
import type { Connection } from "./connection";
import { decodeCursor } from "../cursor";
import type { Direct } from "./faults";
import { prepareOperationalEvents } from "./operationalEvents";
import { webhooks } from "./schema/webhooks";
import { prepareWebhookVersions } from "./webhookVersions";

const LIST = "webhooks";
/** What is said of a webhook that was disabled is sent from here. */
const TELLING_PARTITION = 0;

/** All but what only the store itself asks for. */
const { toldFailingSince: _, ...WEBHOOK } = getTableColumns(webhooks);

/** Asked before every attempt. */
export function prepareFindWebhook({ db }: Connection): (id: string) => Webhook | null {
  const find = db
    .select(WEBHOOK)
    .from(webhooks)
    .where(eq(webhooks.id, sql.placeholder("id")))
    .prepare();
  return (id) => find.get({ id }) ?? null;
}

export function openWebhooks(connection: Connection): Direct<WebhookStore> {
  const { db, write } = connection;
  const versions = prepareWebhookVersions(connection);
  const events = prepareOperationalEvents(connection);
  const makeHeadsDue = prepareMakeHeadsDue(connection);
  const arrange = prepareArrange(connection);

  const find = prepareFindWebhook(connection);

  /** The webhook that is to be edited. Throws notFound, preconditionFailed. */
  function registered(id: string, expectedVersion: number | null): Webhook {
    return demandVersion(id, find(id), expectedVersion);
  }

  return {
    createWebhook(draft) {
      return write(() => {
        if (versions.exist(draft.id)) throw new Fault("conflict", `A webhook ${draft.id} exists already, or existed before.`);
        const registeredNow = db.select({ count: count() }).from(webhooks).get()?.count ?? 0;
        if (registeredNow >= WEBHOOKS_MAX) throw new Fault("conflict", `There are already ${WEBHOOKS_MAX} webhooks, the maximum.`);
        const webhook = newWebhook(draft);
        db.insert(webhooks).values(webhook).run();
        versions.add(webhook, { deleted: false });
        return webhook;
      });
    },

    getWebhook: find,

    async updateWebhook(id, edit, expectedVersion) {
      const { before, after } = write(() => {
        const before = registered(id, expectedVersion);
        if (changesNothing(before, edit)) return { before, after: before };
        const webhook = { ...before, ...editOf(before, edit) };
        db.update(webhooks).set(webhook).where(eq(webhooks.id, id)).run();
        if (isOfPlanning(before, webhook)) versions.add(webhook, { deleted: false });
        if (webhook.state === "disabled" && before.state !== "disabled") {
          events.record({ partition: TELLING_PARTITION, now: Date.now() }, [webhookDisabled(webhook)]);
        }
        if (beginsAnew(before, webhook)) makeHeadsDue(id, webhook.updatedAt);
        return { before, after: webhook };
      });
      const begins = newOrder(before, after);
      if (begins !== null) await arrange(id, begins);
      return after;
    },

    deleteWebhook(id, expectedVersion) {
      write(() => {
        const before = registered(id, expectedVersion);
        db.delete(webhooks).where(eq(webhooks.id, id)).run();
        versions.add({ ...before, version: before.version + 1 }, { deleted: true });
      });
    },

    listWebhooks: (page) => listWebhooks(connection, page),

    webhookVersions: (id) => versions.of(id),

    listCredentials: () => db.select({ id: webhooks.id, credentials: webhooks.credentials }).from(webhooks).all(),

    replaceCredentials(id, before, credentials) {
      const unchanged = and(eq(webhooks.id, id), eq(webhooks.credentials, before));
      return write(() => db.update(webhooks).set({ credentials }).where(unchanged).run().changes === 1);
    },
  };
}

function listWebhooks({ db }: Connection, { limit, cursor }: PageRequest): Page<Webhook> {
  const large = new LargePage<Webhook>(limit, WEBHOOK_SIZE);
  let after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
  for (let wanted = large.wanted; wanted > 0; wanted = large.wanted) {
    const rows = db.select(WEBHOOK).from(webhooks).where(gt(webhooks.id, after)).orderBy(asc(webhooks.id)).limit(wanted).all();
    large.take(rows, rows.length < wanted);
    after = rows.at(-1)?.id ?? after;
  }
  return large.page({ list: LIST, key: ({ id }) => [id], item: (webhook) => webhook });
}

/** In every partition; the index of heads begins with it. */
function prepareMakeHeadsDue({ client }: Connection): (webhookId: string, now: number) => void {
  const partitions = client.prepare<[], number>("select partition from partitions where role = 'notify'").pluck();
  const makeDue = client.prepare<[number, number, string, number]>(
    `update deliveries set next_attempt_at = ?
     where partition = ? and webhook_id = ? and next_attempt_at > ? and lane_failures > 0`,
  );
  return (webhookId, now) => {
    for (const partition of partitions.all()) makeDue.run(now, partition, webhookId, now);
  };
}
