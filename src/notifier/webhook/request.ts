import { isIP } from "node:net";
import { LRUCache } from "lru-cache";
import { version } from "../../../package.json";
import type { Reply } from "../outcome";
import { type Beginning, excerptOf, readBeginning, readMoment } from "./answer";
import type { Connections, ConnectionSet } from "./connections";
import { Abandoned, codeOf, isAbandoned, TimedOut, wordsFor } from "./failure";
import type { Guard } from "./guard";
import type { Message } from "./payload";
import { signedHeaders } from "./signature";

/** A kept connection that the endpoint closes fails at once; where it takes longer the request was being worked on. */
const STALE_WITHIN_MS = 1000;
const URLS_MAX = 1000;

export interface PostOptions {
  readonly guard: Pick<Guard, "addressesOf" | "knownAddressesOf">;
  readonly connections: Pick<Connections, "to">;
  /** Ends it early, the request is then abandoned; its time-out is told by the same. */
  readonly abort?: AbortController;
  /** Asked again just before a connection is opened; no means that the request is abandoned. */
  readonly mayDial?: () => boolean;
}

export interface Posted {
  readonly reply: Reply;
  /** The beginning of the answer's body as text; null where there was none. */
  readonly response: string | null;
}

/**
 * Posts one message, signed for this attempt, to an address that was checked. Gives null when it was abandoned (it may have arrived or
 * not); whatever the endpoint, the network or the guard does is a {@link Reply}.
 */
export async function post(message: Message, options: PostOptions): Promise<Posted | null> {
  const { abort: limit = new AbortController() } = options;
  const { timeoutMs, hidden } = message;
  const timer = setTimeout(() => limit.abort(new TimedOut(timeoutMs)), timeoutMs);
  const exchange: Exchange = { statusCode: null, beginning: null };
  let reply: Reply;
  try {
    reply = await answerTo(message, { ...options, signal: limit.signal, exchange });
  } catch (error) {
    const reason: unknown = limit.signal.aborted ? limit.signal.reason : error;
    if (isAbandoned(error) || (limit.signal.aborted && !(reason instanceof TimedOut))) return null;
    reply = { kind: "unanswered", statusCode: exchange.statusCode, error: wordsFor(reason), timedOut: reason instanceof TimedOut };
  } finally {
    clearTimeout(timer);
  }
  return { reply, response: exchange.beginning === null ? null : await excerptOf(exchange.beginning, hidden) };
}

/** How far it came, should it fail. */
interface Exchange {
  statusCode: number | null;
  beginning: Beginning | null;
}

interface Means extends PostOptions {
  readonly signal: AbortSignal;
  readonly exchange: Exchange;
}

async function answerTo(message: Message, means: Means): Promise<Reply> {
  const { exchange } = means;
  means.signal.throwIfAborted();
  const url = parsed(message.url);
  const addresses = means.guard.knownAddressesOf(url) ?? (await orAborted(means.guard.addressesOf(url), means.signal));
  const response = await dial({ message, url, addresses }, means);
  exchange.statusCode = response.status;
  exchange.beginning = { encoding: response.headers.get("content-encoding"), chunks: [] };
  await (response.ok ? readBeginning(response, exchange.beginning) : readMoment(response, exchange.beginning));
  return { kind: "answered", statusCode: response.status, retryAfter: response.headers.get("retry-after") };
}

/** Ours come last: a webhook's own headers never replace them. */
function headersOf(message: Message, { host }: URL): Record<string, string> {
  return {
    ...message.headers,
    ...signedHeaders(message, message.signers, Date.now()),
    "content-type": message.contentType,
    "user-agent": `Tocsin/${version}`,
    "accept-encoding": "identity",
    host,
  };
}

interface Target {
  readonly message: Message;
  readonly url: URL;
  readonly addresses: readonly string[];
}

/** Tries the addresses in turn, the next one only if no connection was made. */
async function dial({ message, url, addresses }: Target, means: Means): Promise<Response> {
  const { signal } = means;
  const connections = means.connections.to(url, message.tls);
  const sent = { method: "POST", headers: headersOf(message, url), body: message.body } as const;
  const init = { ...sent, signal, redirect: "manual", decompress: false, proxy: false } as const;
  let refusal: Error | null = null;
  for (const address of addresses) {
    try {
      return await exchangeOver(connections, pinned(url, address), { init, means });
    } catch (error) {
      if (signal.aborted || !UNCONNECTED.has(codeOf(error) ?? "")) throw error;
      refusal = error as Error;
    }
  }
  throw refusal ?? new Error("the name has no address");
}

/** Parsed once for as long as it is in use; nobody changes them. */
const urls = new LRUCache<string, URL>({ max: URLS_MAX });

function parsed(text: string): URL {
  const known = urls.get(text);
  if (known !== undefined) return known;
  const url = new URL(text);
  urls.set(text, url);
  return url;
}

/** The same with the address that was checked instead of the name. */
function pinned({ protocol, port, pathname, search }: URL, address: string): string {
  const host = isIP(address) === 6 ? `[${address}]` : address;
  return `${protocol}//${host}${port === "" ? "" : `:${port}`}${pathname}${search}`;
}

/** Nothing was sent. */
const UNCONNECTED: ReadonlySet<string> = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "FailedToOpenSocket"]);

interface Call {
  readonly init: BunFetchRequestInit;
  readonly means: Means;
}

/**
 * An endpoint may close a kept connection just as we post; whether it took the request cannot be known. It is sent once more over a
 * connection of its own, under the same id, as it would be after a wait.
 */
async function exchangeOver(connections: ConnectionSet, url: string, { init, means: { signal, mayDial } }: Call): Promise<Response> {
  const mayBeStale = connections.mayHaveKept();
  const startedAt = performance.now();
  const fetched = async (options: BunFetchRequestInit): Promise<Response> => {
    if (mayDial?.() === false) throw new Abandoned();
    const response = await connections.fetch(url, options);
    connections.answered();
    return response;
  };
  try {
    return await fetched(init);
  } catch (error) {
    const isStale = mayBeStale && codeOf(error) === "ECONNRESET" && performance.now() - startedAt < STALE_WITHIN_MS;
    if (!isStale || signal.aborted) throw error;
    return fetched({ ...init, keepalive: false });
  }
}

async function orAborted<Result>(asked: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([asked, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
