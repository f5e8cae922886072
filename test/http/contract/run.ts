/** Makes steps against a server, one after the other, and holds every answer against the document. */
import type { Described, OpenapiDocument } from "../document";
import { type Judged, undocumented } from "./judge";
import { bytesOf, type Sent } from "./request";
import type { Credential, Given, Step } from "./steps";
import { Things } from "./things";

/** An answer that takes longer is none. */
const ANSWER_MS = 30_000;
/** Of what goes on for ever, so much is read. */
const STREAM_MS = 50;
const STREAM_TYPE = "text/event-stream";

export interface Access {
  readonly admin: string;
  /** By scope: a token that has it alone, and one that has every other but `admin`. */
  readonly exact: ReadonlyMap<string, string>;
  readonly others: ReadonlyMap<string, string>;
}

export interface RunOptions {
  readonly url: string;
  readonly document: OpenapiDocument;
  readonly access: Access;
  /** Ids that no call is to be about. */
  readonly spared: ReadonlySet<string>;
  /** Where webhooks may lead, instead of the addresses that examples name. */
  readonly receiver: string;
}

/** The document and the service disagree. */
class Broken extends Error {
  override readonly name = "Broken";
}

export class ContractRun {
  readonly #things: Things;
  readonly #tokens: string[] = [];
  readonly #seen = new Map<string, number>();
  #steps = 0;

  constructor(private readonly options: RunOptions) {
    this.#things = new Things(options.spared);
  }

  get steps(): number {
    return this.#steps;
  }

  /** `operationId status type`, of what the document promises and no answer was yet. */
  missing(operations: readonly Described[]): string[] {
    return operations.flatMap((described) => successesOf(described).filter((success) => !this.#seen.has(success)));
  }

  /** How often each status came, for each operation. */
  counts(): ReadonlyMap<string, number> {
    return this.#seen;
  }

  /** Throws what is wrong, with the request as it was sent. */
  async make(step: Step): Promise<void> {
    this.#steps += 1;
    const sent = this.#requestOf(step);
    for (const damage of step.damages) damage(sent);
    const token = this.#tokenOf(step);
    const answer = await this.#ask(sent, token);
    const method = step.asHead ? "HEAD" : step.described.method;
    const elsewhere = this.#isElsewhere(sent, step);
    const wrong = elsewhere ? faultsElsewhere(answer) : undocumented({ ...step.described, method }, answer, this.options.document);
    if (!elsewhere) wrong.push(...accessFaults(step, answer));
    if (wrong.length > 0) throw new Broken(`${told(sent, step)}\n  ${wrong.join("\n  ")}`);
    this.#note(step, sent, answer);
  }

  #requestOf({ described: { method, path, operation }, given, body, asHead }: Step): Sent {
    const sent: Sent = { method: asHead ? "HEAD" : method, path, query: [], headers: {}, body: null };
    const holders = [...path.matchAll(/([^/]+)\/\{(\w+)\}/g)];
    // The last one first: what stands before it in the path belongs to it.
    let parent: string | null = null;
    for (const [, noun = "", name = ""] of holders.toReversed()) {
      const { value, known } = given[name] as Given;
      const found = known === null ? null : this.#things.pick(KINDS[noun] ?? noun, known);
      sent.path = sent.path.replace(`{${name}}`, encodeURIComponent(parent ?? found?.id ?? String(value)));
      parent = found?.parent ?? null;
    }
    for (const { name, in: place } of operation.parameters ?? []) {
      const each = given[name];
      if (each === undefined || place === "path") continue;
      const value = this.#knownFor(name, each, sent.path) ?? each.value;
      if (place === "header") sent.headers[name] = visible(String(value));
      else for (const one of [value].flat()) sent.query.push([name, encodeURIComponent(wellFormed(String(one)))]);
    }
    if (body !== null) {
      sent.body = body.body;
      sent.headers["content-type"] = body.type;
    }
    return sent;
  }

  #knownFor(name: string, { known }: Given, at: string): string | null {
    if (known === null) return null;
    if (name === "if-match" || name === "if-none-match") return this.#things.pick(`etag ${at}`, known)?.id ?? null;
    if (name === "cursor" || name === "last-event-id") return this.#things.pick(`${name} ${at}`, known)?.id ?? null;
    const kind = /^(\w+)Id$/.exec(name)?.[1];
    return kind === undefined ? null : (this.#things.pick(`${kind}s`, known)?.id ?? null);
  }

  #tokenOf({ credential, described: { operation } }: Step): string | null {
    const { admin, exact, others } = this.options.access;
    const scope = operation.security[0]?.["bearer"]?.[0] ?? "";
    const tokens: Record<Credential, string | null> = {
      admin,
      exact: exact.get(scope) ?? admin,
      others: others.get(scope) ?? admin,
      made: this.#tokens.at(-1) ?? admin,
      none: null,
      garbage: "tcs_none-of-ours",
    };
    return tokens[credential];
  }

  async #ask({ method, path, query, headers, body }: Sent, token: string | null): Promise<Judged> {
    const search = query.length === 0 ? "" : `?${query.map(([name, value]) => `${name}=${value}`).join("&")}`;
    const sent = new Headers(headers);
    if (token !== null) sent.set("authorization", `Bearer ${token}`);
    const asked = new AbortController();
    const late = setTimeout(() => asked.abort(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    try {
      const bytes = body === null ? null : this.#localized(bytesOf(body));
      const response = await fetch(`${this.options.url}${path}${search}`, {
        method,
        headers: sent,
        body: bytes,
        signal: asked.signal,
        redirect: "manual",
      });
      const { status, headers: got } = response;
      if (!(got.get("content-type") ?? "").startsWith(STREAM_TYPE)) return { status, headers: got, text: await response.text() };
      const text = await beginningOf(response);
      asked.abort();
      return { status, headers: got, text, cut: true };
    } finally {
      clearTimeout(late);
    }
  }

  /** Webhooks of this run lead to the receiver: nobody else is to be told. */
  #localized(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const text = Buffer.from(bytes).toString("latin1");
    return new Uint8Array(Buffer.from(text.replaceAll(/https?:\/\/example\.(?:com|org)/g, this.options.receiver), "latin1"));
  }

  /** A damaged path is another one; what it may answer is told by nobody but the problems that any path may have. */
  #isElsewhere({ path }: Sent, { described }: Step): boolean {
    const [asked, wanted] = [path.split("/"), described.path.split("/")];
    const fits = asked.length === wanted.length && wanted.every((segment, index) => segment.startsWith("{") || segment === asked[index]);
    const holders = asked.filter((_segment, index) => wanted[index]?.startsWith("{"));
    const isPlain = holders.every((segment) => segment !== "" && !/^(?:\.|%2e){1,2}$/i.test(segment));
    return !fits || !isPlain || this.#isOther(path, described.path);
  }

  /** A name that is written out goes before a parameter in the same place. */
  #isOther(path: string, template: string): boolean {
    return Object.keys(this.options.document.paths).some((other) => {
      const segments = other.split("/");
      const asked = path.split("/");
      const holds =
        segments.length === asked.length && segments.every((segment, index) => segment.startsWith("{") || segment === asked[index]);
      return other !== template && holds && (other.match(/\{/g) ?? []).length < (template.match(/\{/g) ?? []).length;
    });
  }

  #note({ described }: Step, { path }: Sent, { status, headers, text }: Judged): void {
    const type = (headers.get("content-type") ?? "").split(";")[0] as string;
    const { operationId } = described.operation;
    const key = `${operationId} ${status}${status < 300 && type !== "" ? ` ${type}` : ""}`;
    this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1);
    if (status >= 300 || text === "") return;
    const etag = headers.get("etag");
    if (etag !== null) this.#things.add(`etag ${path}`, etag);
    const [, noun, id] = /^\/v1\/([\w-]+)\/([^/]+)$/.exec(headers.get("location") ?? "") ?? [];
    if (noun !== undefined && id !== undefined) this.#things.add(noun, decodeURIComponent(id));
    if (type === STREAM_TYPE)
      for (const [, event] of text.matchAll(/^id: ?(.+)$/gm)) this.#things.add(`last-event-id ${path}`, event as string);
    if (type !== "application/json") return;
    const body = JSON.parse(text) as { nextCursor?: string | null; token?: string };
    this.#things.learn(body, { path: described.path, at: path });
    if (typeof body.nextCursor === "string") this.#things.add(`cursor ${path}`, body.nextCursor);
    if (typeof body.token === "string") this.#tokens.push(body.token);
  }
}

/** Nouns of paths that are called by others' ids. */
const KINDS: Readonly<Record<string, string>> = { "webhook-keys": "webhooks" };

function successesOf({ operation }: Described): string[] {
  const { operationId, responses } = operation;
  return Object.entries(responses)
    .filter(([status]) => status.startsWith("2"))
    .flatMap(([status, response]) => {
      const types = "content" in response ? Object.keys(response.content ?? {}) : [];
      return types.length === 0 ? [`${operationId} ${status}`] : types.map((type) => `${operationId} ${status} ${type}`);
    });
}

function faultsElsewhere({ status, headers }: Judged): string[] {
  const isProblem = headers.get("content-type") === "application/problem+json";
  return status >= 500 || (status >= 400 && !isProblem) ? [`answered ${status} at another path`] : [];
}

/** What `security` promises. */
function accessFaults({ credential, described: { operation } }: Step, { status }: Judged): string[] {
  if (operation.security.length === 0) return [];
  const refused = credential === "none" || credential === "garbage";
  if (refused && status !== 401 && status !== 429) return [`answered ${status} without a valid token`];
  const isAdmins = operation.security[0]?.["bearer"]?.[0] === "admin";
  if (credential === "others" && !isAdmins && status < 400) return [`answered ${status} without the scope`];
  if ((credential === "exact" || credential === "admin") && (status === 401 || status === 403))
    return [`answered ${status} with the scope`];
  return [];
}

function told({ method, path, query, headers, body }: Sent, { credential }: Step): string {
  const search = query.map(([name, value]) => `${name}=${value}`).join("&");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text = body === null ? "" : Buffer.from(bytesOf(body)).toString().slice(0, 2000);
  return [`${method} ${path}${search === "" ? "" : `?${search}`} (${credential})`, ...lines, text].filter(Boolean).join("\n");
}

async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const end = Bun.sleep(STREAM_MS).then(() => null);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const read = await Promise.race([reader.read(), end]);
    if (read === null || read.done) return text;
    text += decoder.decode(read.value, { stream: true });
  }
}

/** As a header can hold it. */
function visible(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").trim();
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}
