import type { IncidentStore } from "../store";
import type { Connection } from "./connection";

export function openIncidents(_connection: Connection): IncidentStore {
  return {} as IncidentStore;
}
