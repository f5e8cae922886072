import { type Severity, STATUS_CATALOGUE } from "./severity";

/** How many statuses operators may set beside the built-in ones, or over them. */
export const STATUSES_MAX = 1000;
export const STATUS_DESCRIPTION_CHARS_MAX = 512;
/** The version of a built-in status that nobody edited; edits count from the next one. */
export const BUILT_IN_VERSION = 1;

/** The severity of each status whose reports need not name one. Any other status is `unknown`. */
export type StatusCatalogue = ReadonlyMap<string, Severity>;

/** The built-in catalogue, with what operators set over it. */
export function catalogueOf(edited: Iterable<readonly [status: string, severity: Severity]>): StatusCatalogue {
  return new Map([...STATUS_CATALOGUE, ...edited]);
}
