import { readFileSync } from "node:fs";
import { join } from "node:path";
import ky from "ky";
import type { CliConfig } from "../config";
import { ADMIN_TOKEN_FILE } from "../firstToken";

const ANSWERS_WITHIN_MS = 1000;
const REQUEST_MS = 10_000;
const READS_AGAIN = { limit: 2, methods: ["get"], statusCodes: [503], afterStatusCodes: [503], maxRetryAfter: 2000 };
const NO_TOKEN =
  "set TOCSIN_TOKEN, or DATA_DIR to the data folder that holds the admin token; if it is lost, stop Tocsin and make another: tocsin token create --scopes admin";
/** What Bun adds where a connection is refused; we name the address. */
const BUNS_QUESTION = /\. Is the computer able to access the url\?$/;

/** What the API refused, or that nobody answered (`status` null). The message is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number | null,
    message: string,
  ) {
    super(message);
  }
}

/** The HTTP API of a running Tocsin. */
export interface Api {
  readonly url: string;
  /** Whether there is a token to speak with. */
  readonly hasToken: boolean;
  /** Whether anything answers there, within a second. */
  answers(): Promise<boolean>;
  /** The answer's JSON; undefined when it has no body. Throws {@link ApiError}. */
  request<Answer>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Answer>;
}

/** Without a token in the environment, the copy of the first admin token in the data folder serves, on this machine. */
export function openApi({ apiUrl, token, remote, dataDir }: Pick<CliConfig, "apiUrl" | "token" | "remote" | "dataDir">): Api {
  const bearer = token ?? (remote ? null : readTokenFile(dataDir));
  return {
    url: apiUrl,
    hasToken: bearer !== null,
    async answers() {
      try {
        const response = await fetch(`${apiUrl}/livez`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
        return response.ok;
      } catch {
        return false;
      }
    },
    async request<Answer>(method: string, path: string, body?: unknown) {
      const headers = new Headers({ accept: "application/json" });
      if (bearer !== null) headers.set("authorization", `Bearer ${bearer}`);
      if (body !== undefined) headers.set("content-type", method === "PATCH" ? "application/merge-patch+json" : "application/json");
      const sent = body === undefined ? null : JSON.stringify(body);
      const response = await send(`${apiUrl}${path}`, { method, headers, body: sent });
      const text = await response.text();
      if (!response.ok) throw new ApiError(response.status, refusal(response.status, text, `${method} ${path}`));
      return (text === "" ? undefined : JSON.parse(text)) as Answer;
    },
  };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    // Reads are tried again where the service says that it cannot answer just now; what changes something is for people to repeat.
    return await ky(url, { ...init, redirect: "error", timeout: REQUEST_MS, throwHttpErrors: false, retry: READS_AGAIN });
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(BUNS_QUESTION, "");
    throw new ApiError(null, `no answer from ${new URL(url).origin}: ${reason}`);
  }
}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

/** One line from an answer of RFC 9457. */
function refusal(status: number, text: string, request: string): string {
  const problem = parseProblem(text);
  const fields = (problem.errors ?? []).map(({ pointer, message }) => `${pointer || "/"} ${message}`).join("; ");
  const detail = problem.detail ?? problem.title ?? "";
  const said = fields === "" && status !== 401 ? detail : [detail.replace(/\.$/, ""), fields].filter(Boolean).join(": ");
  const hint = status === 401 ? `; ${NO_TOKEN}` : "";
  return `${request} was refused (${status})${said === "" ? "" : `: ${said}`}${hint}`;
}

function parseProblem(text: string): Problem {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Problem) : {};
  } catch {
    return {};
  }
}

function readTokenFile(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, ADMIN_TOKEN_FILE), "utf8").trim() || null;
  } catch {
    return null;
  }
}
