import type { MaintenanceStore } from "../store";
import type { Connection } from "./connection";

export function openMaintenance(_connection: Connection): MaintenanceStore {
  return {} as MaintenanceStore;
}
