import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { overflowIn, TOO_LARGE } from "./overflow";
import { SEVERITIES, type Severity } from "./severity";
import { NOT_A_TIME, parseTime, TIME_PATTERN } from "./time";

export const STATUS_PATTERN = "^[a-z0-9][a-z0-9_.-]{0,63}$";
const STATUS = new RegExp(STATUS_PATTERN);
export const REPORT_BYTES_MAX = 64 * 1024;
/** Numbers can grow when they are written again (1e20), so what is kept of `attributes` has a limit of its own. */
export const ATTRIBUTES_BYTES_MAX = 64 * 1024;
/** Levels of objects and lists, `attributes` itself included: what is deeper, many a reader of a change could not parse. */
export const ATTRIBUTES_DEPTH_MAX = 100;
export const REPORT_ID_CHARS_MAX = 128;
export const MESSAGE_CHARS_MAX = 4096;
/** How long a report's id is remembered; the same id later is a new report. */
export const REPORT_ID_MEMORY_MS = 2 * 24 * 3600 * 1000;

/** A text column of Postgres cannot hold U+0000. */
const NO_NUL = "^[^\\u0000]*$";

/** A report as it arrives, on every road. HTTP refuses other fields; NATS and MQTT ignore and count them. */
export const ReportBody = Type.Object(
  {
    status: Type.String({ pattern: STATUS_PATTERN, description: "A short code of your own, for example `ok` or `door.open`." }),
    severity: Type.Optional(
      Type.Union(
        SEVERITIES.map((severity) => Type.Literal(severity)),
        {
          description: "Left out, the status catalogue decides; a status that it does not know is `unknown`.",
        },
      ),
    ),
    value: Type.Optional(Type.Number({ description: "The reading behind the status." })),
    message: Type.Optional(Type.String({ maxLength: MESSAGE_CHARS_MAX, pattern: NO_NUL })),
    at: Type.Optional(Type.String({ pattern: TIME_PATTERN, description: "The sensor's own time, RFC 3339." })),
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: REPORT_ID_CHARS_MAX,
        pattern: NO_NUL,
        description: "Names this report; sent again within two days it takes no effect.",
      }),
    ),
    attributes: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "Anything else; kept, and handed on with the change." }),
    ),
  },
  { additionalProperties: true },
);
export type ReportBody = Static<typeof ReportBody>;
const REPORT_FIELDS = new Set(Object.keys(ReportBody.properties));
const checker = TypeCompiler.Compile(ReportBody);

/** What a sensor said once. `at` is the sensor's word in epoch milliseconds. */
export interface Report {
  readonly status: string;
  readonly severity: Severity | null;
  readonly value: number | null;
  readonly message: string | null;
  readonly at: number | null;
  readonly id: string | null;
  readonly attributes: Readonly<Record<string, unknown>> | null;
}

export type ParsedReport =
  | { readonly ok: true; readonly report: Report; readonly unknownFields: number }
  /** `pointer`: what in it is wrong, with which the reason begins; null for all of it. */
  | { readonly ok: false; readonly reason: string; readonly pointer: string | null };

// A byte order mark is kept, and so refused: it is neither `{` nor the beginning of a code.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const OPENING_BRACE = 0x7b;

/** Reads a message's payload: a JSON report when its first byte is `{`, else a bare status code. Never throws. */
export function parseReport(payload: Uint8Array): ParsedReport {
  if (payload.length > REPORT_BYTES_MAX) {
    return refused(`a report is at most ${REPORT_BYTES_MAX} bytes, this one has ${payload.length}`);
  }
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch {
    return refused("the payload is not UTF-8");
  }
  if (payload[0] !== OPENING_BRACE) return parseCode(text);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refused("the payload starts with { but is not JSON");
  }
  return checkReport(body, payload.length);
}

function parseCode(text: string): ParsedReport {
  if (!STATUS.test(text)) {
    return refused(`the payload is neither a JSON report nor a status code (${STATUS_PATTERN})`);
  }
  const report = { status: text, severity: null, value: null, message: null, at: null, id: null, attributes: null };
  return { ok: true, report, unknownFields: 0 };
}

/** Checks a parsed JSON value against {@link ReportBody}. `bytes` is the size that it was sent with. */
export function checkReport(body: unknown, bytes: number): ParsedReport {
  if (!checker.Check(body)) return firstError(body);
  const at = body.at === undefined ? null : parseTime(body.at);
  if (Number.isNaN(at)) return refusedAt("/at", NOT_A_TIME);
  if (body.message?.isWellFormed() === false) return refusedAt("/message", NOT_WELL_FORMED);
  if (body.id?.isWellFormed() === false) return refusedAt("/id", NOT_WELL_FORMED);
  // Before anything writes them out: that recurses, too.
  const fault = body.attributes === undefined ? null : faultIn(body.attributes, 1);
  if (fault !== null) return refusedAt(`/attributes${fault === TOO_LARGE ? (overflowIn(body.attributes) ?? "") : ""}`, fault);
  if (body.attributes !== undefined && bytes > 4096) {
    const kept = Buffer.byteLength(JSON.stringify(body.attributes));
    if (kept > ATTRIBUTES_BYTES_MAX)
      return refusedAt("/attributes", `takes ${kept} bytes written out, at most ${ATTRIBUTES_BYTES_MAX} are kept`);
  }
  let unknownFields = 0;
  for (const field in body) if (!REPORT_FIELDS.has(field)) unknownFields += 1;
  return {
    ok: true,
    unknownFields,
    report: {
      status: body.status,
      severity: body.severity ?? null,
      value: body.value ?? null,
      message: body.message ?? null,
      at,
      id: body.id ?? null,
      attributes: body.attributes ?? null,
    },
  };
}

const NOT_WELL_FORMED = "holds half of a surrogate pair, which is no text";

/** What nobody could read again of a value within `attributes`; null for nothing. `level` is the one that it stands on. */
function faultIn(value: unknown, level: number): string | null {
  if (typeof value === "string") return value.isWellFormed() ? null : NOT_WELL_FORMED;
  if (typeof value === "number") return Number.isFinite(value) ? null : TOO_LARGE;
  if (typeof value !== "object" || value === null) return null;
  if (level > ATTRIBUTES_DEPTH_MAX) return `are nested deeper than ${ATTRIBUTES_DEPTH_MAX} levels`;
  for (const [key, inside] of Object.entries(value)) {
    const fault = faultIn(key, level) ?? faultIn(inside, level + 1);
    if (fault !== null) return fault;
  }
  return null;
}

function firstError(body: unknown): ParsedReport {
  const error = checker.Errors(body).First();
  if (error === undefined) return refused("not a report");
  const message = error.schema["pattern"] === TIME_PATTERN ? NOT_A_TIME : error.message;
  return refusedAt(error.path || "/", isOverflow(error.value) ? TOO_LARGE : message);
}

function isOverflow(value: unknown): boolean {
  return value === Infinity || value === -Infinity;
}

function refusedAt(pointer: string, message: string): ParsedReport {
  return { ok: false, reason: `${pointer}: ${message}`, pointer };
}

function refused(reason: string): ParsedReport {
  return { ok: false, reason, pointer: null };
}
