import type { DeliveryStore } from "../store";
import type { Connection } from "./connection";

export function openDeliveries(_connection: Connection): DeliveryStore {
  return {} as DeliveryStore;
}
