/** Pages of other origins, which browsers let ask only as far as the API says so (Fetch, "HTTP CORS protocol"). Never with cookies. */
import type { Match } from "./routeTable";

/** A browser asks again after so long. */
export const PREFLIGHT_SECONDS = 600;

const REQUEST_HEADERS = [
  "authorization",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "prefer",
  "x-request-id",
].join(", ");

const ANSWER_HEADERS = [
  "allow",
  "content-disposition",
  "etag",
  "idempotency-replayed",
  "location",
  "preference-applied",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-request-id",
].join(", ");

export interface Cors {
  /** The answer to a browser that asks what it may ask for; null for anything else, which goes its usual way. */
  preflight(request: Request, match: Match | null): Response | null;
  addTo(headers: Headers, origin: string | null): void;
}

/** `origins`: exactly as a browser sends them; `*` for all. Null when there are none: then nothing is said. */
export function createCors(origins: readonly string[]): Cors | null {
  if (origins.length === 0) return null;
  const all = origins.includes("*");
  const allowed = new Set(origins);
  const isAllowed = (origin: string | null): origin is string => origin !== null && (all || allowed.has(origin));

  return {
    preflight({ method, headers }, match) {
      if (method !== "OPTIONS" || match === null || !headers.has("access-control-request-method")) return null;
      if (!isAllowed(headers.get("origin"))) return null;
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-methods": match.resource.allow,
          "access-control-allow-headers": REQUEST_HEADERS,
          "access-control-max-age": String(PREFLIGHT_SECONDS),
        },
      });
    },
    addTo(headers, origin) {
      // Answers differ by origin, also for whoever got nothing.
      if (!all) headers.append("vary", "origin");
      if (!isAllowed(origin)) return;
      headers.set("access-control-allow-origin", all ? "*" : origin);
      headers.set("access-control-expose-headers", ANSWER_HEADERS);
    },
  };
}
