/** What a request asks for, in the order in which Elysia reads it. */

export interface Target {
  /** Empty where the request names no host. */
  readonly origin: string;
  readonly path: string;
  /** With its question mark; empty without one. */
  readonly search: string;
}

/** Elysia looks for the path from here on: a shorter origin would hide the beginning of it. */
const ORIGIN_CHARS_MIN = 11;

/** Without a host (HTTP/1.0, or an empty header) Bun gives the path as it was sent; then it is put in order here, as Bun does otherwise. */
export function targetOf(sent: string): Target {
  const hostless = sent.startsWith("/");
  const url = hostless ? new URL(`http://localhost${sent}`).href : sent;
  const pathAt = url.indexOf("/", url.indexOf("://") + 3);
  const searchAt = url.indexOf("?", pathAt);
  const end = searchAt === -1 ? url.length : searchAt;
  return { origin: hostless ? "" : url.slice(0, pathAt), path: url.slice(pathAt, end), search: url.slice(end) };
}

/** The request as Elysia can route it. Its body was read. */
export function passable(request: Request, { origin, path, search }: Target): Request {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method === request.method && origin.length >= ORIGIN_CHARS_MIN) return request;
  return new Request(`http://localhost${path}${search}`, { method, headers: request.headers });
}
