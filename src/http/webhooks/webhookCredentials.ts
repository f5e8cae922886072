/** What a webhook's requests prove themselves with: taken in, never shown again. */
import { type Static, Type } from "@sinclair/typebox";
import { type Credentials, KEY_KINDS, liveKeys, publicKeys } from "../../domain/credentials";
import type { FieldError } from "../../domain/fault";
import { HEADER_VALUE_CHARS_MAX, headerProblem, HEADERS_MAX } from "../../domain/requestHeaders";
import { certificateErrors, certificateShown } from "./clientCertificate";
import { nullable, oneOf, TEXT_PATTERN, Time, timeOf, TimeOrNull, timeOrNull } from "../fields";
import { invalid } from "../problems";

const NAME_CHARS_MAX = 256;
const PASSWORD_CHARS_MAX = 1024;
const TOKEN_CHARS_MAX = 4096;
const PEM_CHARS_MAX = 64 * 1024;

const HeaderValue = Type.String({ minLength: 1, maxLength: HEADER_VALUE_CHARS_MAX });
const HEADERS = {
  maxProperties: HEADERS_MAX,
  description: "Sent with every request. Names of HTTP's own, `webhook-*` and `ce-*` are refused; values are shown nowhere.",
  examples: [{ "x-api-key": "made-up-key" }],
};

const Auth = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal("basic"),
        username: Type.String({ maxLength: NAME_CHARS_MAX, pattern: "^[^\\u0000-\\u001f\\u007f:\\ud800-\\udfff]*$" }),
        password: Type.String({ maxLength: PASSWORD_CHARS_MAX, pattern: "^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$" }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      { type: Type.Literal("bearer"), token: Type.String({ maxLength: TOKEN_CHARS_MAX, pattern: "^[\\x21-\\x7e]+$" }) },
      { additionalProperties: false },
    ),
  ],
  { description: "Sent as `authorization`." },
);

const Pem = Type.String({ minLength: 1, maxLength: PEM_CHARS_MAX, pattern: TEXT_PATTERN });
const ClientCertificate = Type.Object(
  { certificate: Pem, key: Pem, ca: Type.Optional(nullable(Pem)) },
  {
    $id: "ClientCertificate",
    additionalProperties: false,
    description: "PEM, for mutual TLS. `certificate` may be a chain; `ca` is whom the endpoint's own certificate must come from.",
  },
);

export const createdCredentials = {
  headers: Type.Optional(Type.Record(Type.String(), HeaderValue, HEADERS)),
  auth: Type.Optional(nullable(Auth)),
  clientCertificate: Type.Optional(nullable(ClientCertificate)),
  signatures: Type.Optional(
    Type.Array(oneOf(KEY_KINDS), {
      minItems: 1,
      uniqueItems: true,
      description: "Which keys are made: `v1` (HMAC-SHA256, the default), `v1a` (ed25519).",
      examples: [["v1", "v1a"]],
    }),
  ),
};

export const patchedCredentials = {
  headers: Type.Optional(
    nullable(Type.Record(Type.String(), nullable(HeaderValue), HEADERS), {
      description: "By name: null removes a header, headers that are not named stay. Null in place of the object removes all.",
    }),
  ),
  auth: Type.Optional(nullable(Auth)),
  clientCertificate: Type.Optional(nullable(ClientCertificate)),
};

const ShownKey = Type.Object(
  {
    id: Type.String(),
    kind: oneOf(KEY_KINDS),
    createdAt: Time,
    expiresAt: TimeOrNull,
    publicKey: Type.Optional(Type.String({ description: "`whpk_…`, of a `v1a`." })),
  },
  { $id: "SigningKey" },
);
export const ShownKeys = Type.Array(ShownKey, { description: "Those that sign now, newest first." });

export const shownCredentials = {
  keys: ShownKeys,
  headerNames: Type.Array(Type.String()),
  auth: nullable(Type.Object({ type: oneOf(["basic", "bearer"]), username: Type.Optional(Type.String()) })),
  clientCertificate: nullable(Type.Object({ subject: Type.String(), fingerprint256: Type.String(), validTo: Time })),
  credentialsError: nullable(Type.String(), {
    description: "Why the credentials cannot be decrypted, so that nothing is sent; normally null.",
  }),
};
const Shown = Type.Object(shownCredentials);
export type CredentialsView = Static<typeof Shown>;

const Patched = Type.Object(patchedCredentials);
export type GivenCredentials = Pick<Static<typeof Patched>, "headers" | "auth" | "clientCertificate">;

/** Undefined when none of them is given. What is left out stays. Throws a 422. */
export function credentialsWith(before: Credentials, given: GivenCredentials): Credentials | undefined {
  const { headers, auth, clientCertificate } = given;
  if (headers === undefined && auth === undefined && clientCertificate === undefined) return undefined;
  const after: Credentials = {
    keys: before.keys,
    headers: headersWith(before.headers, headers),
    auth: auth === undefined ? before.auth : auth,
    tls: clientCertificate === undefined ? before.tls : tlsOf(clientCertificate),
  };
  const errors = [...headerErrors(headers), ...clashes(after)];
  if (clientCertificate != null && after.tls !== null) errors.push(...certificateErrors(after.tls, Date.now()));
  if (errors.length > 0) throw invalid("The credentials are not valid.", errors);
  return after;
}

function tlsOf(given: NonNullable<GivenCredentials["clientCertificate"]> | null): Credentials["tls"] {
  return given === null ? null : { certificate: given.certificate, key: given.key, ca: given.ca ?? null };
}

/** Names are in lower case, since HTTP knows no other difference. */
function headersWith(before: Credentials["headers"], given: GivenCredentials["headers"]): Credentials["headers"] {
  if (given === undefined) return before;
  const headers = new Map(given === null ? [] : Object.entries(before));
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === null) headers.delete(name.toLowerCase());
    else headers.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(headers);
}

/** In the spelling of who gave them. */
function headerErrors(given: GivenCredentials["headers"]): FieldError[] {
  const seen = new Set<string>();
  return Object.entries(given ?? {}).flatMap(([name, value]) => {
    const twice = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    const message = twice ? "stands there twice" : value === null ? null : headerProblem(name, value);
    return message === null ? [] : [{ pointer: `/headers/${escaped(name)}`, message }];
  });
}

function clashes({ headers, auth }: Credentials): FieldError[] {
  const names = Object.keys(headers);
  return [
    ...(names.length > HEADERS_MAX ? [{ pointer: "/headers", message: `must be ${HEADERS_MAX} at most` }] : []),
    ...(auth !== null && names.includes("authorization") ? [{ pointer: "/auth", message: "excludes a header authorization" }] : []),
  ];
}

/** RFC 6901, section 3. */
function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What may be seen of them at `now`. */
export function credentialsView(credentials: Credentials, now: number): CredentialsView {
  const { headers, auth, tls } = credentials;
  const certificate = tls === null ? null : certificateShown(tls);
  return {
    keys: keysView(credentials, now),
    headerNames: Object.keys(headers),
    auth: auth === null ? null : auth.type === "basic" ? { type: auth.type, username: auth.username } : { type: auth.type },
    clientCertificate: certificate === null ? null : { ...certificate, validTo: timeOf(certificate.validTo) },
    credentialsError: null,
  };
}

export function unreadableView(reason: string): CredentialsView {
  return { keys: [], headerNames: [], auth: null, clientCertificate: null, credentialsError: reason };
}

export function keysView(credentials: Pick<Credentials, "keys">, now: number): Static<typeof ShownKeys> {
  const publicHalves = new Map(publicKeys(credentials, now).map(({ jwk, whpk }) => [jwk.kid, whpk]));
  return liveKeys(credentials.keys, now).map(({ id, kind, createdAt, expiresAt }) => {
    const publicKey = publicHalves.get(id);
    const times = { createdAt: timeOf(createdAt), expiresAt: timeOrNull(expiresAt) };
    return { id, kind, ...times, ...(publicKey === undefined ? {} : { publicKey }) };
  });
}
