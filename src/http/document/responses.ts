/** Answers as the document tells them. What many of them share stands once among its components. */
import type { TSchema } from "@sinclair/typebox";
import { Problem, PROBLEMS, type ProblemStatus } from "../problems";

const PROBLEM_TYPE = "application/problem+json";
export const EVENTS_TYPE = "text/event-stream";

export interface Answer {
  readonly description: string;
  /** Left out where there is no body. Of lines (`application/x-ndjson`) and events it is the schema of one of them. */
  readonly schema?: TSchema;
  readonly type?: string;
  /** Other forms of the same, by their content types. */
  readonly also?: Readonly<Record<string, TSchema>>;
  /** Further forms, whose shape no schema tells. */
  readonly otherTypes?: readonly string[];
  /** Shown in place of what the schema's own examples give. */
  readonly example?: unknown;
  /** What stands in them, by their names; the common ones may say it in their own words. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface Header {
  readonly description: string;
  readonly example: string;
  /** Comes with every answer that names it. */
  readonly required: boolean;
}

const HEADERS: Readonly<Record<string, Header>> = {
  "x-request-id": {
    description: "The request's own `x-request-id`, or a new one; it is in the log, too.",
    example: "0a6c1e9e-1f0e-4f3e-9a44-0f6d3f1a2b3c",
    required: true,
  },
  etag: { description: 'The version, as `"3"`; send it back as `If-Match`.', example: '"3"', required: true },
  location: { description: "The path of the new resource.", example: "/v1/sensors/boiler-7", required: true },
  "retry-after": { description: "Seconds to wait before the next try.", example: "1", required: true },
  "www-authenticate": { description: "`Bearer`: how to authenticate.", example: "Bearer", required: true },
  allow: { description: "The methods that can be used at this path.", example: "GET, HEAD, POST", required: true },
  "idempotency-replayed": {
    description: "`true`: a repeat under the same key; nothing was done, and this is the first answer again.",
    example: "true",
    required: false,
  },
  "preference-applied": {
    description: "`return=minimal` if `Prefer` asked for it: the answer has no body, or only the refused items.",
    example: "return=minimal",
    required: false,
  },
  "x-accel-buffering": { description: "`no`: proxies must not buffer the stream.", example: "no", required: true },
  ratelimit: {
    description: "`r`: how many requests are left now; `t`: seconds until all are back. Only if a limit is set.",
    example: '"token";r=199;t=1',
    required: false,
  },
  "ratelimit-policy": {
    description: "`q`: how many requests are allowed at once; `w`: the seconds in which they refill. Only if a limit is set.",
    example: '"token";q=200;w=2',
    required: false,
  },
};
/** Of a stream of events. */
const STREAMED = ["x-accel-buffering"];
const ALWAYS = ["x-request-id", "ratelimit", "ratelimit-policy"];

/** With what the answer to a problem brings. */
const PROBLEM_HEADERS: Partial<Record<ProblemStatus, readonly string[]>> = {
  401: ["www-authenticate"],
  405: ["allow"],
  429: ["retry-after"],
  503: ["retry-after"],
};

/** What such a problem may say. */
const DETAILS: Readonly<Record<number, string>> = {
  400: "The body is not JSON in UTF-8.",
  401: "The token is not valid.",
  403: "The token lacks the scope sensors:write.",
  404: "There is no sensor boiler-7.",
  405: "DELETE is not allowed here; allowed are GET, HEAD, POST, PUT.",
  408: "The body did not arrive within 30 s.",
  409: "Sensor boiler-7 is registered already.",
  410: "The changes after this cursor are no longer kept.",
  412: "Sensor boiler-7 is at version 4, not 3.",
  413: "The body may have at most 1048576 bytes.",
  414: "A path and its query may have at most 8192 characters together.",
  415: "Send the body as application/json, in UTF-8.",
  422: "The body is not valid.",
  429: "More than 50 requests a second with this token: try again in 1 s.",
  500: "An internal error; the log has it under this requestId.",
  503: "not connected to NATS",
};

export function responseOf(answer: Answer): Record<string, unknown> & { description: string } {
  const { description, schema, type = "application/json", also = {}, otherTypes = [], headers = {} } = answer;
  const names = new Set([...Object.keys(headers), ...ALWAYS, ...(type === EVENTS_TYPE ? STREAMED : [])]);
  const example = answer.example === undefined ? {} : { example: answer.example };
  const others = [...Object.entries(also), ...otherTypes.map((other) => [other, { type: "string" }] as const)];
  return {
    description,
    headers: Object.fromEntries([...names].map((name) => [name, headerOf(name, headers[name])])),
    ...(schema === undefined ? {} : { content: { [type]: { schema, ...example }, ...contentOf(Object.fromEntries(others)) } }),
  };
}

export function contentOf(schemas: Readonly<Record<string, object>>): Record<string, { schema: TSchema }> {
  return Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema: schema as TSchema }]));
}

export function headerOf(name: string, text = ""): object {
  return name in HEADERS ? { $ref: `#/components/headers/${name}` } : { description: text, required: true, schema: { type: "string" } };
}

export function problemOf(status: ProblemStatus): { description: string } {
  // What is referred to brings its own description.
  return { $ref: `#/components/responses/${responseName(status)}` } as unknown as { description: string };
}

/** For `components`: what `headerOf` and `problemOf` refer to. */
export function sharedHeaders(): Record<string, object> {
  return Object.fromEntries(Object.entries(HEADERS).map(([name, header]) => [name, { ...header, schema: { type: "string" } }]));
}

export function sharedResponses(): Record<string, object> {
  const statuses = Object.keys(PROBLEMS).map(Number) as ProblemStatus[];
  return Object.fromEntries(statuses.map((status) => [responseName(status), problemResponseOf(status)]));
}

function problemResponseOf(status: ProblemStatus): object {
  const headers = Object.fromEntries((PROBLEM_HEADERS[status] ?? []).map((name) => [name, ""]));
  const answer = { description: PROBLEMS[status].title, schema: Problem, type: PROBLEM_TYPE, headers, example: problemExample(status) };
  return responseOf(answer);
}

export function problemExample(status: ProblemStatus): Problem {
  const { slug, title } = PROBLEMS[status];
  const errors = status === 422 ? [{ pointer: "/heartbeat/intervalSeconds", message: "must be an integer" }] : [];
  const requestId = (HEADERS["x-request-id"] as Header).example;
  return { type: `urn:tocsin:problem:${slug}`, title, status, detail: DETAILS[status] ?? title, errors, requestId };
}

/** `not-found` is `NotFound`. */
function responseName(status: ProblemStatus): string {
  return PROBLEMS[status].slug
    .split("-")
    .map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`)
    .join("");
}
