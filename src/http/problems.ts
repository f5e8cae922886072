/** Every error of the API in one table: RFC 9457, `application/problem+json`. */
import { type Static, Type } from "@sinclair/typebox";
import type { FaultKind, FieldError } from "../domain/fault";

/** How long a client waits that was told 429 or 503. */
const RETRY_AFTER_SECONDS = 2;

export const Problem = Type.Object(
  {
    type: Type.String({ description: "`urn:tocsin:problem:` and a word that programs may rely on." }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: "For people; the wording may change." }),
    errors: Type.Array(
      Type.Object({
        pointer: Type.String({ description: "JSON pointer into the body, or `/` and the name of a parameter." }),
        message: Type.String(),
      }),
      { description: "What is wrong with which field; empty if it is not about fields." },
    ),
    requestId: Type.String({ description: "The answer's `x-request-id`." }),
  },
  {
    $id: "Problem",
    examples: [
      {
        type: "urn:tocsin:problem:invalid",
        title: "Invalid input",
        status: 422,
        detail: "The body is not valid.",
        errors: [{ pointer: "/heartbeat/intervalSeconds", message: "must be an integer" }],
        requestId: "0a6c1e9e-1f0e-4f3e-9a44-0f6d3f1a2b3c",
      },
    ],
  },
);
export type Problem = Static<typeof Problem>;

export const PROBLEMS = {
  400: { slug: "malformed-body", title: "Malformed body" },
  401: { slug: "unauthorized", title: "Authentication required" },
  403: { slug: "forbidden", title: "Not permitted" },
  404: { slug: "not-found", title: "Not found" },
  405: { slug: "method-not-allowed", title: "Method not allowed" },
  408: { slug: "too-slow", title: "The body took too long" },
  409: { slug: "conflict", title: "Conflict with the current state" },
  410: { slug: "gone", title: "No longer kept" },
  412: { slug: "precondition-failed", title: "Precondition failed" },
  413: { slug: "content-too-large", title: "Content too large" },
  414: { slug: "path-too-long", title: "Path and query too long" },
  415: { slug: "unsupported-media-type", title: "Unsupported media type" },
  422: { slug: "invalid", title: "Invalid input" },
  429: { slug: "too-many-requests", title: "Too many requests" },
  500: { slug: "internal", title: "Internal server error" },
  503: { slug: "unavailable", title: "Temporarily unavailable" },
} as const;
export type ProblemStatus = keyof typeof PROBLEMS;

/** From what went wrong in the service to what a caller of the API is told. */
export const STATUS_OF_FAULT: Record<FaultKind, ProblemStatus> = {
  invalid: 422,
  notFound: 404,
  conflict: 409,
  preconditionFailed: 412,
  gone: 410,
  exhausted: 429,
  unavailable: 503,
};

export interface RefusalFacts {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** The limit that was reached, for the metrics. */
  readonly limit?: string;
}

/** A refusal that speaks of HTTP itself; what the domain refuses is a `Fault`. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: ProblemStatus,
    detail: string,
    readonly more: RefusalFacts = {},
  ) {
    super(detail);
  }
}

export function invalid(detail: string, errors: readonly FieldError[]): Refusal {
  return new Refusal(422, detail, { errors });
}

export function unauthorized(detail: string): Refusal {
  return new Refusal(401, detail, { headers: { "www-authenticate": "Bearer" } });
}

export interface ProblemFacts {
  readonly status: ProblemStatus;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside those of every problem. */
  readonly extension?: Readonly<Record<string, unknown>>;
}

export function problemResponse({ status, detail, errors = [], headers = {}, extension = {} }: ProblemFacts, requestId: string): Response {
  const { slug, title } = PROBLEMS[status];
  const problem: Problem = { type: `urn:tocsin:problem:${slug}`, title, status, detail, errors: [...errors], requestId };
  const wait: Record<string, string> = status === 429 || status === 503 ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {};
  return new Response(JSON.stringify({ ...problem, ...extension }), {
    status,
    headers: { "content-type": "application/problem+json", ...wait, ...headers },
  });
}
