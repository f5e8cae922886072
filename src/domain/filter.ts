import type { Change } from "./change";
import type { Labels } from "./sensor";
import { reaches, severityStep } from "./severity";
import type { Direction, Filter, LabelSelectors } from "./webhook";

/** What a filter asks of a change: `data` as it is kept has it, too. */
export type FilteredChange = Pick<Change, "sensorId" | "sensor" | "from" | "to">;

/** The clause that left a change out, or null when all of them hold: "why was I not notified" has an answer. */
export function refusingClause(filter: Filter, change: FilteredChange): keyof Filter | null {
  const { from, to } = change;
  if (filter.initial !== true && isQuietStart(change)) return "initial";
  if (filter.kinds !== undefined && !filter.kinds.some((kind) => moved(change, kind))) return "kinds";
  if (filter.from !== undefined && !isListed(filter.from, from.status)) return "from";
  if (filter.to !== undefined && !isListed(filter.to, to.status)) return "to";
  if (filter.minSeverity !== undefined) {
    if (!reaches(from.severity, filter.minSeverity) && !reaches(to.severity, filter.minSeverity)) return "minSeverity";
  }
  if (filter.direction !== undefined && !wentThatWay(change, filter.direction)) return "direction";
  if (filter.sensorIds !== undefined && !filter.sensorIds.includes(change.sensorId)) return "sensorIds";
  if (filter.labels !== undefined && !areSelected(change.sensor.labels, filter.labels)) return "labels";
  return null;
}

/** A sensor that starts out `ok` is no news. */
function isQuietStart({ from, to }: FilteredChange): boolean {
  return from.availability === "pending" && to.severity === "ok";
}

/** One change can move both: back online with another status. */
function moved({ from, to }: FilteredChange, kind: "status" | "availability"): boolean {
  if (kind === "availability") return from.availability !== to.availability;
  return from.status !== to.status || from.severity !== to.severity;
}

function isListed(statuses: readonly string[], status: string | null): boolean {
  return status !== null && statuses.includes(status);
}

function wentThatWay({ from, to }: FilteredChange, direction: Direction): boolean {
  const step = severityStep(from.severity, to.severity);
  return Number.isNaN(step) || (direction === "raised" ? step > 0 : step < 0);
}

function areSelected(labels: Labels, selectors: LabelSelectors): boolean {
  for (const key in selectors) {
    const wanted = selectors[key];
    // A name that every object has is no label.
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (wanted === null ? value !== undefined : !isOneOf(wanted, value)) return false;
  }
  return true;
}

function isOneOf(wanted: string | readonly string[] | undefined, value: string | undefined): boolean {
  return typeof wanted === "object" ? value !== undefined && wanted.includes(value) : value === wanted;
}
