import { JetStreamApiError } from "@nats-io/jetstream";
import { Fault, isFault } from "../domain/fault";

/** Numbers of nats-server's errors (server/errors.json). */
const STREAM_NOT_FOUND = 10059;
const STREAM_STORE_FAILED = 10077;
const WRONG_LAST_MESSAGE_ID = 10070;
const WRONG_LAST_SEQUENCE = 10071;

/** JetStream's own error number, or null when it was not JetStream that answered. */
function codeOf(error: unknown): number | null {
  return error instanceof JetStreamApiError ? error.code : null;
}

export function isStreamMissing(error: unknown): boolean {
  const cause = isFault(error) ? error.details.cause : error;
  return codeOf(cause) === STREAM_NOT_FOUND;
}

/** The stream did not end where the publisher believed. */
export function isOutOfStep(error: unknown): boolean {
  const code = codeOf(error);
  return code === WRONG_LAST_MESSAGE_ID || code === WRONG_LAST_SEQUENCE;
}

/** A discarding-new stream at its limit: "maximum bytes exceeded", "maximum messages exceeded". */
export function isStreamFull(error: unknown): boolean {
  return codeOf(error) === STREAM_STORE_FAILED && /maximum .* exceeded/.test((error as Error).message);
}

/**
 * Nobody listens on that subject: JetStream or the stream is not there, or the stream has no leader just now. The client keeps the class to
 * itself.
 */
export function isTakenByNobody(error: unknown): boolean {
  return error instanceof Error && error.name === "JetStreamNotEnabled";
}

/** What the broker did not do, as a `Fault` that says so; a `Fault` stays as it is. */
export function unavailable(what: string, error: unknown): Fault {
  if (isFault(error)) return error;
  return new Fault("unavailable", `${what}: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isTakenByNobody(error)) return "no stream takes it";
  return error.name === "TimeoutError" ? "no answer in time" : error.message;
}
