import { type FieldError, isFault } from "../../domain/fault";
import { Refusal, STATUS_OF_FAULT } from "../problems";

/** Why one item of many was refused: what it would have been answered alone. */
export interface ItemRefusal {
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** What an item is told; 500, without its text, for what nobody foresaw. */
export function refusalOf(error: unknown): ItemRefusal {
  if (error instanceof Refusal) return { status: error.status, detail: error.message, errors: error.more.errors ?? [] };
  if (isFault(error)) return { status: STATUS_OF_FAULT[error.kind], detail: error.message, errors: error.details.errors ?? [] };
  return { status: 500, detail: "An internal error." };
}
