import type { Change } from "./change";
import { reaches } from "./severity";
import type { Filter } from "./webhook";

/** The clause that left a change out, or null when all of them hold: "why was I not notified" has an answer. */
export function refusingClause(filter: Filter, change: Change): keyof Filter | null {
  if (filter.initial !== true && isQuietStart(change)) return "initial";
  if (filter.kinds !== undefined && !filter.kinds.some((kind) => moved(change, kind))) return "kinds";
  if (filter.to !== undefined && !(change.to.status !== null && filter.to.includes(change.to.status))) return "to";
  if (filter.minSeverity !== undefined) {
    const { from, to } = change;
    if (!reaches(from.severity, filter.minSeverity) && !reaches(to.severity, filter.minSeverity)) return "minSeverity";
  }
  if (filter.sensorIds !== undefined && !filter.sensorIds.includes(change.sensorId)) return "sensorIds";
  if (filter.labels !== undefined) {
    const labels = change.sensor.labels;
    for (const key in filter.labels) if (labels[key] !== filter.labels[key]) return "labels";
  }
  return null;
}

/** A sensor that starts out `ok` is no news. */
function isQuietStart({ from, to }: Change): boolean {
  return from.availability === "pending" && to.severity === "ok";
}

/** One change can move both: back online with another status. */
function moved({ from, to }: Change, kind: "status" | "availability"): boolean {
  if (kind === "availability") return from.availability !== to.availability;
  return from.status !== to.status || from.severity !== to.severity;
}
