import type { Labels } from "./sensor";

/** The sensors that a token is limited to: one, or those that carry all of these labels. */
export type Reach = { readonly sensorId: string } | { readonly labels: Labels };

/** Whether a token may see a sensor and speak for it; null reaches all of them. */
export function isWithin(reach: Reach | null, sensor: { readonly id: string; readonly labels: Labels }): boolean {
  if (reach === null) return true;
  if ("sensorId" in reach) return reach.sensorId === sensor.id;
  return Object.entries(reach.labels).every(([key, value]) => Object.hasOwn(sensor.labels, key) && sensor.labels[key] === value);
}
