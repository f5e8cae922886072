/** Subscribers, and what is owed to them. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, json, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { DeliveryState } from "../../../domain/delivery";
import type { Filter, OperationalKind, Terms, WebhookSettings, WebhookState } from "../../../domain/webhook";

export const webhooks = pgTable(
  "webhooks",
  {
    id: text().primaryKey(),
    url: text().notNull(),
    filter: json().$type<Filter>().notNull(),
    state: text().$type<WebhookState>().notNull(),
    stateReason: text("state_reason"),
    description: text().notNull(),
    concurrency: integer().notNull(),
    settings: json().$type<WebhookSettings>().notNull(),
    /** Sealed (src/vault.ts). */
    credentials: text().notNull(),
    version: integer().notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    updatedAt: bigint("updated_at", { mode: "number" }).notNull(),
    lastSuccessAt: bigint("last_success_at", { mode: "number" }),
    failingSince: bigint("failing_since", { mode: "number" }),
    /** The endpoint asked to be left alone until then. */
    heldUntil: bigint("held_until", { mode: "number" }),
    /** The `failingSince` that `webhook.failing` was recorded for. */
    toldFailingSince: bigint("told_failing_since", { mode: "number" }),
  },
  (table) => [
    // who is told of operational events: most ask for changes alone
    index("webhooks_that_ask")
      .on(table.id)
      .where(sql`settings #>> '{events}' <> '["change"]'`),
  ],
);

/** What a webhook was from some change on; outlives the webhook itself. */
export const webhookVersions = pgTable(
  "webhook_versions",
  {
    webhookId: text("webhook_id").notNull(),
    version: integer().notNull(),
    filter: json().$type<Filter>().notNull(),
    state: text().$type<WebhookState>().notNull(),
    deleted: boolean().notNull(),
    after: json().$type<Readonly<Record<string, number>>>().notNull(),
    /** What planning must know of its settings. */
    terms: json().$type<Terms>().notNull(),
    /** Every planner is beyond the changes that it applies to. */
    passed: boolean().notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.webhookId, table.version] }),
    // webhookSet
    index("webhook_versions_that_matter")
      .on(table.webhookId, table.version)
      .where(sql`not passed`),
  ],
);

export const deliveries = pgTable(
  "deliveries",
  {
    /** The order in which deliveries were planned. */
    ordinal: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull(),
    webhookId: text("webhook_id").notNull(),
    partition: integer().notNull(),
    number: bigint({ mode: "number" }).notNull(),
    sensorId: text("sensor_id").notNull(),
    revision: bigint({ mode: "number" }).notNull(),
    state: text().$type<DeliveryState>().notNull(),
    reason: text(),
    plannedAt: bigint("planned_at", { mode: "number" }).notNull(),
    /** From when its days are counted: when it was planned, or sent again by hand. */
    owedSince: bigint("owed_since", { mode: "number" }).notNull(),
    /** Only the head of a lane has one (and a repeat that was asked for, which need not wait). */
    nextAttemptAt: bigint("next_attempt_at", { mode: "number" }),
    laneFailures: integer("lane_failures").notNull().default(0),
    rejections: integer().notNull().default(0),
    endedAt: bigint("ended_at", { mode: "number" }),
    /** The least time from a success of its lane to the next delivery, as its webhook wanted it when this one was planned. */
    minIntervalMs: bigint("min_interval_ms", { mode: "number" }).notNull().default(0),
  },
  (table) => [
    // getDelivery, settle; one change is owed once to one webhook
    uniqueIndex("deliveries_by_id").on(table.id),
    // nextDue, dueHeads, wakeWebhook, updateWebhook; of those that are due at one time the first planned comes first
    index("deliveries_due")
      .on(table.partition, table.webhookId, table.nextAttemptAt, table.ordinal)
      .where(sql`next_attempt_at is not null`),
    // expiredHeads
    index("deliveries_expiring")
      .on(table.partition, table.owedSince, table.ordinal)
      .where(sql`next_attempt_at is not null`),
    // the next of a lane: commitPlan, settle; failOwed, one partition after the other
    index("deliveries_in_lane")
      .on(table.webhookId, table.partition, table.sensorId, table.number)
      .where(sql`state = 'pending'`),
    // the last success of a lane that rests after each: commitPlan
    index("deliveries_spaced")
      .on(table.webhookId, table.sensorId, table.endedAt)
      .where(sql`min_interval_ms > 0 and state = 'delivered'`),
    // listDeliveries by webhook, with or without a state
    index("deliveries_by_webhook").on(table.webhookId, table.state, table.ordinal),
    // listDeliveries by sensor
    index("deliveries_by_sensor").on(table.sensorId, table.ordinal),
    // listDeliveries by state
    index("deliveries_by_state").on(table.state, table.ordinal),
  ],
);

export const attempts = pgTable(
  "attempts",
  {
    deliveryId: text("delivery_id").notNull(),
    /** Counts the attempts of a delivery, from 1. */
    number: integer().notNull(),
    at: bigint({ mode: "number" }).notNull(),
    durationMs: bigint("duration_ms", { mode: "number" }).notNull(),
    statusCode: integer("status_code"),
    error: text(),
    /** The beginning of the answer's body. */
    response: text(),
  },
  (table) => [primaryKey({ columns: [table.deliveryId, table.number] })],
);

/** What the service says of itself to the webhooks that ask for it; each is owed to them as deliveries of the lane `$events`. */
export const operationalEvents = pgTable(
  "operational_events",
  {
    number: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** The same for the same fact, so that it is recorded once. */
    fact: text().notNull(),
    kind: text().$type<OperationalKind>().notNull(),
    webhookId: text("webhook_id").notNull(),
    data: text().notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
  },
  (table) => [
    // one fact is recorded once
    uniqueIndex("operational_events_by_fact").on(table.fact),
    // prune
    index("operational_events_by_time").on(table.recordedAt),
  ],
);

/** Jobs that make deliveries of a time due again. */
export const replays = pgTable(
  "replays",
  {
    id: text().primaryKey(),
    webhookId: text("webhook_id").notNull(),
    since: bigint({ mode: "number" }).notNull(),
    until: bigint({ mode: "number" }).notNull(),
    which: text().$type<"undelivered" | "all">().notNull(),
    ratePerSecond: integer("rate_per_second").notNull(),
    state: text().$type<"running" | "done" | "cancelled">().notNull(),
    reason: text(),
    replayed: bigint({ mode: "number" }).notNull().default(0),
    reachedAt: bigint("reached_at", { mode: "number" }).notNull(),
    /** The ordinal of the last delivery that was looked at. */
    afterOrdinal: bigint("after_ordinal", { mode: "number" }).notNull(),
    /** The ordinal of the last delivery that was planned before the job. */
    lastOrdinal: bigint("last_ordinal", { mode: "number" }).notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    updatedAt: bigint("updated_at", { mode: "number" }).notNull(),
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
