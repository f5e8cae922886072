export type Level = "ok" | "warning" | "critical";

/** From which value on a reading is a warning, and from which on it is critical. */
export interface Threshold {
  readonly warning: number;
  readonly critical: number;
}

/** A level is left when the value has fallen by this share of its threshold, so that a value on the border does not flap. */
const HYSTERESIS = 0.05;

/** The level of a value, given the level that it was at. */
export function levelOf(value: number, threshold: Threshold, before: Level | null): Level {
  if (value >= threshold.critical || (before === "critical" && value >= threshold.critical * (1 - HYSTERESIS))) return "critical";
  const leaving = before === "warning" || before === "critical";
  if (value >= threshold.warning || (leaving && value >= threshold.warning * (1 - HYSTERESIS))) return "warning";
  return "ok";
}
