import type { Deadlines } from "./deadlines";
import { Refusal } from "../problems";
import { StreamedBody } from "./streamedBody";

/** A body must be there by then, however slowly it comes. */
export const BODY_MS_MAX = 30_000;

/** Deeper than any sensible document, and far from what a recursive reader can bear. */
const JSON_DEPTH_MAX = 100;

export interface BodyRule {
  readonly types: readonly string[];
  readonly bytesMax: number;
  /** It is not read here, but by whoever serves the request, as it comes. */
  readonly streamed: boolean;
  /** None at all stands for an empty object. */
  readonly optional: boolean;
}

// A byte order mark is kept, and so refused: RFC 8259, section 8.1.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface BodyMeans {
  readonly deadlines: Deadlines;
  /** Room for so many bytes; throws where there is none. */
  readonly enter: (bytes: number) => void;
}

/**
 * Reads a JSON body, or gives a {@link StreamedBody}. Throws {@link Refusal}: 415 for another type, 413 when it is too long, 408 when it is
 * late, 400 when it is not JSON.
 */
export async function readBody(request: Request, rule: BodyRule, means: BodyMeans): Promise<unknown> {
  const { types, bytesMax, streamed, optional } = rule;
  if (optional && isBodiless(request.headers)) return {};
  demandType(request.headers, types);
  if (streamed) return new StreamedBody(request, bytesMax);
  return parseJson(await readBytes(request, bytesMax, means), "The body");
}

const TYPES = new Intl.ListFormat("en-GB", { type: "disjunction" });

/** RFC 9112, section 6.3. */
function isBodiless(headers: Headers): boolean {
  return !headers.has("transfer-encoding") && Number(headers.get("content-length") ?? 0) === 0;
}

function demandType(headers: Headers, types: readonly string[]): void {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (!types.includes(type.trim()) || !isUtf8) throw new Refusal(415, `Send the body as ${TYPES.format(types)}, in UTF-8.`);
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") throw new Refusal(415, "Send the body without a content encoding.");
}

/** The server itself would answer a body that is too long without a word, so its limit is out of the way and this one holds. */
async function readBytes(request: Request, bytesMax: number, { deadlines, enter }: BodyMeans): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bytesMax) throw tooLarge(bytesMax);
  enter(declared === null ? bytesMax : Number(declared));
  try {
    return await deadlines.race(declared === null ? readChunks(request, bytesMax) : request.bytes(), tooLate);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, "The body was cut off before its end.");
  }
}

async function readChunks({ body }: Request, bytesMax: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    chunks.push(value);
    bytes += value.length;
    if (bytes <= bytesMax) continue;
    await reader.cancel();
    throw tooLarge(bytesMax);
  }
}

/** Whoever sends so slowly has the connection closed, too. */
function tooLate(): Refusal {
  return new Refusal(408, `The body did not arrive within ${BODY_MS_MAX / 1000} s.`, { headers: { connection: "close" } });
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal(413, `The body may have at most ${bytesMax} bytes.`);
}

/** Throws {@link Refusal} (400), which speaks of `what`. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  if (isDeep(bytes)) throw new Refusal(400, `${what} is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  if (bytes.length === 0) throw new Refusal(400, `${what} is empty.`);
  try {
    const text = decoder.decode(bytes);
    return JSON.parse(text, mayNameToString(text) ? sayable : undefined) as unknown;
  } catch {
    throw new Refusal(400, `${what} is not JSON in UTF-8.`);
  }
}

/** By its name, or by escapes that may stand for it. */
function mayNameToString(text: string): boolean {
  return text.includes("toString") || text.includes("\\u");
}

/** Elysia writes what does not fit a schema into an error's text, and an object whose `toString` is no function cannot be written: it says so by itself. */
function sayable(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "toString")) return value;
  return Object.defineProperty(value, Symbol.toPrimitive, { value: () => "[object Object]" });
}

export function isDeep(bytes: Uint8Array): boolean {
  return bytes.length > JSON_DEPTH_MAX && isNested(bytes) && depthOf(bytes) > JSON_DEPTH_MAX;
}

/** Whether anything opens after the first byte: found in a fraction of the time that counting takes. */
function isNested(bytes: Uint8Array): boolean {
  return bytes.indexOf(OPEN_OBJECT as number, 1) !== -1 || bytes.indexOf(OPEN_ARRAY as number, 1) !== -1;
}

const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\[]{}') as unknown as number[];

/** How deep arrays and objects lie in each other, counted without recursion. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (quoted) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth -= 1;
  }
  return deepest;
}
