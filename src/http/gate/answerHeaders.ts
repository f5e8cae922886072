/** What stands in every answer, whoever gave it. */
import type { Client } from "./clientAddress";
import type { Cors } from "./cors";
import { limitOf, type Standing } from "./rates";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** For answers that are not pages; a page brings its own policy. */
const CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";
/** A year: what browsers keep lists of asks for as much. */
const STRICT_TRANSPORT = "max-age=31536000";

/** What every answer has that does not say otherwise. */
const STANDING = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
  ["content-security-policy", CONTENT_POLICY],
] as const;
/** Whatever has this one has all of them. */
const STANDING_MARK = "x-content-type-options";

/** JSON is always UTF-8 and its type knows no parameter (RFC 8259, section 11); Bun writes one nevertheless. */
const JSON_OF_BUN = "application/json;charset=utf-8";
const JSON_TYPE = "application/json";

/** Headers of an answer that is given again and again: with what stands in every answer, so that it is put together once. */
export function readyHeaders(own: Readonly<Record<string, string>>): Headers {
  return new Headers({ ...Object.fromEntries(STANDING), ...own });
}

/** The caller's own id for it, if it is fit to be logged. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

export interface AnswerFacts {
  readonly requestId: string;
  readonly client: Client;
  readonly origin: string | null;
  /** Who asks is known: nobody else is told of limits before they are reached. */
  readonly known: boolean;
  /** Null where nothing was counted. */
  readonly standing: Standing | null;
}

export interface EdgeHeaders {
  readonly cors: Cors | null;
  /** Value of `RateLimit-Policy`. */
  readonly policy: string | null;
}

export function addHeaders(
  { headers, status }: Response,
  { requestId, client, origin, known, standing }: AnswerFacts,
  { cors, policy }: EdgeHeaders,
): void {
  headers.set("x-request-id", requestId);
  if (!headers.has(STANDING_MARK)) {
    for (const [name, value] of STANDING) if (!headers.has(name)) headers.set(name, value);
    if (headers.get("content-type") === JSON_OF_BUN) headers.set("content-type", JSON_TYPE);
  }
  if (client.overTls) headers.set("strict-transport-security", STRICT_TRANSPORT);
  if (standing !== null && policy !== null && (known || status === 429)) {
    headers.set("ratelimit-policy", policy);
    headers.set("ratelimit", limitOf(standing));
  }
  cors?.addTo(headers, origin);
}
