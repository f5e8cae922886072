/** The most headers of its own that a webhook may give to its requests. */
export const HEADERS_MAX = 20;
export const HEADER_NAME_CHARS_MAX = 64;
export const HEADER_VALUE_CHARS_MAX = 1024;

/** They belong to the message, to its signature or to the connection. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);
const RESERVED_PREFIXES: readonly string[] = ["webhook-", "ce-", "proxy-"];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Printable ASCII, nothing blank at its ends (RFC 9110, 5.5). */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;

export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED_NAMES.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix));
}

/** What is wrong with a header that a webhook wants on its requests, or null. Never repeats the value. */
export function headerProblem(name: string, value: string): string | null {
  if (name.length > HEADER_NAME_CHARS_MAX || !TOKEN.test(name)) {
    return `must have a name of 1 to ${HEADER_NAME_CHARS_MAX} letters, digits and !#$%&'*+-.^_\`|~`;
  }
  if (isReservedHeader(name)) return `must not set ${name.toLowerCase()}, which belongs to the request itself`;
  if (value.length > HEADER_VALUE_CHARS_MAX) return `must have at most ${HEADER_VALUE_CHARS_MAX} characters`;
  return VALUE.test(value) ? null : "must be printable ASCII without blanks at its ends";
}
