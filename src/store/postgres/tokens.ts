import type { TokenStore } from "../store";
import type { Connection } from "./connection";

export function openTokens(_connection: Connection): TokenStore {
  return {} as TokenStore;
}
