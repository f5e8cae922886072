import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault } from "../domain/fault";
import { REPORT_BYTES_MAX } from "../domain/report";
import { isSensorId } from "../domain/sensor";
import type { ReportPublisher } from "../jetstream/ports";
import { type Calls, demandAll, NOT_LIMITED } from "./calls";
import type { DeadLetterRecord, DeadLetterStore } from "../store/store";
import { OwnParams, pageOf, PageQuery, pageSchema, pageView, Time, timeOf } from "./fields";
import { IdempotencyKey } from "./gate/idempotency";
import { operation } from "./document/operation";
import { RECEIPT } from "./reports";

const DeadLetter = Type.Object(
  {
    id: Type.String(),
    subject: Type.String(),
    stream: Type.String(),
    sequence: Type.Integer(),
    receivedAt: Time,
    reason: Type.String(),
    payloadBase64: Type.String({ contentEncoding: "base64" }),
  },
  { $id: "DeadLetter" },
);

/** Which sensor one is of, if of any, is as uncertain as what else it says. */
const LETTERS = "dead letters need";

export interface DeadLettersOptions {
  readonly calls: Calls;
  readonly store: Pick<DeadLetterStore, "listDeadLetters" | "getDeadLetter">;
  readonly publisher: ReportPublisher;
}

export function deadLetters({ calls, store, publisher }: DeadLettersOptions) {
  async function find(id: string, request: Request): Promise<DeadLetterRecord> {
    demandAll(calls, request, LETTERS);
    const letter = await store.getDeadLetter(id);
    if (letter === null) throw new Fault("notFound", `There is no dead letter ${id}.`);
    return letter;
  }

  return new Elysia({ name: "deadLetters" })
    .get(
      "/v1/dead-letters",
      async ({ query, request }) => {
        demandAll(calls, request, LETTERS);
        return pageView(await store.listDeadLetters(pageOf(query)), deadLetterView);
      },
      { query: PageQuery, ...LIST },
    )
    .get("/v1/dead-letters/:id", async ({ params: { id }, request }) => deadLetterView(await find(id, request)), {
      params: OwnParams,
      ...GET,
    })
    .post(
      "/v1/dead-letters/:id/replay",
      async ({ params: { id }, set, request }) => {
        const letter = await find(id, request);
        const { stream, sequence, duplicate } = await publisher.publish(sensorOf(letter), letter.payload);
        set.status = 202;
        return { stream, sequence, duplicate };
      },
      { params: OwnParams, headers: IdempotencyKey, ...REPLAY },
    );
}

/** A partition's subject, or the one that sensors publish to. */
const SENSOR_SUBJECT = /^(?:reports\.\d+\.\d+\.(?<mapped>[^.]+)|sensors\.(?<sensor>[^.]+)\.status)$/;

/** Whose report it was to be. Throws `conflict` when that cannot be told, or when it can never be one. */
function sensorOf({ id, subject, payload }: DeadLetterRecord): string {
  const { mapped, sensor } = SENSOR_SUBJECT.exec(subject)?.groups ?? {};
  const sensorId = mapped ?? sensor ?? "";
  if (!isSensorId(sensorId)) throw new Fault("conflict", `Dead letter ${id} cannot be replayed: its subject, ${subject}, names no sensor.`);
  if (payload.length > REPORT_BYTES_MAX) throw new Fault("conflict", `Dead letter ${id} cannot be replayed: it is too large for a report.`);
  return sensorId;
}

function deadLetterView({ id, subject, stream, sequence, receivedAt, reason, payload }: DeadLetterRecord): Static<typeof DeadLetter> {
  return { id, subject, stream, sequence, receivedAt: timeOf(receivedAt), reason, payloadBase64: Buffer.from(payload).toString("base64") };
}

const LIST = operation({
  id: "listDeadLetters",
  tag: "Dead letters",
  summary: "List dead letters, newest first",
  description: `A page may end before its limit where payloads are large, or hold less where sensors were deleted with their history. ${NOT_LIMITED}`,
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(DeadLetter) } },
});
const GET = operation({
  id: "getDeadLetter",
  tag: "Dead letters",
  summary: "One dead letter with its bytes",
  description: NOT_LIMITED,
  scope: "sensors:read",
  answers: { 200: { description: "The dead letter.", schema: DeadLetter } },
  problems: [404],
});
const REPLAY = operation({
  id: "replayDeadLetter",
  tag: "Dead letters",
  summary: "Publish its payload again, once the cause is fixed",
  description: NOT_LIMITED,
  scope: "reports:write",
  answers: { 202: RECEIPT },
  problems: [404, 409],
});
