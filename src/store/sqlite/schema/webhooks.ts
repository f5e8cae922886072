/** Subscribers, and what is owed to them. */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { DeliveryState } from "../../../domain/delivery";
import type { Filter, OperationalKind, Terms, WebhookSettings, WebhookState } from "../../../domain/webhook";

export const webhooks = sqliteTable(
  "webhooks",
  {
    id: text().primaryKey(),
    url: text().notNull(),
    filter: text({ mode: "json" }).$type<Filter>().notNull(),
    state: text().$type<WebhookState>().notNull(),
    stateReason: text("state_reason"),
    description: text().notNull(),
    concurrency: integer().notNull(),
    settings: text({ mode: "json" }).$type<WebhookSettings>().notNull(),
    /** Sealed (src/vault.ts). */
    credentials: text().notNull(),
    version: integer().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    lastSuccessAt: integer("last_success_at"),
    failingSince: integer("failing_since"),
    /** The endpoint asked to be left alone until then. */
    heldUntil: integer("held_until"),
    /** The `failingSince` that `webhook.failing` was recorded for. */
    toldFailingSince: integer("told_failing_since"),
  },
  (table) => [
    // who is told of operational events: most ask for changes alone
    index("webhooks_that_ask")
      .on(table.id)
      .where(sql`json_extract(settings, '$.events') <> '["change"]'`),
  ],
);

/** What a webhook was from some change on; outlives the webhook itself. */
export const webhookVersions = sqliteTable(
  "webhook_versions",
  {
    webhookId: text("webhook_id").notNull(),
    version: integer().notNull(),
    filter: text({ mode: "json" }).$type<Filter>().notNull(),
    state: text().$type<WebhookState>().notNull(),
    deleted: integer({ mode: "boolean" }).notNull(),
    after: text({ mode: "json" }).$type<Readonly<Record<string, number>>>().notNull(),
    /** What planning must know of its settings. */
    terms: text({ mode: "json" }).$type<Terms>().notNull(),
    /** Every planner is beyond the changes that it applies to. */
    passed: integer({ mode: "boolean" }).notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.webhookId, table.version] }),
    // webhookSet
    index("webhook_versions_that_matter")
      .on(table.webhookId, table.version)
      .where(sql`passed = 0`),
  ],
);

export const deliveries = sqliteTable(
  "deliveries",
  {
    /** The order in which deliveries were planned. */
    ordinal: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull(),
    webhookId: text("webhook_id").notNull(),
    partition: integer().notNull(),
    number: integer().notNull(),
    sensorId: text("sensor_id").notNull(),
    revision: integer().notNull(),
    state: text().$type<DeliveryState>().notNull(),
    reason: text(),
    plannedAt: integer("planned_at").notNull(),
    /** From when its days are counted: when it was planned, or sent again by hand. */
    owedSince: integer("owed_since").notNull(),
    /** Only the head of a lane has one (and a repeat that was asked for, which need not wait). */
    nextAttemptAt: integer("next_attempt_at"),
    laneFailures: integer("lane_failures").notNull().default(0),
    rejections: integer().notNull().default(0),
    endedAt: integer("ended_at"),
    /** The least time from a success of its lane to the next delivery, as its webhook wanted it when this one was planned. */
    minIntervalMs: integer("min_interval_ms").notNull().default(0),
  },
  (table) => [
    // getDelivery, settle; one change is owed once to one webhook
    uniqueIndex("deliveries_by_id").on(table.id),
    // nextDue, dueHeads, wakeWebhook, updateWebhook
    index("deliveries_due")
      .on(table.partition, table.webhookId, table.nextAttemptAt)
      .where(sql`next_attempt_at is not null`),
    // expiredHeads
    index("deliveries_expiring")
      .on(table.partition, table.owedSince)
      .where(sql`next_attempt_at is not null`),
    // the next of a lane: commitPlan, settle; failOwed
    index("deliveries_in_lane")
      .on(table.webhookId, table.sensorId, table.number)
      .where(sql`state = 'pending'`),
    // the last success of a lane that rests after each: commitPlan
    index("deliveries_spaced")
      .on(table.webhookId, table.sensorId, table.endedAt)
      .where(sql`min_interval_ms > 0 and state = 'delivered'`),
    // listDeliveries by webhook, with or without a state
    index("deliveries_by_webhook").on(table.webhookId, table.state),
    // listDeliveries by sensor
    index("deliveries_by_sensor").on(table.sensorId),
    // listDeliveries by state
    index("deliveries_by_state").on(table.state),
  ],
);

export const attempts = sqliteTable(
  "attempts",
  {
    deliveryId: text("delivery_id").notNull(),
    /** Counts the attempts of a delivery, from 1. */
    number: integer().notNull(),
    at: integer().notNull(),
    durationMs: integer("duration_ms").notNull(),
    statusCode: integer("status_code"),
    error: text(),
    /** The beginning of the answer's body. */
    response: text(),
  },
  (table) => [primaryKey({ columns: [table.deliveryId, table.number] })],
);

/** What the service says of itself to the webhooks that ask for it; each is owed to them as deliveries of the lane `$events`. */
export const operationalEvents = sqliteTable(
  "operational_events",
  {
    number: integer().primaryKey({ autoIncrement: true }),
    /** The same for the same fact, so that it is recorded once. */
    fact: text().notNull(),
    kind: text().$type<OperationalKind>().notNull(),
    webhookId: text("webhook_id").notNull(),
    data: text().notNull(),
    recordedAt: integer("recorded_at").notNull(),
  },
  (table) => [
    // one fact is recorded once
    uniqueIndex("operational_events_by_fact").on(table.fact),
    // prune
    index("operational_events_by_time").on(table.recordedAt),
  ],
);

/** Jobs that make deliveries of a time due again. */
export const replays = sqliteTable(
  "replays",
  {
    id: text().primaryKey(),
    webhookId: text("webhook_id").notNull(),
    since: integer().notNull(),
    until: integer().notNull(),
    which: text().$type<"undelivered" | "all">().notNull(),
    ratePerSecond: integer("rate_per_second").notNull(),
    state: text().$type<"running" | "done" | "cancelled">().notNull(),
    reason: text(),
    replayed: integer().notNull().default(0),
    reachedAt: integer("reached_at").notNull(),
    /** The ordinal of the last delivery that was looked at. */
    afterOrdinal: integer("after_ordinal").notNull(),
    /** The ordinal of the last delivery that was planned before the job. */
    lastOrdinal: integer("last_ordinal").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    // listReplays
    index("replays_by_webhook").on(table.webhookId, table.id),
    // runningReplays; one webhook has one at a time
    uniqueIndex("replays_running")
      .on(table.webhookId)
      .where(sql`state = 'running'`),
  ],
);
