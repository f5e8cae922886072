import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ReportPublisher } from "../../jetstream/ports";
import type { Store } from "../../store/store";
import { BULK_BYTES_MAX, BULK_ITEMS_MAX, BulkDesk } from "./bulk";
import { bulkAnswers, NDJSON_TYPE } from "./bulkAnswer";
import { bulkReports, type OpenReportIntake } from "./bulkReports";
import { bulkSensors, SENSOR_ITEM_BYTES_MAX } from "./bulkSensors";
import { type Calls, leftAsItWas, reachOf } from "../calls";
import type { AnswerFailure } from "../failures";
import { waitForBacklog } from "./backlog";
import type { ItemResults } from "./itemResults";
import { oneOf } from "../fields";
import { NAMES_BODY, operation } from "../document/operation";
import { wantsMinimal } from "../prefer";
import { REPORT_ITEM_BYTES_MAX, ReportItem } from "./reportIntake";
import { placeHolder } from "../places";
import { SensorCreation } from "../sensorModel";
import type { StreamedBody } from "../gate/streamedBody";

export interface BulksOptions {
  readonly calls: Calls;
  readonly store: Pick<Store, "loadSensors" | "upsertSensors">;
  readonly publisher: ReportPublisher;
  readonly registration: "open" | "closed";
  readonly partitions: number;
  readonly answerFailure: AnswerFailure;
  /** Takes reports in elsewhere; left out, it is done here. */
  readonly openReports?: OpenReportIntake | undefined;
  readonly backlog?: (() => number) | undefined;
}

/** Many reports, or many sensors, in one request. */
export function bulks({ calls, answerFailure, ...options }: BulksOptions) {
  const desk = new BulkDesk();
  const openReports = options.openReports ?? bulkReports(options);
  const openSensors = bulkSensors(options);
  const caughtUp = waitForBacklog(options.backlog ?? (() => 0));
  /** What the gate found out about a request, and what its items need of it. */
  const arrived = (request: Request) => {
    const call = calls.get(request);
    return {
      holder: placeHolder(call ?? { caller: null, address: "" }),
      body: call?.body as StreamedBody,
      minimal: wantsMinimal(request.headers.get("prefer")),
      reach: reachOf(calls, request),
      stillLetIn: async () => call?.stillLetIn() ?? true,
      charge: async (hundreds: number) => call?.charge(hundreds),
      failed: (error: unknown) => void answerFailure(error, call?.requestId ?? ""),
    };
  };

  return new Elysia({ name: "bulks" })
    .post(
      "/v1/reports",
      ({ request, headers }) => {
        const { reach, failed, charge, ...asked } = arrived(request);
        const key = headers["idempotency-key"];
        const intake = (results: ItemResults) => openReports(results, { reach, key, failed });
        const chargeInTurn = async (hundreds: number) => {
          await charge(hundreds);
          await caughtUp();
        };
        return desk.serve({ ...asked, charge: chargeInTurn, intake, itemBytesMax: REPORT_ITEM_BYTES_MAX, status: 202 });
      },
      { headers: ReportsHeaders, ...POST_REPORTS },
    )
    .put(
      "/v1/sensors",
      async ({ request }) => {
        const { reach, failed, ...asked } = arrived(request);
        let unchanged = true;
        const edited = () => {
          unchanged = false;
        };
        const intake = (results: ItemResults) => openSensors(results, { reach, failed, edited });
        const answer = await desk.serve({ ...asked, intake, itemBytesMax: SENSOR_ITEM_BYTES_MAX, status: 200 });
        leftAsItWas(calls, request, unchanged);
        return answer;
      },
      { headers: Preference, ...PUT_SENSORS },
    );
}

const Preference = Type.Object({
  prefer: Type.Optional(
    Type.String({ description: "`return=minimal`: the answer lists only the refused items.", examples: ["return=minimal"] }),
  ),
});

/** With an index behind it, it has room in the id of a report. */
const BULK_KEY_CHARS_MAX = 120;
const ReportsHeaders = Type.Object({
  ...Preference.properties,
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: BULK_KEY_CHARS_MAX,
      pattern: "^[\\x20-\\x7e]*$",
      description: "With `:` and an item's index, the `id` of each report that gives none: sent again, none of them takes effect twice.",
      examples: ["batch-7"],
      [NAMES_BODY]: true,
    }),
  ),
});

const HOW = `A JSON array, or one item per line as \`${NDJSON_TYPE}\`, which is answered in the same form: one result per line, and the counts last. At most
${BULK_ITEMS_MAX} items. Each is accepted or refused by itself; with \`Prefer: return=minimal\` the answer lists only the refused ones.`;

const ReportResult = Type.Object(
  {
    index: Type.Integer(),
    status: Type.Literal(202),
    stream: Type.String(),
    sequence: Type.Integer(),
    duplicate: Type.Boolean(),
  },
  { $id: "AcceptedReport", examples: [{ index: 0, status: 202, stream: "REPORTS_1_0", sequence: 42, duplicate: false }] },
);
const reportAnswers = bulkAnswers(ReportResult, "ReportResults");
const ReportItems = Type.Array(ReportItem, { $id: "ReportItems", maxItems: BULK_ITEMS_MAX, examples: [ReportItem.examples] });

const POST_REPORTS = operation({
  id: "postReports",
  tag: "Reports",
  summary: "Report many statuses",
  description: `${HOW} An item is accepted once the broker has stored it.`,
  scope: "reports:write",
  streams: { "application/json": ReportItems, [NDJSON_TYPE]: ReportItem, "application/jsonl": ReportItem },
  bodyBytesMax: BULK_BYTES_MAX,
  answers: {
    202: { description: "The result of each item.", schema: reportAnswers.json, also: { [NDJSON_TYPE]: reportAnswers.lines } },
  },
  problems: [429],
});

const SensorResult = Type.Object(
  {
    index: Type.Integer(),
    status: Type.Union([Type.Literal(200), Type.Literal(201)]),
    outcome: oneOf(["created", "replaced", "unchanged"], {
      description: "`unchanged`: the sensor already was as requested, and keeps its version.",
    }),
    version: Type.Integer(),
  },
  { $id: "PutSensor", examples: [{ index: 0, status: 201, outcome: "created", version: 1 }] },
);
const sensorAnswers = bulkAnswers(SensorResult, "SensorResults");
const SensorItems = Type.Array(SensorCreation, { $id: "SensorItems", maxItems: BULK_ITEMS_MAX, examples: [SensorCreation.examples] });

const PUT_SENSORS = operation({
  id: "putSensors",
  tag: "Sensors",
  summary: "Register or replace many sensors",
  description: `${HOW} A field that an item leaves out is reset; sensors that the request does not name stay as they are.`,
  scope: "sensors:write",
  streams: { "application/json": SensorItems, [NDJSON_TYPE]: SensorCreation, "application/jsonl": SensorCreation },
  bodyBytesMax: BULK_BYTES_MAX,
  answers: {
    200: { description: "The result of each item.", schema: sensorAnswers.json, also: { [NDJSON_TYPE]: sensorAnswers.lines } },
  },
  problems: [429],
});
