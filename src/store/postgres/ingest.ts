import type { IngestStore } from "../store";
import type { Connection } from "./connection";

export function openIngest(_connection: Connection): IngestStore {
  return {} as IngestStore;
}
