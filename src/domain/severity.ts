/** `ok < warning < critical`; `unknown` stands outside the order. */
export const SEVERITIES = ["ok", "warning", "critical", "unknown"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Ours, never the sensor's: never heard, heard in time, not heard in time. */
export const AVAILABILITIES = ["pending", "online", "offline"] as const;
export type Availability = (typeof AVAILABILITIES)[number];

const RANK: Record<Exclude<Severity, "unknown">, number> = { ok: 0, warning: 1, critical: 2 };

/** Whether `severity` reaches `floor`; `unknown` always passes, because nobody can say that it does not matter. */
export function reaches(severity: Severity | null, floor: Exclude<Severity, "unknown">): boolean {
  if (severity === "unknown") return true;
  return severity !== null && RANK[severity] >= RANK[floor];
}

/** Above 0 when severity went up, below when it went down; null counts as `ok`. NaN with `unknown`, which nothing compares with. */
export function severityStep(from: Severity | null, to: Severity | null): number {
  if (from === "unknown" || to === "unknown") return Number.NaN;
  return RANK[to ?? "ok"] - RANK[from ?? "ok"];
}

/** The built-in status catalogue, which operators edit (statusCatalogue.ts): the severity of a status whose report names none. */
export const STATUS_CATALOGUE: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ...(["ok", "up", "normal", "healthy", "ready", "idle", "running", "closed", "online", "recovered"] as const).map(
    (status) => [status, "ok"] as const,
  ),
  ...(["warning", "warn", "degraded", "hot", "cold", "high", "low", "full", "open", "slow", "maintenance"] as const).map(
    (status) => [status, "warning"] as const,
  ),
  ...(["critical", "alarm", "down", "error", "failed", "failure", "fault", "overheated", "emergency"] as const).map(
    (status) => [status, "critical"] as const,
  ),
]);
