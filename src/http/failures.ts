import { NotFoundError, ValidationError } from "elysia";
import { isFault } from "../domain/fault";
import type { Events } from "../telemetry/events";
import { fieldErrors } from "./fieldErrors";
import { problemResponse, type ProblemFacts, Refusal, STATUS_OF_FAULT } from "./problems";

export type AnswerFailure = (error: unknown, requestId: string) => Response;

/** Turns whatever a request threw into its answer. Total: it never throws, and a fault of ours is logged and answered without its text. */
export function createFailures(events: Pick<Events, "requestFailed">): AnswerFailure {
  return (error, requestId) => {
    const facts = expected(error);
    if (facts !== null) return problemResponse(facts, requestId);
    events.requestFailed(requestId, error);
    return problemResponse({ status: 500, detail: "An internal error; the log has it under this requestId." }, requestId);
  };
}

/** What the caller may be told; null for what nobody foresaw. By class alone: any library's error may carry a `code` or a `status`. */
function expected(error: unknown): ProblemFacts | null {
  if (error instanceof Refusal) return { status: error.status, detail: error.message, ...error.more };
  if (isFault(error)) return { status: STATUS_OF_FAULT[error.kind], detail: error.message, errors: error.details.errors ?? [] };
  if (error instanceof ValidationError && error.type !== "response") {
    return { status: 422, detail: `${PARTS[error.type] ?? "The input"} is not valid.`, errors: fieldErrors(error) };
  }
  if (error instanceof NotFoundError) return { status: 404, detail: "There is no such path; /swagger lists all of them." };
  return null;
}

const PARTS: Readonly<Record<string, string>> = { body: "The body", query: "The query", params: "The path" };
