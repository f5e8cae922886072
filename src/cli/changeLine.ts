import type { ChangeData } from "../domain/change";
import type { Severity } from "../domain/severity";
import type { Condition } from "../domain/state";
import { type Hue, type Paint, PLAIN } from "./colour";

const HUES: Record<Severity, Hue> = { ok: "green", warning: "yellow", critical: "red", unknown: "cyan" };
const SENSOR_COLUMN = 24;

/**
 * A change in one line: when it occurred, the sensor, from → to, the cause, and what the report said.
 * `2026-11-23T10:00:00.000Z  boiler-7  ok → overheated (critical)  report  value 97.5`
 */
export function changeLine(change: ChangeData, paint: Paint = PLAIN): string {
  const { occurredAt, sensorId, cause, revision, report } = change;
  return [
    paint("dim", occurredAt),
    paint("bold", sensorId.padEnd(SENSOR_COLUMN)),
    movement(change, paint),
    paint("dim", `${cause} #${revision}`),
    ...(report?.value == null ? [] : [`value ${report.value}`]),
    ...(report?.message == null ? [] : [printable(report.message)]),
  ].join("  ");
}

/** Whatever moved; both when both did. */
function movement({ from, to }: ChangeData, paint: Paint): string {
  const status = from.status !== to.status || from.severity !== to.severity;
  const availability = from.availability !== to.availability && from.availability !== "pending";
  const parts = [];
  if (status) parts.push(`${statusText(from, paint)} → ${statusText(to, paint)}`);
  if (availability) parts.push(`${from.availability} → ${paint(to.availability === "offline" ? "red" : "green", to.availability)}`);
  if (parts.length === 0) parts.push(`${from.availability} → ${to.availability}`);
  return parts.join(", ");
}

function statusText({ status, severity }: Condition, paint: Paint): string {
  if (status === null) return "(new)";
  if (severity === null) return status;
  return paint(HUES[severity], severity === status ? status : `${status} (${severity})`);
}

/** A sensor's own words must not steer the terminal: control characters (C0, DEL, C1) are shown as what they are. */
export function printable(text: string): string {
  const escaped = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${escaped}"`;
}
