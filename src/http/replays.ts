import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault } from "../domain/fault";
import { type Replay as ReplayFacts, REPLAY_STATES, type ReplayDraft, type ReplayStore } from "../store/store";
import { GivenTime, instantOf, nullable, oneOf, OwnId, OwnParams, PageFields, pageOf, pageSchema, pageView, Time, timeOf } from "./fields";
import { IdempotencyKey } from "./gate/idempotency";
import { operation } from "./document/operation";
import { invalid } from "./problems";

const RATE_DEFAULT = 500;
const RATE_MAX = 10_000;
const WHICH = ["undelivered", "all"] as const;

const ReplayCreation = Type.Object(
  {
    since: GivenTime,
    until: Type.Optional(GivenTime),
    which: Type.Optional(
      oneOf(WHICH, { description: "`undelivered` (the default): what ended as failed or skipped. `all`: whatever is not pending." }),
    ),
    ratePerSecond: Type.Optional(
      Type.Integer({ minimum: 1, maximum: RATE_MAX, default: RATE_DEFAULT, description: "How many are made due a second." }),
    ),
  },
  {
    $id: "ReplayCreation",
    additionalProperties: false,
    description: "The time is that of planning; `until` is exclusive, and now when it is left out.",
    examples: [
      { since: "2026-11-23T10:00:00Z" },
      { since: "2026-11-23T10:00:00Z", until: "2026-11-23T12:00:00Z", which: "all", ratePerSecond: 50 },
    ],
  },
);

const Replay = Type.Object(
  {
    id: Type.String(),
    webhookId: Type.String(),
    since: Time,
    until: Time,
    which: oneOf(WHICH),
    ratePerSecond: Type.Integer(),
    state: oneOf(REPLAY_STATES),
    reason: nullable(Type.String(), { description: "Why it ended before its end." }),
    replayed: Type.Integer({ description: "How many deliveries were made due so far." }),
    reachedAt: Type.String({ format: "date-time", description: "How far it has come on the way from `since` to `until`." }),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "Replay" },
);

const ReplaysQuery = Type.Object({ webhookId: Type.Optional(OwnId), ...PageFields }, { additionalProperties: false });

export interface ReplaysOptions {
  readonly store: Pick<ReplayStore, "createReplay" | "getReplay" | "listReplays" | "cancelReplay">;
  /** Wakes whoever plans and sends. */
  readonly changed: () => void;
}

export function replays({ store, changed }: ReplaysOptions) {
  return new Elysia({ name: "replays" })
    .post(
      "/v1/webhooks/:id/replay",
      async ({ params: { id }, body, set }) => {
        const replay = await store.createReplay(draftOf(id, body, Date.now()));
        changed();
        set.status = 202;
        set.headers["location"] = `/v1/replays/${replay.id}`;
        return replayView(replay);
      },
      { params: OwnParams, headers: IdempotencyKey, body: ReplayCreation, ...CREATE },
    )
    .get("/v1/replays", async ({ query }) => pageView(await store.listReplays({ webhookId: query.webhookId }, pageOf(query)), replayView), {
      query: ReplaysQuery,
      ...LIST,
    })
    .get(
      "/v1/replays/:id",
      async ({ params: { id } }) => {
        const replay = await store.getReplay(id);
        if (replay === null) throw new Fault("notFound", `There is no replay ${id}.`);
        return replayView(replay);
      },
      { params: OwnParams, ...GET },
    )
    .post(
      "/v1/replays/:id/cancel",
      async ({ params: { id } }) => {
        const replay = await store.cancelReplay(id);
        changed();
        return replayView(replay);
      },
      { params: OwnParams, ...CANCEL },
    );
}

/** Throws a 422 for a time that no calendar has, and for a range that holds nothing. */
function draftOf(webhookId: string, body: Static<typeof ReplayCreation>, now: number): ReplayDraft {
  const { which = "undelivered", ratePerSecond = RATE_DEFAULT } = body;
  const since = instantOf(body.since, "/since");
  const until = body.until === undefined ? now : instantOf(body.until, "/until");
  if (since >= until) {
    const error =
      body.until === undefined ? { pointer: "/since", message: "must be past" } : { pointer: "/until", message: "must be after since" };
    throw invalid("The time range is empty.", [error]);
  }
  return { id: `rpl_${Bun.randomUUIDv7().replaceAll("-", "")}`, webhookId, range: { since, until }, which, ratePerSecond };
}

function replayView({ range, reachedAt, createdAt, updatedAt, ...replay }: ReplayFacts): Static<typeof Replay> {
  const { id, webhookId, which, ratePerSecond, state, reason, replayed } = replay;
  const times = { reachedAt: timeOf(reachedAt), createdAt: timeOf(createdAt), updatedAt: timeOf(updatedAt) };
  return { id, webhookId, since: timeOf(range.since), until: timeOf(range.until), which, ratePerSecond, state, reason, replayed, ...times };
}

const ONE = { description: "The replay.", schema: Replay };

const CREATE = operation({
  id: "replayWebhook",
  tag: "Deliveries",
  summary: "Send the deliveries of a period again",
  description: "Starts a job that makes each of them due again, under its `webhook-id`. A webhook has one such job at a time.",
  scope: "deliveries:write",
  takesBody: true,
  answers: { 202: { ...ONE, description: "It runs.", headers: { location: "Its path." } } },
  problems: [404, 409],
});
const LIST = operation({
  id: "listReplays",
  tag: "Deliveries",
  summary: "List replays, newest first",
  scope: "webhooks:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Replay) } },
});
const GET = operation({
  id: "getReplay",
  tag: "Deliveries",
  summary: "One replay and its progress",
  scope: "webhooks:read",
  answers: { 200: ONE },
  problems: [404],
});
const CANCEL = operation({
  id: "cancelReplay",
  tag: "Deliveries",
  summary: "Stop a replay",
  description: "What it has already made due is still sent. A replay that has ended stays as it is.",
  scope: "deliveries:write",
  answers: { 200: ONE },
  problems: [404],
});
