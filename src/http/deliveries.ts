import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery";
import { Fault } from "../domain/fault";
import { type AttemptRow, ATTEMPTS_SHOWN_MAX, type DeliveryRecord, type DeliveryStore } from "../store/store";
import {
  nullable,
  oneOf,
  OwnId,
  OwnParams,
  PageFields,
  pageOf,
  pageSchema,
  pageView,
  RangeFields,
  rangeOf,
  SensorId,
  Time,
  timeOf,
  TimeOrNull,
  timeOrNull,
} from "./fields";
import { operation } from "./document/operation";
import { invalid } from "./problems";
import { TestAttempt as Attempt } from "./webhooks/webhookModel";

export const Delivery = Type.Object(
  {
    id: Type.String({ description: "The `webhook-id` that the receiver sees." }),
    webhookId: Type.String(),
    changeId: nullable(Type.String(), { description: "Null for an operational event." }),
    eventId: nullable(Type.String(), { description: "Of the operational event that it carries; null for a change." }),
    sensorId: nullable(SensorId),
    revision: Type.Integer(),
    state: oneOf(DELIVERY_STATES),
    reason: nullable(Type.String()),
    plannedAt: Time,
    nextAttemptAt: TimeOrNull,
    attempts: Type.Array(Attempt, { description: `The last ${ATTEMPTS_SHOWN_MAX}, in their order.` }),
  },
  { $id: "Delivery" },
);

const DeliveriesQuery = Type.Object(
  {
    webhookId: Type.Optional(OwnId),
    sensorId: Type.Optional(SensorId),
    state: Type.Optional(Type.Array(oneOf(DELIVERY_STATES), { maxItems: DELIVERY_STATES.length, description: "May repeat: any of them." })),
    undelivered: Type.Optional(oneOf(["true", "false"], { description: "`true`: only the states `pending` and `failed`." })),
    ...RangeFields,
    ...PageFields,
  },
  { additionalProperties: false },
);

export interface DeliveriesOptions {
  readonly store: Pick<DeliveryStore, "listDeliveries" | "getDelivery" | "retryDelivery">;
  /** Wakes whoever sends. */
  readonly changed: () => void;
}

export function deliveries({ store, changed }: DeliveriesOptions) {
  return new Elysia({ name: "deliveries" })
    .get(
      "/v1/deliveries",
      async ({ query }) => {
        const { webhookId, sensorId } = query;
        const asked = { webhookId, sensorId, states: statesOf(query), range: rangeOf(query) };
        return pageView(await store.listDeliveries(asked, pageOf(query)), deliveryView);
      },
      { query: DeliveriesQuery, ...LIST },
    )
    .get(
      "/v1/deliveries/:id",
      async ({ params: { id } }) => {
        const delivery = await store.getDelivery(id);
        if (delivery === null) throw new Fault("notFound", `There is no delivery ${id}.`);
        return deliveryView(delivery);
      },
      { params: OwnParams, ...GET },
    )
    .post(
      "/v1/deliveries/:id/retry",
      async ({ params: { id } }) => {
        const delivery = await store.retryDelivery(id, Date.now());
        changed();
        return deliveryView(delivery);
      },
      { params: OwnParams, ...RETRY },
    );
}

function statesOf({ state, undelivered }: Pick<Static<typeof DeliveriesQuery>, "state" | "undelivered">): DeliveryState[] | undefined {
  if (undelivered !== "true") return state;
  if (state === undefined) return ["pending", "failed"];
  throw invalid("The query is not valid.", [
    { pointer: "/undelivered", message: "selects the states pending and failed: leave state out" },
  ]);
}

export function deliveryView(delivery: DeliveryRecord): Static<typeof Delivery> {
  const { id, webhookId, changeId, eventId, sensorId, revision, state, reason, plannedAt, nextAttemptAt, attempts } = delivery;
  const times = { plannedAt: timeOf(plannedAt), nextAttemptAt: timeOrNull(earliest(nextAttemptAt, plannedAt)) };
  return { id, webhookId, changeId, eventId, sensorId, revision, state, reason, ...times, attempts: attempts.map(attemptView) };
}

/** What is sent in batches is due from the beginning of time, so that it keeps its order; nobody wants to read that. */
function earliest(nextAttemptAt: number | null, plannedAt: number): number | null {
  return nextAttemptAt === null ? null : Math.max(nextAttemptAt, plannedAt);
}

export function attemptView({ at, durationMs, statusCode, error, response }: AttemptRow): Static<typeof Attempt> {
  return { at: timeOf(at), durationMs, statusCode, error, response };
}

const ONE = { description: "The delivery.", schema: Delivery };

const LIST = operation({
  id: "listDeliveries",
  tag: "Deliveries",
  summary: "List deliveries, newest first",
  description: "`since` and `until` count by when a delivery was planned.",
  scope: "webhooks:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Delivery) } },
});
const GET = operation({
  id: "getDelivery",
  tag: "Deliveries",
  summary: "One delivery and its attempts",
  scope: "webhooks:read",
  answers: { 200: ONE },
  problems: [404],
});
const RETRY = operation({
  id: "retryDelivery",
  tag: "Deliveries",
  summary: "Send a delivery again, now",
  description: "Under the same `webhook-id`, whatever its state.",
  scope: "deliveries:write",
  answers: { 200: { ...ONE, description: "It is due." } },
  problems: [404, 409],
});
