/** The document's examples tell one story, of one boiler. What is not told here is put together from the schemas. */
import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

type Json = Record<string, unknown>;

const AT = "2026-11-23T10:00:00.000Z";
const WEBHOOK_ID = "wh_019ab0c8e2c07d3f8a51c6d0e94b7f12";
const TOKEN_ID = "tok_019ab0c1a7be7c44b5f08e3d9a6c1f20";
const KEY_ID = "key_4f1d2a90b7c3e865";
const INCIDENT_ID = "inc_019ab0e07c1a7b55";
const PUBLIC_KEY = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const SECRET = "whsec_bWFkZSB1cCBmb3IgdGhlIGRvY3VtZW50YXRpb24sMzI=";

/** Fields and parameters, by their names. */
const FIELDS: Readonly<Record<string, unknown>> = {
  actor: TOKEN_ID,
  attributes: { pressureBar: 2.1 },
  changeId: "chg_0_42",
  cursor: "WyJib2lsZXItNyJd",
  description: "",
  durationMs: 38,
  error: null,
  eventId: null,
  failingSince: null,
  heldUntil: null,
  id: "boiler-7",
  keyId: KEY_ID,
  label: "site:north",
  labels: { site: "north" },
  limit: 100,
  message: null,
  metadata: { floor: 2 },
  name: "Boiler 7",
  operation: "patchSensor",
  nextCursor: null,
  order: "asc",
  previousDurationMs: 3_600_000,
  publicKey: PUBLIC_KEY,
  q: "boiler",
  reason: null,
  response: "",
  retrySchedule: null,
  secret: SECRET,
  sensorId: "boiler-7",
  sequence: 42,
  severity: "critical",
  since: AT,
  stateReason: null,
  status: "overheated",
  target: "boiler-7",
  statusCode: 204,
  stream: "REPORTS_1_0",
  until: "2026-11-24T10:00:00.000Z",
  url: "https://example.com/hooks/tocsin",
  value: 97.5,
  webhookId: WEBHOOK_ID,
};

/** What parameters are for, by their names, where their schema says nothing of it. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  availability: "What the sensor's availability is now.",
  changeId: "The change's id, as changes and deliveries show it.",
  limit: "How many items a page has at most.",
  order: "By time: oldest first (`asc`) or newest first (`desc`); the default is in the summary.",
  sensorId: "A sensor's id.",
  severity: "What the sensor's severity is now.",
  status: "What the sensor's status is now.",
  webhookId: "A webhook's id.",
};

/** What each noun of a path is called by, where the service gave it its id. */
export const PATH_IDS: Readonly<Record<string, string>> = {
  "dead-letters": "dl_REPORTS_1_0_41_mi6b5c00",
  deliveries: `${WEBHOOK_ID}_0_42`,
  incidents: INCIDENT_ID,
  keys: KEY_ID,
  replays: "rpl_019ab0d1f4a273c69d0e5b7a8c2f4e61",
  tokens: TOKEN_ID,
  "webhook-keys": WEBHOOK_ID,
  webhooks: WEBHOOK_ID,
};

const KEY = { id: KEY_ID, kind: "v1", createdAt: AT, expiresAt: null };
const RUNNING = { status: "overheated", severity: "critical", availability: "online" };
const WEBHOOK = {
  id: WEBHOOK_ID,
  filter: { minSeverity: "warning", labels: { site: "north" } },
  description: "The control room",
  concurrency: 4,
  ratePerSecond: null,
  minIntervalSeconds: 0,
  batch: null,
  timeoutSeconds: 15,
  events: ["change"],
  keys: [KEY],
  headerNames: [],
  auth: null,
  clientCertificate: null,
  credentialsError: null,
};
const TOKEN = {
  id: PATH_IDS["tokens"],
  name: "gateway-7",
  scopes: ["reports:write"],
  sensorId: null,
  labels: { site: "north" },
  expiresAt: null,
};
const READY = [
  { name: "nats", up: true, reason: null, needed: true },
  { name: "store", up: true, reason: null, needed: true },
];

const CHANGE = {
  changeId: "chg_0_42",
  sensorId: "boiler-7",
  sensor: { name: "Boiler 7", labels: { site: "north" } },
  revision: 7,
  kind: "status",
  from: { status: "ok", severity: "ok", availability: "online" },
  to: RUNNING,
  cause: "report",
  occurredAt: AT,
  detectedAt: AT,
  previousDurationMs: 3_600_000,
  report: { value: 97.5, message: null, attributes: null },
};

const COUNTS = { accepted: 1, refused: 1, stopped: null };
const REFUSED = { index: 1, status: 422, errors: [{ pointer: "/id", message: "is missing" }], detail: "The item is not valid." };
const REQUEST_ID = "0a6c1e9e-1f0e-4f3e-9a44-0f6d3f1a2b3c";

/** Models by their names, as far as their fields' own examples would not do. */
const MODELS: Readonly<Record<string, Json>> = {
  AuditEntry: {
    id: "aud_17",
    actor: { kind: "token", id: PATH_IDS["tokens"], name: "gateway-7" },
    operation: "patchSensor",
    target: "boiler-7",
    requestId: REQUEST_ID,
    address: "192.0.2.7",
    status: 200,
    detail: { fields: ["labels"], body: { labels: { site: "south" } } },
  },
  BulkSummary: COUNTS,
  Change: CHANGE,
  DeadLetter: {
    id: PATH_IDS["dead-letters"],
    subject: "reports.1.0.boiler-7",
    sequence: 41,
    reason: "the payload starts with { but is not JSON",
    payloadBase64: "e3N0YXR1czogb2t9",
  },
  Delivery: { id: PATH_IDS["deliveries"], revision: 7, state: "delivered", nextAttemptAt: null },
  Explanation: { because: "matched", version: 1 },
  Incident: { id: INCIDENT_ID, kind: "stream.recreated", partition: 0, detail: { stream: "REPORTS_1_0" } },
  NewToken: { ...TOKEN, token: "tcs_made-up-for-the-documentation-0123456789abc" },
  NewWebhook: { ...WEBHOOK, secret: SECRET },
  NotReady: {
    type: "urn:tocsin:problem:unavailable",
    title: "Temporarily unavailable",
    status: 503,
    detail: "nats: not connected to NATS",
    errors: [],
    requestId: REQUEST_ID,
    dependencies: [{ name: "nats", up: false, reason: "not connected to NATS", needed: true }, READY[1]],
  },
  PublicKeys: {
    keys: [
      {
        kty: "OKP",
        crv: "Ed25519",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        kid: KEY_ID,
        use: "sig",
        alg: "EdDSA",
        whpk: PUBLIC_KEY,
      },
    ],
  },
  Ready: { dependencies: READY },
  Replay: { id: PATH_IDS["replays"], until: "2026-11-23T12:00:00.000Z", state: "running", replayed: 120 },
  RefusedItem: REFUSED,
  Report: { id: "m-1", disposition: "applied" },
  ReportResults: { ...COUNTS, items: [{ index: 0, status: 202, stream: "REPORTS_1_0", sequence: 42, duplicate: false }, REFUSED] },
  Rotated: { keys: [KEY], secret: SECRET },
  Sensor: {
    heartbeat: { intervalSeconds: 30, graceSeconds: 10 },
    state: { ...RUNNING, since: AT, lastReportedAt: AT, lastReceivedAt: AT, revision: 7 },
  },
  SensorResults: { ...COUNTS, items: [{ index: 0, status: 201, outcome: "created", version: 1 }, REFUSED] },
  Token: TOKEN,
  Webhook: WEBHOOK,
};

/** Answers that are text, by operations and content types. */
export const TEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  exportChanges: {
    "text/csv": csv(
      "changeId,sensorId,sensorName,sensorLabels,revision,kind,fromStatus,fromSeverity,fromAvailability,toStatus,toSeverity,toAvailability,cause,occurredAt,detectedAt,previousDurationMs,value,message,attributes",
      `chg_0_42,boiler-7,Boiler 7,"{""site"":""north""}",7,status,ok,ok,online,overheated,critical,online,report,${AT},${AT},3600000,97.5,,`,
    ),
  },
  exportSensors: {
    "text/csv": csv(
      "id,name,labels,metadata,heartbeatIntervalSeconds,heartbeatGraceSeconds,status,severity,availability,since,lastReportedAt,lastReceivedAt,revision,createdAt,updatedAt,version",
      `boiler-7,Boiler 7,"{""site"":""north""}","{""floor"":2}",30,10,overheated,critical,online,${AT},${AT},${AT},7,${AT},${AT},1`,
    ),
  },
  metrics: {
    "text/plain":
      '# HELP tocsin_changes_total Changes recorded.\n# TYPE tocsin_changes_total counter\ntocsin_changes_total{kind="status"} 42\n',
  },
  watchChanges: {
    "text/event-stream": `retry: 1000\nid: c1Kg\n\nid: c1Kw\nevent: change\ndata: ${JSON.stringify(CHANGE)}\n\n`,
  },
};

function csv(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

/** A value that `schema` allows, such as the service would give. `name` is the field's or parameter's. */
export function exampleOf(schema: TSchema, name = ""): unknown {
  const model = schema.$id === undefined ? undefined : MODELS[schema.$id];
  if (model !== undefined) return { ...objectOf(schema), ...model };
  const [given] = (schema["examples"] ?? []) as unknown[];
  if (given !== undefined) return given;
  if (schema["const"] !== undefined) return schema["const"] as unknown;
  if (name in FIELDS && Value.Check(schema, FIELDS[name])) return FIELDS[name];
  if (schema["default"] !== undefined) return schema["default"] as unknown;
  const branches = (schema["anyOf"] ?? []) as TSchema[];
  const [branch] = branches;
  return branch === undefined ? byType(schema, name) : exampleOf(branch, name);
}

function byType(schema: TSchema, name: string): unknown {
  switch (schema["type"] as unknown) {
    case "array":
      return [exampleOf(schema["items"] as TSchema, name)];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return (schema["minimum"] as number | undefined) ?? 1;
    case "null":
      return null;
    case "object":
      return objectOf(schema);
    default:
      return schema["format"] === "date-time" ? AT : "text";
  }
}

/** With the fields that are always there. */
function objectOf(schema: TSchema): Json {
  const properties = (schema["properties"] ?? {}) as Record<string, TSchema>;
  const required = (schema["required"] ?? []) as string[];
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] as TSchema, name)]));
}
