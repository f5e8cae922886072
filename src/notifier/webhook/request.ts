import { isIP } from "node:net";
import ky from "ky";
import { version } from "../../../package.json";
import type { Reply } from "../outcome";
import { AddressRefused, type Guard } from "./guard";
import type { Message } from "./payload";
import { type Signer, signedHeaders } from "./signature";

/** Over everything: the name, the connection, the answer's head and its body. */
export const ATTEMPT_TIMEOUT_MS = 15_000;
/** No more is read of an answer's body; what it says does not matter. */
const ANSWER_BYTES_MAX = 16 * 1024;
const ERROR_CHARS_MAX = 300;

export interface PostOptions {
  readonly guard: Pick<Guard, "addressesOf">;
  readonly signers: readonly Signer[];
  /** Ends it early: the request is abandoned. */
  readonly signal?: AbortSignal;
  /** Asked again just before a connection is opened; no means that the request is abandoned. */
  readonly mayDial?: () => boolean;
  readonly timeoutMs?: number;
}

/**
 * Posts one message, signed for this attempt, to an address that was checked. Gives null when it was abandoned (it may have arrived or
 * not); whatever the endpoint, the network or the guard does is a {@link Reply}.
 */
export async function post(message: Message, options: PostOptions): Promise<Reply | null> {
  const { signal, timeoutMs = ATTEMPT_TIMEOUT_MS } = options;
  const limit = new AbortController();
  const abandon = () => limit.abort(new Abandoned());
  const timer = setTimeout(() => limit.abort(new TimedOut(timeoutMs)), timeoutMs);
  signal?.addEventListener("abort", abandon);
  if (signal?.aborted === true) abandon();
  const exchange: Exchange = { statusCode: null };
  try {
    return await answerTo(message, { ...options, signal: limit.signal, exchange });
  } catch (error) {
    const reason: unknown = limit.signal.aborted ? limit.signal.reason : error;
    if (causes(reason).some((cause) => cause instanceof Abandoned)) return null;
    return { kind: "unanswered", statusCode: exchange.statusCode, error: wordsFor(reason), timedOut: reason instanceof TimedOut };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abandon);
  }
}

interface Exchange {
  statusCode: number | null;
}

class Abandoned extends Error {}

class TimedOut extends Error {
  constructor(timeoutMs: number) {
    super(`no complete answer within ${timeoutMs / 1000} s`);
  }
}

interface Means extends PostOptions {
  readonly signal: AbortSignal;
  readonly exchange: Exchange;
}

async function answerTo(message: Message, means: Means): Promise<Reply> {
  const url = new URL(message.url);
  const addresses = await orAborted(means.guard.addressesOf(url), means.signal);
  const response = await ky.post(url, {
    headers: {
      ...signedHeaders(message, means.signers, Date.now()),
      "content-type": "application/json",
      "user-agent": `Tocsin/${version}`,
      "accept-encoding": "identity",
    },
    retry: 0,
    timeout: false,
    throwHttpErrors: false,
    redirect: "manual",
    fetch: (request) => dial((request as Request).headers, { url, addresses, body: message.body }, means),
  });
  means.exchange.statusCode = response.status;
  if (response.ok) await readSome(response);
  else await response.body?.cancel();
  return { kind: "answered", statusCode: response.status, retryAfter: response.headers.get("retry-after") };
}

interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
  readonly body: string;
}

/** Tries the addresses in turn, the next one only if no connection was made. */
async function dial(headers: Headers, { url, addresses, body }: Target, { signal, mayDial }: Means): Promise<Response> {
  headers.set("host", url.host);
  const name = url.hostname.replace(/\.$/, "");
  const isName = isIP(name.replace(/^\[|\]$/g, "")) === 0;
  let refusal: unknown = new Error("the name has no address");
  for (const address of addresses) {
    if (mayDial?.() === false) throw new Abandoned();
    const pinned = new URL(url);
    pinned.hostname = isIP(address) === 6 ? `[${address}]` : address;
    try {
      return await fetch(pinned, {
        method: "POST",
        headers,
        body,
        signal,
        redirect: "manual",
        keepalive: false,
        decompress: false,
        proxy: false,
        ...(isName && url.protocol === "https:" ? { tls: { serverName: name } } : {}),
      });
    } catch (error) {
      if (signal.aborted || !UNCONNECTED.has(codeOf(error) ?? "")) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** Nothing was sent. */
const UNCONNECTED: ReadonlySet<string> = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "FailedToOpenSocket"]);

async function readSome(response: Response): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  for (let bytes = 0; bytes < ANSWER_BYTES_MAX;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.byteLength;
  }
  await reader.cancel();
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

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  FailedToOpenSocket: "no connection could be opened",
  ECONNRESET: "the connection was closed before the answer was complete",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name could not be looked up",
  ESERVFAIL: "the name could not be looked up",
  EPROTO: "the TLS handshake failed",
  Malformed_HTTP_Response: "the answer is not HTTP",
};

/** For the person who looks after the endpoint. Never the error's own text, which may hold the URL and what is secret in it. */
function wordsFor(error: unknown): string {
  const told = causes(error).find((cause) => cause instanceof AddressRefused || cause instanceof TimedOut);
  if (told !== undefined) return told.message.slice(0, ERROR_CHARS_MAX);
  const code = codeOf(error);
  if (code === null) return "the request could not be sent";
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return `the certificate is not valid (${code})`.slice(0, ERROR_CHARS_MAX);
  return WORDS[code] ?? `the request failed (${code})`.slice(0, ERROR_CHARS_MAX);
}

function codeOf(error: unknown): string | null {
  for (const cause of causes(error)) if ("code" in cause && typeof cause.code === "string") return cause.code;
  return null;
}

function causes(error: unknown): Error[] {
  const found: Error[] = [];
  for (let cause = error; cause instanceof Error && found.length < 10; cause = cause.cause) found.push(cause);
  return found;
}
