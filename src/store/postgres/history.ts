import type { HistoryStore } from "../store";
import type { Connection } from "./connection";

export function openHistory(_connection: Connection): HistoryStore {
  return {} as HistoryStore;
}
