import type { DeadLetterStore } from "../store";
import type { Connection } from "./connection";

export function openDeadLetters(_connection: Connection): DeadLetterStore {
  return {} as DeadLetterStore;
}
