import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { DISPOSITIONS } from "../domain/decide";
import { Fault } from "../domain/fault";
import { REPORT_BYTES_MAX, REPORT_ID_CHARS_MAX } from "../domain/report";
import { SEVERITIES } from "../domain/severity";
import type { PublishAck, ReportPublisher } from "../jetstream/ports";
import type { HistoryStore, ReportRecord } from "../store/store";
import { type Calls, reachOf } from "./calls";
import { demandKnown, type KnownSensors } from "./knownSensors";
import {
  nullable,
  oneOf,
  Order,
  PageFields,
  pageOf,
  pageSchema,
  pageView,
  RangeFields,
  rangeOf,
  SensorParams,
  Time,
  timeOf,
  TimeOrNull,
  timeOrNull,
} from "./fields";
import { NAMES_BODY, operation } from "./document/operation";
import { Refusal } from "./problems";
import { reportable } from "./bulk/reportable";
import { named, payloadOf, Report } from "./bulk/reportIntake";

/** So many may wait for the broker's acknowledgement at once; more are told to come again. */
const PUBLISHING_MAX = 10_000;

const Receipt = Type.Object(
  {
    stream: Type.String(),
    sequence: Type.Integer(),
    duplicate: Type.Boolean({ description: "The broker had already stored this message." }),
  },
  { $id: "Receipt", examples: [{ stream: "REPORTS_1_0", sequence: 42, duplicate: false }] },
);
export const RECEIPT = { description: "The broker has stored it.", schema: Receipt };

const ReportView = Type.Object(
  {
    stream: Type.String(),
    sequence: Type.Integer(),
    id: nullable(Type.String()),
    status: Type.String(),
    severity: nullable(oneOf(SEVERITIES)),
    value: nullable(Type.Number()),
    message: nullable(Type.String()),
    at: TimeOrNull,
    receivedAt: Time,
    recordedAt: Time,
    disposition: oneOf(DISPOSITIONS, { description: "What effect it had." }),
    changeId: nullable(Type.String()),
  },
  { $id: "Report" },
);

/** A report has a name of its own, by which it takes effect once: the key is one, and no answer is kept under it. */
const ReportKey = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: REPORT_ID_CHARS_MAX,
      pattern: "^[\\x20-\\x7e]*$",
      description: "The report's `id`, where the body gives none.",
      examples: ["m-1"],
      [NAMES_BODY]: true,
    }),
  ),
});

const ReportsQuery = Type.Object({ ...RangeFields, order: Type.Optional(Order), ...PageFields }, { additionalProperties: false });

export interface ReportsOptions {
  readonly calls: Calls;
  readonly store: Pick<HistoryStore, "listReports"> & KnownSensors;
  readonly publisher: ReportPublisher;
  readonly registration: "open" | "closed";
}

export function reports({ calls, store, publisher, registration }: ReportsOptions) {
  const ask = reportable({ store, registration });
  let publishing = 0;

  async function publish(sensorId: string, payload: Uint8Array): Promise<PublishAck> {
    if (publishing >= PUBLISHING_MAX)
      throw new Refusal(429, `${PUBLISHING_MAX} reports are already waiting for the broker; try again in a moment.`);
    publishing += 1;
    try {
      return await publisher.publish(sensorId, payload);
    } finally {
      publishing -= 1;
    }
  }

  return new Elysia({ name: "reports" })
    .post(
      "/v1/sensors/:id/reports",
      async ({ params: { id }, body, headers, request, set }) => {
        const payload = payloadOf(named(body, headers["idempotency-key"]));
        const mayReport = await ask([id], reachOf(calls, request));
        if (!mayReport(id)) throw new Fault("notFound", `There is no sensor ${id}.`);
        const { stream, sequence, duplicate } = await publish(id, payload);
        set.status = 202;
        return { stream, sequence, duplicate };
      },
      { params: SensorParams, headers: ReportKey, body: Report, ...POST },
    )
    .get(
      "/v1/sensors/:id/reports",
      async ({ params: { id }, query, request }) => {
        await demandKnown(store, id, reachOf(calls, request));
        const page = await store.listReports(id, { range: rangeOf(query), order: query.order ?? "desc" }, pageOf(query));
        return pageView(page, reportView);
      },
      { params: SensorParams, query: ReportsQuery, ...LIST },
    );
}

function reportView({ stream, sequence, report, receivedAt, recordedAt, disposition, changeId }: ReportRecord): Static<typeof ReportView> {
  const { id, status, severity, value, message, at } = report;
  const times = { at: timeOrNull(at), receivedAt: timeOf(receivedAt), recordedAt: timeOf(recordedAt) };
  return { stream, sequence, id, status, severity, value, message, ...times, disposition, changeId };
}

const POST = operation({
  id: "postReport",
  tag: "Reports",
  summary: "Report a status",
  description: "The answer comes once the broker has stored it. A report with the same `id` within two days has no effect.",
  scope: "reports:write",
  takesBody: true,
  bodyBytesMax: REPORT_BYTES_MAX,
  answers: { 202: RECEIPT },
  problems: [404, 429],
});
const LIST = operation({
  id: "listReports",
  tag: "Reports",
  summary: "A sensor's reports, newest first",
  description: "Readable after the sensor was deleted, too. A page may end before its limit where attributes are large.",
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(ReportView) } },
  problems: [404],
});
