/** "Why was I (not) told?", for one webhook and one change. */
import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { type ChangeData, parseChangeId } from "../../domain/change";
import { deliveryId } from "../../domain/delivery";
import { explain } from "../../domain/explain";
import { Fault } from "../../domain/fault";
import { FILTER_CLAUSES } from "../../domain/webhook";
import type { DeliveryStore, TimelineStore, WebhookStore } from "../../store/store";
import { nullable, oneOf, OwnParams } from "../fields";
import { Delivery, deliveryView } from "../deliveries";
import { operation } from "../document/operation";
import { invalid } from "../problems";

const REASONS = ["matched", "notThere", "events", ...FILTER_CLAUSES.map((clause) => `filter.${clause}` as const)] as const;

const ExplainQuery = Type.Object({ changeId: Type.String({ minLength: 1, maxLength: 64 }) }, { additionalProperties: false });

const Explained = Type.Object(
  {
    because: oneOf(REASONS, {
      description:
        "`matched`: the webhook gets it. `notThere`: the webhook was made after the change, or deleted before it. `events`: it does not ask for changes. Otherwise the clause of its filter that excluded the change.",
    }),
    version: nullable(Type.Integer({ description: "The version of the webhook that the change was held against." })),
    delivery: nullable(Delivery),
  },
  { $id: "Explanation", description: "`delivery` is null if none is owed, none is planned yet, or it is no longer kept." },
);

export interface ExplanationsOptions {
  readonly store: Pick<WebhookStore, "webhookVersions"> &
    Pick<DeliveryStore, "loggedChange" | "getDelivery"> &
    Pick<TimelineStore, "changesFrom">;
}

export function webhookExplanations({ store }: ExplanationsOptions) {
  return new Elysia({ name: "webhookExplanations" }).get(
    "/v1/webhooks/:id/explain",
    async ({ params: { id }, query: { changeId } }): Promise<Static<typeof Explained>> => {
      const versions = await store.webhookVersions(id);
      if (versions.length === 0) throw new Fault("notFound", `There is no webhook ${id}, and never was.`);
      const place = parseChangeId(changeId);
      if (place === null)
        throw invalid("The query is not valid.", [{ pointer: "/changeId", message: "is no change's id, such as chg_0_42" }]);
      const logged = await store.loggedChange(place.partition, place.number);
      if (logged === null) throw gone(changeId);
      const change = JSON.parse(logged.data) as ChangeData;
      // Of what was erased nothing is told, although it may be owed still.
      const [shown] = await store.changesFrom(change.sensorId, change.revision, 1);
      if (shown?.revision !== change.revision) throw gone(changeId);
      const { because, version } = explain(versions, { ...change, ...place });
      const delivery = await store.getDelivery(deliveryId(id, place.partition, place.number));
      return { because, version, delivery: delivery === null ? null : deliveryView(delivery) };
    },
    { params: OwnParams, query: ExplainQuery, ...EXPLAIN },
  );
}

function gone(changeId: string): Fault {
  return new Fault("notFound", `There is no change ${changeId}, or it is no longer kept.`);
}

const EXPLAIN = operation({
  id: "explainChange",
  tag: "Webhooks",
  summary: "Why a webhook was told of a change, or was not",
  description: "Judged by the webhook as it was when the change was recorded. Also works for a deleted webhook.",
  scope: "webhooks:read",
  answers: { 200: { description: "The reason, and the delivery if there is one.", schema: Explained } },
  problems: [404],
});
