/** What an answer tells that the document does not. */
import { type Described, headersOf, misfits, type OpenapiDocument, type ResponseObject, responseTo } from "../document";

export interface Judged {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body was read up to here, and goes on. */
  readonly cut?: boolean;
}

/** HTTP's own, and those that keep browsers safe: the introduction tells of them. */
const BESIDE = new Set([
  "cache-control",
  "connection",
  "content-length",
  "content-security-policy",
  "content-type",
  "cross-origin-resource-policy",
  "date",
  "referrer-policy",
  "strict-transport-security",
  "transfer-encoding",
  "vary",
  "x-content-type-options",
]);

/** Empty when the document allows it. A fault of the server's is never right, whatever the document says; 503 is for who takes things away. */
export function undocumented({ operation, method }: Described, answer: Judged, document: OpenapiDocument): string[] {
  const { status, text } = answer;
  if (status >= 500) return [`answered ${status}: ${text}`];
  const response = responseTo(operation, status, document);
  if (response === null) return [`answered ${status}, which is not in the document: ${text.slice(0, 500)}`];
  return unlike(response, { method, ...answer }, document);
}

/** The same of one answer that the document describes. */
export function unlike(response: ResponseObject, answer: Judged & { readonly method: string }, document: OpenapiDocument): string[] {
  return [...headerFaults(response, answer, document), ...bodyFaults(response, answer, document)];
}

function headerFaults(response: ResponseObject, { status, headers }: Judged, document: OpenapiDocument): string[] {
  const declared = headersOf(response, document);
  const missing = [...declared].filter(([name, { required }]) => required === true && !headers.has(name)).map(([name]) => name);
  const unknown = [...headers.keys()].filter((name) => !declared.has(name) && !BESIDE.has(name));
  return [
    ...missing.map((name) => `${status} lacks the header ${name}`),
    ...unknown.map((name) => `${status} has the header ${name}, which is not in the document`),
  ];
}

function bodyFaults(response: ResponseObject, answer: Judged & { readonly method: string }, document: OpenapiDocument): string[] {
  const { status, headers, text, method, cut = false } = answer;
  if (response.content === undefined || method === "HEAD") return text === "" ? [] : [`${status} has a body that is not in the document`];
  if (text === "" && headers.get("preference-applied") === "return=minimal") return [];
  const type = (headers.get("content-type") ?? "").split(";")[0] as string;
  const media = response.content[type];
  if (media === undefined) return [`answered ${status} as ${type}, which is not in the document`];
  if (type === "application/x-ndjson") {
    const lines = text.split("\n");
    // A whole body ends with a line's end.
    const whole = lines.slice(0, -1);
    const rest = lines.at(-1) === "" || cut ? [] : ["the last line has no end"];
    return [...rest, ...whole.flatMap((line) => jsonFaults(line, media.schema, document))];
  }
  if (type.endsWith("json")) return jsonFaults(text, media.schema, document);
  return misfits(text, { type: "string" }, document);
}

function jsonFaults(text: string, schema: Parameters<typeof misfits>[1], document: OpenapiDocument): string[] {
  try {
    return misfits(JSON.parse(text), schema, document);
  } catch {
    return [`is not JSON: ${text.slice(0, 200)}`];
  }
}
