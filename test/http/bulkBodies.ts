import type { Answer, TestApi } from "./api";

/** What is told of one item. */
export interface ItemResult {
  readonly index: number;
  readonly status: number;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
  readonly detail?: string;
  readonly [field: string]: unknown;
}

export interface BulkResult {
  readonly accepted: number;
  readonly refused: number;
  readonly stopped: { readonly status: number; readonly detail: string } | null;
  readonly items: readonly ItemResult[];
}

export const LINES = "application/x-ndjson";

/** What an answer tells, in whichever form. */
export function bulkResult({ text, headers }: Pick<Answer, "text" | "headers">): BulkResult {
  if (headers.get("content-type") !== LINES) return JSON.parse(text) as BulkResult;
  const lines = text.trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line) as unknown);
  return { ...(parsed.pop() as Omit<BulkResult, "items">), items: parsed as ItemResult[] };
}

export interface Bulk {
  readonly method: "POST" | "PUT";
  readonly path: string;
}

export const REPORTS: Bulk = { method: "POST", path: "/v1/reports" };
export const SENSORS: Bulk = { method: "PUT", path: "/v1/sensors" };

interface Sending {
  readonly form?: "json" | "lines";
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Items, each as JSON text. */
export async function sendTexts(api: TestApi, { method, path }: Bulk, texts: readonly string[], sending: Sending = {}) {
  const { form = "lines", token, headers } = sending;
  const body = form === "json" ? `[${texts.join(",")}]` : texts.map((text) => `${text}\n`).join("");
  const type = form === "json" ? "application/json" : LINES;
  const answer = await api.request(method, path, { body, type, headers, ...(token === undefined ? {} : { token }) });
  return {
    answer,
    status: answer.status,
    ...(answer.status < 300 ? bulkResult(answer) : { accepted: 0, refused: 0, stopped: null, items: [] }),
  };
}

export function sendItems(api: TestApi, bulk: Bulk, items: readonly unknown[], sending?: Sending) {
  return sendTexts(
    api,
    bulk,
    items.map((item) => JSON.stringify(item)),
    sending,
  );
}

export function statusesOf({ items }: Pick<BulkResult, "items">): number[] {
  return items.map(({ status }) => status);
}
