import type { Problem } from "./schema";

const DETAIL_CHARS_MAX = 500;

/** What the API answered instead of what was asked for (RFC 9457). A connection that fails throws what `fetch` throws. */
export class TocsinProblem extends Error {
  override readonly name = "TocsinProblem";
  readonly status: number;
  /** `urn:tocsin:problem:…`; it stays the same, unlike the message. */
  readonly type: string;
  readonly title: string;
  /** Which field is wrong, and why. */
  readonly errors: readonly { readonly pointer: string; readonly message: string }[];
  /** By which the service's log knows it. */
  readonly requestId: string | null;
  /** When to come again, as 429 and 503 say it. */
  readonly retryAfterMs: number | null;

  constructor(problem: Partial<Problem> & { readonly status: number }, retryAfterMs: number | null = null) {
    const { status, title = `HTTP ${status}`, detail = title, type = "about:blank", errors = [], requestId = null } = problem;
    super(detail);
    this.status = status;
    this.type = type;
    this.title = title;
    this.errors = errors;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of an answer that is no success; whoever stands between may have given it. */
export async function problemOf(response: Response): Promise<TocsinProblem> {
  const { status, headers } = response;
  const text = await response.text().catch(() => "");
  const seconds = Number(headers.get("retry-after") ?? "x");
  const retryAfterMs = Number.isNaN(seconds) ? null : seconds * 1000;
  const problem = (headers.get("content-type") ?? "").startsWith("application/problem+json") ? parsed(text) : null;
  const requestId = headers.get("x-request-id") ?? undefined;
  return new TocsinProblem({ requestId, ...(problem ?? { detail: text.slice(0, DETAIL_CHARS_MAX) || undefined }), status }, retryAfterMs);
}

function parsed(text: string): Partial<Problem> | null {
  try {
    return JSON.parse(text) as Partial<Problem>;
  } catch {
    return null;
  }
}
