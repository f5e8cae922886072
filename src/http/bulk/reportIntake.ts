/** What makes a report over HTTP one that is published: the same for a report alone and for one of many. */
import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { checkReport, REPORT_BYTES_MAX, ReportBody } from "../../domain/report";
import { isSensorId } from "../../domain/sensor";
import { isDeep, parseJson } from "../gate/body";
import type { Cut } from "./cutting";
import { fieldErrorsOf } from "../fieldErrors";
import { SensorId } from "../fields";
import { invalid, Refusal } from "../problems";

/** The first can be sent at any time, and again. The second takes effect once. */
const EXAMPLES = [
  { status: "overheated", severity: "critical", value: 97.5 },
  { status: "overheated", message: "above 95 °C", at: "2026-11-23T10:00:00.000Z", id: "m-1", attributes: { sample: 7 } },
];

/** Over HTTP a field that is not known is refused: whoever sends it hears of the misspelling. */
export const Report = Type.Object(ReportBody.properties, { $id: "ReportBody", additionalProperties: false, examples: EXAMPLES });
export type Report = Static<typeof Report>;

export const ReportItem = Type.Object(
  { sensorId: SensorId, ...ReportBody.properties },
  { $id: "ReportItem", additionalProperties: false, examples: EXAMPLES.map((example) => ({ sensorId: "boiler-7", ...example })) },
);
type ReportItem = Static<typeof ReportItem>;
const items = TypeCompiler.Compile(ReportItem);

/** The line of a report that is as long as one may be. */
export const REPORT_ITEM_BYTES_MAX = REPORT_BYTES_MAX + 256;
/** Written anew, a number may take up to six times as many bytes (1e20): what is shorter than this cannot grow beyond the limit. */
const GROWING_BYTES = REPORT_BYTES_MAX / 6;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is published: written anew, so that it begins with `{`. Throws a 422 or a 413. */
export function payloadOf(body: Report): Uint8Array {
  const payload = encoder.encode(JSON.stringify(body));
  if (payload.length > REPORT_BYTES_MAX) throw tooLong();
  const checked = checkReport(body, payload.length);
  if (checked.ok) return payload;
  const { reason, pointer } = checked;
  const message = pointer === null ? reason : reason.slice(`${pointer}: `.length);
  throw invalid("The report is not valid.", [{ pointer: pointer ?? "", message }]);
}

/** A report of a sensor, ready to be published. */
export interface Sendable {
  readonly sensorId: string;
  readonly payload: Uint8Array;
}

/** Throws {@link Refusal}. What it gives may lie in the bytes that it was given. `id`: the report's, where it gives none itself. */
export function sendableOf(item: Cut, id?: string): Sendable {
  if (item === null) throw tooLong();
  return (id === undefined ? quickly(item) : null) ?? thoroughly(item, id);
}

/** A report with an id: its own, else this one. */
export function named(report: Report, id: string | undefined): Report {
  return id === undefined || report.id !== undefined ? report : { ...report, id };
}

const HEAD = encoder.encode('{"sensorId":"');
const [QUOTE, COMMA, OPEN_OBJECT] = Buffer.from('",{') as unknown as number[];

/**
 * Most items begin with the sensor's id, and what follows it, between other braces, is the payload as it stands: nothing is written anew.
 * Null for any other item, and for any that is not valid.
 */
function quickly(item: Uint8Array): Sendable | null {
  if (item.length > GROWING_BYTES) return null;
  for (let index = 0; index < HEAD.length; index += 1) if (item[index] !== HEAD[index]) return null;
  const end = item.indexOf(QUOTE as number, HEAD.length);
  if (end === -1 || item[end + 1] !== COMMA || isDeep(item)) return null;
  try {
    const text = decoder.decode(item);
    const sensorId = text.slice(HEAD.length, end);
    const checked = checkReport(JSON.parse(`{${text.slice(end + 2)}`), item.length);
    if (!checked.ok || checked.unknownFields > 0 || !isSensorId(sensorId)) return null;
    const payload = item.subarray(end + 1);
    payload[0] = OPEN_OBJECT as number;
    return { sensorId, payload };
  } catch {
    return null;
  }
}

/** What the report would have taken without its sensor. */
function bytesAlone(item: Uint8Array, body: unknown): number {
  const { sensorId } = (body ?? {}) as Partial<Record<string, unknown>>;
  return item.length - (typeof sensorId === "string" ? `"sensorId":"${sensorId}",`.length : 0);
}

function tooLong(): Refusal {
  return new Refusal(413, `A report may have at most ${REPORT_BYTES_MAX} bytes, written out.`);
}

function thoroughly(item: Uint8Array, id: string | undefined): Sendable {
  const body = parseJson(item, "The item");
  if (bytesAlone(item, body) > REPORT_BYTES_MAX) throw tooLong();
  if (!items.Check(body)) throw invalid("The report is not valid.", fieldErrorsOf(items.Errors(body)));
  const { sensorId, ...report } = body as ReportItem;
  return { sensorId, payload: payloadOf(named(report, id)) };
}
