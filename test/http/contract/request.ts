/** A request in the making, and all that can be wrong with one. */
import fc from "fast-check";
import { oddEncoded, oddHeader, oddValue } from "./values";

export interface Sent {
  method: string;
  /** Percent-encoded. */
  path: string;
  /** Names and values, percent-encoded. */
  query: [string, string][];
  headers: Record<string, string>;
  body: Body | null;
}

/** JSON, a list of lines of it, or bytes. */
export type Body =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "lines"; readonly values: readonly unknown[] }
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

export type Damage = (sent: Sent) => void;

const encoder = new TextEncoder();
const BROKEN_TEXTS = [
  "",
  "{",
  "[",
  "\u0000",
  '{"a":1,}',
  "null",
  "[]",
  '"text"',
  "{}\n{",
  "\n\n",
  "\r\n{}\r\n",
  `${"[".repeat(200)}${"]".repeat(200)}`,
  "\ufeff{}",
];
const TYPES = [
  "text/plain",
  "application/xml",
  "application/json",
  "application/x-ndjson",
  "application/merge-patch+json",
  "application/json; charset=latin1",
  "",
];
/** That any operation may be sent, whether it looks at them or not. */
const HEADER_NAMES = [
  "if-match",
  "if-none-match",
  "idempotency-key",
  "prefer",
  "last-event-id",
  "accept",
  "accept-encoding",
  "range",
  "expect-ct",
  "x-request-id",
  "x-forwarded-for",
  "origin",
  "content-encoding",
  "traceparent",
];

/** One thing that is wrong, or odd. `parameters` are the names of the query's. */
export function damages(parameters: readonly string[]): fc.Arbitrary<Damage> {
  const name = parameters.length === 0 ? fc.constant("unknown") : fc.constantFrom(...parameters, "unknown");
  return fc.oneof(
    {
      weight: 2,
      arbitrary: fc.tuple(name, oddEncoded).map(
        ([key, text]): Damage =>
          (sent) =>
            void sent.query.push([key, text]),
      ),
    },
    {
      weight: 1,
      arbitrary: name.map(
        (key): Damage =>
          (sent) =>
            void sent.query.push([key, "1"], [key, "2"]),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(), oddEncoded).map(
        ([at, text]): Damage =>
          (sent) =>
            void (sent.path = withSegment(sent.path, at, text)),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom(...HEADER_NAMES), oddHeader).map(
        ([key, text]): Damage =>
          (sent) =>
            void (sent.headers[key] = text),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...TYPES).map(
        (type): Damage =>
          (sent) =>
            retype(sent, type),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...BROKEN_TEXTS).map(
        (text): Damage =>
          (sent) =>
            rebody(sent, encoder.encode(text)),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 64 }).map(
        (bytes): Damage =>
          (sent) =>
            rebody(sent, bytes),
      ),
    },
    {
      weight: 6,
      arbitrary: fc.tuple(fc.nat(), fc.nat(4), oddValue).map(
        ([at, how, value]): Damage =>
          (sent) =>
            spoilBody(sent, { at, how, value }),
      ),
    },
  );
}

function withSegment(path: string, at: number, text: string): string {
  const segments = path.split("/");
  segments[1 + (at % (segments.length - 1))] = text;
  return segments.join("/");
}

function retype(sent: Sent, type: string): void {
  if (sent.body !== null) sent.headers["content-type"] = type;
}

function rebody(sent: Sent, bytes: Uint8Array): void {
  if (sent.body !== null) sent.body = { kind: "raw", bytes };
}

interface Spoiling {
  readonly at: number;
  readonly how: number;
  readonly value: unknown;
}

/** Puts something else somewhere, takes something out, or adds something. */
function spoilBody(sent: Sent, spoiling: Spoiling): void {
  const { body } = sent;
  if (body === null || body.kind === "raw") return;
  sent.body =
    body.kind === "json"
      ? { kind: "json", value: spoilt(body.value, spoiling) }
      : { kind: "lines", values: spoilt(body.values, spoiling) as unknown[] };
}

function spoilt(value: unknown, { at, how, value: odd }: Spoiling): unknown {
  const copy = structuredClone(value);
  const places = placesIn(copy);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return odd;
  const { holder, key } = place;
  if (how === 0) delete holder[key];
  else if (how === 1 && !Array.isArray(holder)) holder["unknown"] = odd;
  else if (how === 2 && typeof holder[key] === "string") holder[key] = `${holder[key] as string}${"x".repeat(5000)}`;
  else holder[key] = odd;
  return Array.isArray(copy) ? copy.filter((item) => item !== undefined) : copy;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

export function bytesOf(body: Body): Uint8Array {
  if (body.kind === "raw") return body.bytes;
  if (body.kind === "json") return encoder.encode(JSON.stringify(body.value) ?? "");
  return encoder.encode(body.values.map((value) => `${JSON.stringify(value) ?? ""}\n`).join(""));
}
