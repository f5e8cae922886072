/** What the node says to the thread that takes reports in, and what that one answers. */
import { Fault, type FaultKind, isFault } from "../../../domain/fault";
import type { Reach } from "../../../domain/reach";
import type { SensorAndState } from "../../../store/store";
import type { Cut } from "../cutting";
import type { PackedResults } from "../itemResults";

export type Order =
  | { readonly kind: "begin"; readonly request: number; readonly reach: Reach | null; readonly key: string | undefined }
  | { readonly kind: "take"; readonly request: number; readonly items: PackedItems }
  /** There are no more of them. */
  | { readonly kind: "end"; readonly request: number }
  | { readonly kind: "loaded"; readonly call: number; readonly found: readonly SensorAndState[] }
  | { readonly kind: "notLoaded"; readonly call: number; readonly error: PackedError }
  | { readonly kind: "close" };

export type Answer =
  /** Of a request, in its order: the thread would take more. */
  | { readonly kind: "taken"; readonly request: number }
  /** Every item has its result. */
  | { readonly kind: "settled"; readonly request: number; readonly results: PackedResults }
  /** A fault of ours. */
  | { readonly kind: "failed"; readonly request: number; readonly error: PackedError }
  | { readonly kind: "load"; readonly call: number; readonly sensorIds: readonly string[] }
  | { readonly kind: "closed" };

/** Items, one behind the other, so that they change hands as they are. */
export interface PackedItems {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of each the place behind it. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Those of which nothing was kept, because they were too long. */
  readonly tooLong: readonly number[];
}

export function packItems(items: readonly Cut[]): PackedItems {
  const bytes = new Uint8Array(items.reduce((sum, item) => sum + (item?.length ?? 0), 0));
  const ends = new Uint32Array(items.length);
  const tooLong: number[] = [];
  let end = 0;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index] as Cut;
    if (item === null) tooLong.push(index);
    else {
      bytes.set(item, end);
      end += item.length;
    }
    ends[index] = end;
  }
  return { bytes, ends, tooLong };
}

export function unpackItems({ bytes, ends, tooLong }: PackedItems): Cut[] {
  const items: Cut[] = [];
  let begin = 0;
  for (const end of ends) {
    items.push(bytes.subarray(begin, end));
    begin = end;
  }
  for (const index of tooLong) items[index] = null;
  return items;
}

/** An error as it can be told to another thread. */
export interface PackedError {
  /** Null for what is no `Fault`. */
  readonly fault: FaultKind | null;
  readonly message: string;
  readonly stack: string | undefined;
}

export function packError(error: unknown): PackedError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { fault: isFault(error) ? error.kind : null, message, stack };
}

export function unpackError({ fault, message, stack }: PackedError): Error {
  const error = fault === null ? new Error(message) : new Fault(fault, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
