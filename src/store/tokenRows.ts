import { Fault } from "../domain/fault";
import type { TokenEdit } from "./store";

export function noToken(id: string): Fault {
  return new Fault("notFound", `There is no token ${id}.`);
}

/** No statement sets nothing. */
export function isEmpty(edit: TokenEdit): boolean {
  return Object.values(edit).every((value) => value === undefined);
}
