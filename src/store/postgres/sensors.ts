import type { SensorStore } from "../store";
import type { Connection } from "./connection";

export function openSensors(_connection: Connection): SensorStore {
  return {} as SensorStore;
}
