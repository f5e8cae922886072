import type { Credentials } from "../../domain/credentials";
import { isReservedHeader } from "../../domain/requestHeaders";
import type { Webhook, WebhookSettings } from "../../domain/webhook";
import { type Signer, signersOf } from "./signature";

export type Auth = NonNullable<Credentials["auth"]>;

/** PEM. `ca`: whom the endpoint's certificate must come from; null for the well-known ones. */
export type ClientTls = NonNullable<Credentials["tls"]>;

/** What a webhook's credentials give to its requests. */
export interface Opened {
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: Auth | null;
  readonly tls: ClientTls | null;
  /** Those whose keys are valid at `now`, epoch milliseconds. */
  readonly signers: (now: number) => readonly Signer[];
}

/** What is the same for all requests of a webhook, until it is edited. */
export interface Endpoint extends Pick<Opened, "tls" | "signers"> {
  readonly webhookId: string;
  readonly url: string;
  readonly format: WebhookSettings["format"];
  /** Whether it is sent several deliveries in one request, and so a single one in the same shape. */
  readonly batches: boolean;
  readonly timeoutMs: number;
  /** Names in lower case, none of them reserved. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the endpoint knows of us and must not be shown, should an answer repeat it. */
  readonly hidden: readonly string[];
}

/** Shorter ones would be found everywhere. */
const HIDDEN_CHARS_MIN = 4;

export function endpointOf({ id, url, settings }: Pick<Webhook, "id" | "url" | "settings">, opened: Opened): Endpoint {
  const { tls, signers } = opened;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(opened.headers)) if (!isReservedHeader(name)) headers[name.toLowerCase()] = value;
  const authorization = authorizationOf(opened.auth);
  if (authorization !== null) headers["authorization"] = authorization;
  return {
    webhookId: id,
    url,
    format: settings.format,
    batches: settings.batch !== null,
    timeoutMs: settings.timeoutSeconds * 1000,
    headers,
    tls,
    signers,
    hidden: hiddenOf(Object.values(headers), opened.auth),
  };
}

/** RFC 7617 (in UTF-8) and RFC 6750. */
function authorizationOf(auth: Auth | null): string | null {
  if (auth === null) return null;
  if (auth.type === "bearer") return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
}

/** Whole values, and what stands behind a scheme such as `Bearer`; the longest first, so that none is shown by half. */
function hiddenOf(values: readonly string[], auth: Auth | null): string[] {
  const told = values.flatMap((value) => [value, value.slice(value.indexOf(" ") + 1)]);
  if (auth?.type === "basic") told.push(auth.password);
  return [...new Set(told)].filter(({ length }) => length >= HIDDEN_CHARS_MIN).sort((a, b) => b.length - a.length);
}

export function openedFrom({ keys, headers, auth, tls }: Credentials): Opened {
  return { headers, auth, tls, signers: (now) => signersOf({ keys }, now) };
}

/** Of credentials that do not open: nothing signs, so nothing is sent. */
export const UNOPENED: Opened = { headers: {}, auth: null, tls: null, signers: () => [] };
