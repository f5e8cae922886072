import type { PlanStore } from "../store";
import type { Connection } from "./connection";

export function openPlan(_connection: Connection): PlanStore {
  return {} as PlanStore;
}
