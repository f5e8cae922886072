import { Fault } from "../domain/fault";
import type { TokenEdit, TokenRecord } from "./store";

export function noToken(id: string): Fault {
  return new Fault("notFound", `There is no token ${id}.`);
}

/** Whether a token is already what an edit would make of it: then nothing is edited. */
export function changesNothing({ name, expiresAt }: TokenEdit, before: TokenRecord): boolean {
  return (name === undefined || name === before.name) && (expiresAt === undefined || expiresAt === before.expiresAt);
}
