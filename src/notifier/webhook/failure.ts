import { AddressRefused } from "./guard";

const ERROR_CHARS_MAX = 300;

/** Nobody wants to know any more how it ends. */
export class Abandoned extends Error {}

export class TimedOut extends Error {
  constructor(timeoutMs: number) {
    super(`no complete answer within ${timeoutMs / 1000} s`);
  }
}

export function isAbandoned(error: unknown): boolean {
  return causes(error).some((cause) => cause instanceof Abandoned);
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  FailedToOpenSocket: "no connection could be opened",
  ECONNRESET: "the connection was closed before the answer was complete",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name could not be looked up",
  ETIMEOUT: "the name could not be looked up in time",
  EPROTO: "the TLS handshake failed",
  Malformed_HTTP_Response: "the answer is not HTTP",
  InvalidHTTPResponse: "the answer is not HTTP",
  InvalidContentLength: "the answer is not HTTP",
  UnrequestedUpgrade: "the answer is not HTTP",
  ResponseHeadersTooLarge: "the answer's head is too large",
};

/** For the person who looks after the endpoint. Never the error's own text, which may hold the URL and what is secret in it. */
export function wordsFor(error: unknown): string {
  const told = causes(error).find((cause) => cause instanceof AddressRefused || cause instanceof TimedOut);
  if (told !== undefined) return told.message.slice(0, ERROR_CHARS_MAX);
  const code = codeOf(error);
  if (code === null) return "the request could not be sent";
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return `the certificate is not valid (${code})`.slice(0, ERROR_CHARS_MAX);
  return WORDS[code] ?? `the request failed (${code})`.slice(0, ERROR_CHARS_MAX);
}

export function codeOf(error: unknown): string | null {
  for (const cause of causes(error)) if ("code" in cause && typeof cause.code === "string") return cause.code;
  return null;
}

function causes(error: unknown): Error[] {
  const found: Error[] = [];
  for (let cause = error; cause instanceof Error && found.length < 10; cause = cause.cause) found.push(cause);
  return found;
}
