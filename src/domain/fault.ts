/** What went wrong, as far as a caller can act on it. Each edge (HTTP, CLI, NATS) has one table from kinds to its own words. */
export type FaultKind =
  | "invalid" // the input can never be accepted as it is
  | "notFound"
  | "conflict" // it exists already, or the state forbids it
  | "preconditionFailed" // the version named is not the current one
  | "gone" // it was there, and is no longer kept
  | "exhausted" // the caller has as much of it as one may have
  | "unavailable"; // a dependency is away; the same call may succeed later

export interface FieldError {
  /** JSON pointer into the input, for example "/heartbeat/intervalSeconds". */
  readonly pointer: string;
  readonly message: string;
}

/** An error whose message may be shown to the caller. Named `kind`, because Elysia and database drivers claim `code`. */
export class Fault extends Error {
  override readonly name = "Fault";

  constructor(
    readonly kind: FaultKind,
    message: string,
    readonly details: { readonly errors?: readonly FieldError[]; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
  }
}

export function isFault(error: unknown, kind?: FaultKind): error is Fault {
  return error instanceof Fault && (kind === undefined || error.kind === kind);
}
