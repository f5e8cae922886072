import type { ChangeLogStore } from "../store";
import type { Connection } from "./connection";

export function openChangeLog(_connection: Connection): ChangeLogStore {
  return {} as ChangeLogStore;
}
