import type { ChangeData } from "../../src/domain/change";
import type { Filter } from "../../src/domain/webhook";

const RANKS: Readonly<Record<string, number>> = { ok: 1, warning: 2, critical: 3 };

/** Whether a webhook with this filter wants a change, in the words of the public contract. */
export function matches(filter: Filter, { sensorId, sensor, from, to }: ChangeData): boolean {
  const statusMoved = from.status !== to.status || from.severity !== to.severity;
  const availabilityMoved = from.availability !== to.availability;
  const reaching = (severity: string | null, floor: string) =>
    severity === "unknown" || (severity !== null && (RANKS[severity] ?? 0) >= (RANKS[floor] ?? Infinity));
  const { kinds, to: statuses, minSeverity, sensorIds, labels } = filter;
  const holds = [
    filter.initial === true || from.availability !== "pending" || to.severity !== "ok",
    kinds === undefined || (statusMoved && kinds.includes("status")) || (availabilityMoved && kinds.includes("availability")),
    statuses === undefined || (to.status !== null && statuses.includes(to.status)),
    minSeverity === undefined || reaching(from.severity, minSeverity) || reaching(to.severity, minSeverity),
    sensorIds === undefined || sensorIds.includes(sensorId),
    labels === undefined || Object.entries(labels).every(([key, value]) => sensor.labels[key] === value),
  ];
  return holds.every(Boolean);
}
