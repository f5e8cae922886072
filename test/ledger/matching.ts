import type { ChangeData } from "../../src/domain/change";
import type { Severity } from "../../src/domain/severity";
import type { Direction, Filter } from "../../src/domain/webhook";

const RANKS: Readonly<Record<string, number>> = { ok: 1, warning: 2, critical: 3 };

/** Whether a webhook with this filter wants a change, in the words of the public contract. */
export function matches(filter: Filter, { sensorId, sensor, from, to }: ChangeData): boolean {
  const statusMoved = from.status !== to.status || from.severity !== to.severity;
  const availabilityMoved = from.availability !== to.availability;
  const reaching = (severity: string | null, floor: string) =>
    severity === "unknown" || (severity !== null && (RANKS[severity] ?? 0) >= (RANKS[floor] ?? Infinity));
  const { kinds, from: oldStatuses, to: statuses, minSeverity, direction, sensorIds, labels } = filter;
  const holds = [
    filter.initial === true || from.availability !== "pending" || to.severity !== "ok",
    kinds === undefined || (statusMoved && kinds.includes("status")) || (availabilityMoved && kinds.includes("availability")),
    oldStatuses === undefined || (from.status !== null && oldStatuses.includes(from.status)),
    statuses === undefined || (to.status !== null && statuses.includes(to.status)),
    minSeverity === undefined || reaching(from.severity, minSeverity) || reaching(to.severity, minSeverity),
    direction === undefined || goes(direction, from.severity ?? "ok", to.severity ?? "ok"),
    sensorIds === undefined || sensorIds.includes(sensorId),
    Object.entries(labels ?? {}).every(([key, wanted]) => selects(wanted, new Map(Object.entries(sensor.labels)).get(key))),
  ];
  return holds.every(Boolean);
}

function goes(direction: Direction, before: Severity, after: Severity): boolean {
  const upwards = ["ok warning", "ok critical", "warning critical"];
  if ([before, after].includes("unknown")) return true;
  return upwards.includes(direction === "raised" ? `${before} ${after}` : `${after} ${before}`);
}

function selects(wanted: string | readonly string[] | null, label: string | undefined): boolean {
  const allowed = wanted === null ? [undefined] : [wanted].flat();
  return allowed.some((value) => value === label);
}
