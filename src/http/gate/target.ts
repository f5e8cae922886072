/** What a request asks for. */
export interface Target {
  readonly path: string;
  /** With its question mark; empty without one. */
  readonly search: string;
}

/** Without a host (HTTP/1.0, or an empty header) Bun gives the path as it was sent; then it is put in order here, as Bun does otherwise. */
export function targetOf(sent: string): Target {
  const url = sent.startsWith("/") ? new URL(`http://localhost${sent}`).href : sent;
  const pathAt = url.indexOf("/", url.indexOf("://") + 3);
  const searchAt = url.indexOf("?", pathAt);
  const end = searchAt === -1 ? url.length : searchAt;
  return { path: url.slice(pathAt, end), search: url.slice(end) };
}
