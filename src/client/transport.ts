import { problemOf } from "./problem";

/** A call that takes longer is given up; streams may go on. */
const TIMEOUT_DEFAULT_MS = 30_000;

export interface ClientOptions {
  /** Where the API listens: `https://tocsin.example.org`. In a page that it serves itself, `""`. */
  readonly url: string;
  /** Asked for at every request, if it is a function. */
  readonly token?: string | (() => string | Promise<string>);
  /** Instead of the one that is there. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  readonly timeoutMs?: number;
}

/** A request as the document tells of it. */
export interface Wanted {
  readonly method: string;
  /** With `{id}`. */
  readonly path: string;
  readonly options?: WantedOptions | undefined;
}

interface WantedOptions {
  readonly path?: object | undefined;
  readonly query?: object | undefined;
  readonly headers?: object | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** The answer, if it is a success; its body is not read. Throws a `TocsinProblem` for any other, and what `fetch` throws. */
  send(wanted: Wanted): Promise<Response>;
  /** The same, in so much time, with its body: JSON, text, or undefined. */
  call(wanted: Wanted): Promise<unknown>;
}

export function createTransport({
  url,
  token,
  fetch = (at, init) => globalThis.fetch(at, init),
  timeoutMs = TIMEOUT_DEFAULT_MS,
}: ClientOptions): Transport {
  async function send({ method, path, options = {} }: Wanted): Promise<Response> {
    const headers = new Headers(definedOf(options.headers));
    const given = typeof token === "function" ? await token() : token;
    if (given !== undefined) headers.set("authorization", `Bearer ${given}`);
    const { body } = options;
    if (body !== undefined && !headers.has("content-type")) headers.set("content-type", typeOf(method, body));
    const response = await fetch(url.replace(/\/+$/, "") + addressOf(path, options), {
      method,
      headers,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  return {
    send,
    async call(wanted) {
      const late = AbortSignal.timeout(timeoutMs);
      const asked = wanted.options?.signal;
      const signal = asked === undefined ? late : AbortSignal.any([asked, late]);
      const response = await send({ ...wanted, options: { ...wanted.options, signal } });
      const text = await response.text();
      if (text === "") return undefined;
      return (response.headers.get("content-type") ?? "").startsWith("application/json") ? (JSON.parse(text) as unknown) : text;
    },
  };
}

/** The path with its query. A list is a parameter that is given more than once. */
export function addressOf(path: string, { path: segments = {}, query = {} }: Pick<WantedOptions, "path" | "query">): string {
  const values = new Map(Object.entries(segments).map(([name, value]) => [name, String(value)]));
  const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(demanded(values.get(name), name)));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) if (one !== undefined) search.append(name, String(one));
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

/** A dot segment would lead elsewhere. */
function demanded(value: string | undefined, name: string): string {
  if (value === undefined || value === "" || value === "." || value === "..") throw new TypeError(`${name} is needed in the path`);
  return value;
}

function definedOf(headers: object = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
}

function typeOf(method: string, body: unknown): string {
  if (typeof body === "string") return "application/x-ndjson";
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}
