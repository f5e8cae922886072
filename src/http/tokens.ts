import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { type Calls, leftAsItWas } from "./calls";
import { Fault, type FieldError } from "../domain/fault";
import type { Reach } from "../domain/reach";
import { hashToken, SCOPES, SCOPES_WITHIN_REACH } from "../domain/token";
import type { TokenRecord, TokenStore } from "../store/store";
import type { TokenMint } from "../tokenMint";
import {
  GivenTime,
  instantOf,
  Labels,
  nullable,
  oneOf,
  OwnParams,
  pageOf,
  PageQuery,
  pageSchema,
  pageView,
  SensorId,
  TEXT_PATTERN,
  Time,
  timeOf,
  TimeOrNull,
  timeOrNull,
} from "./fields";
import { IdempotencyKey } from "./gate/idempotency";
import { operation } from "./document/operation";
import { doneWithoutBody, Prefer, preferred } from "./prefer";
import { invalid } from "./problems";

const NAME_CHARS_MAX = 128;

const Name = Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX, pattern: TEXT_PATTERN, description: "Who uses it." });
const Expiry = nullable(GivenTime, { description: "Null: valid until it is revoked." });

const TokenCreation = Type.Object(
  {
    name: Name,
    scopes: Type.Array(oneOf(SCOPES), { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
    sensorId: Type.Optional(nullable(SensorId, { description: "Limits the token to this sensor. Cannot be combined with `labels`." })),
    labels: Type.Optional(
      nullable(Labels, { description: "Limits the token to sensors that carry all of these labels. Cannot be combined with `sensorId`." }),
    ),
    expiresAt: Type.Optional(Expiry),
  },
  {
    $id: "TokenCreation",
    additionalProperties: false,
    description: `With a \`sensorId\` or \`labels\` its scopes can be ${SCOPES_WITHIN_REACH.join(", ")}.`,
    examples: [
      { name: "dashboard", scopes: ["sensors:read", "webhooks:read"] },
      { name: "boiler-7", scopes: ["reports:write"], sensorId: "boiler-7" },
      { name: "north", scopes: ["sensors:read", "reports:write"], labels: { site: "north" }, expiresAt: "2099-01-01T00:00:00Z" },
    ],
  },
);
type TokenCreation = Static<typeof TokenCreation>;

const TokenPatch = Type.Object(
  { name: Type.Optional(Name), expiresAt: Type.Optional(Expiry) },
  {
    $id: "TokenPatch",
    additionalProperties: false,
    description: "What a token may do stays as it was made: for other scopes or sensors, make another token.",
    examples: [{ name: "gateway-7, north" }, { expiresAt: "2099-01-01T00:00:00Z" }],
  },
);

const fields = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  sensorId: nullable(Type.String(), { description: "The one sensor that it reaches; null for no such limit." }),
  labels: nullable(Type.Record(Type.String(), Type.String()), {
    description: "What the sensors carry that it reaches; null for no such limit.",
  }),
  createdAt: Time,
  expiresAt: TimeOrNull,
  lastUsedAt: Type.Union([Time, Type.Null()], { description: "Exact to about a minute." }),
};
const Token = Type.Object(fields, { $id: "Token" });
const NewToken = Type.Object({ ...fields, token: Type.String({ description: "Shown only here." }) }, { $id: "NewToken" });

export interface TokensOptions {
  readonly calls: Calls;
  readonly store: Pick<TokenStore, "createToken" | "getToken" | "listTokens" | "updateToken" | "deleteToken">;
  readonly mint: Pick<TokenMint, "mint">;
  /** A token was made, edited or revoked: that holds from now on. */
  readonly changed: (id: string) => void;
}

export function tokens({ calls, store, mint, changed }: TokensOptions) {
  return new Elysia({ name: "tokens" })
    .get("/v1/tokens", async ({ query }) => pageView(await store.listTokens(pageOf(query)), tokenView), { query: PageQuery, ...LIST })
    .post(
      "/v1/tokens",
      async ({ body, set }) => {
        const { name, scopes, expiresAt } = body;
        const token = mint.mint();
        const made = { id: newId(), name, hash: hashToken(token), scopes, reach: reachIn(body), expiresAt: expiryOf(expiresAt) };
        const record = await store.createToken(made);
        changed(record.id);
        set.status = 201;
        set.headers["location"] = `/v1/tokens/${record.id}`;
        return { ...tokenView(record), token };
      },
      { headers: IdempotencyKey, body: TokenCreation, ...CREATE },
    )
    .get("/v1/tokens/:id", async ({ params: { id } }) => tokenView(await known(store, id)), { params: OwnParams, ...GET })
    .patch(
      "/v1/tokens/:id",
      async ({ params: { id }, body: { name, expiresAt }, headers, set, request }) => {
        const expiry = expiresAt === undefined ? {} : { expiresAt: expiryOf(expiresAt) };
        const { record, unchanged } = await store.updateToken(id, { ...(name === undefined ? {} : { name }), ...expiry });
        if (!unchanged) changed(id);
        leftAsItWas(calls, request, unchanged);
        return preferred(headers.prefer, set, tokenView(record));
      },
      { params: OwnParams, headers: Prefer, body: TokenPatch, ...PATCH },
    )
    .delete(
      "/v1/tokens/:id",
      async ({ params: { id } }) => {
        await store.deleteToken(id);
        changed(id);
        return new Response(null, { status: 204 });
      },
      { params: OwnParams, ...DELETE },
    );
}

async function known(store: Pick<TokenStore, "getToken">, id: string): Promise<TokenRecord> {
  const record = await store.getToken(id);
  if (record === null) throw new Fault("notFound", `There is no token ${id}.`);
  return record;
}

/** Throws a 422 for what cannot be. */
function reachIn({ sensorId, labels, scopes }: TokenCreation): Reach | null {
  const ofLabels = labels == null ? null : { labels };
  const reach = sensorId == null ? ofLabels : { sensorId };
  if (reach === null) return null;
  const errors: FieldError[] = [];
  if (sensorId != null && labels != null) errors.push({ pointer: "/labels", message: "cannot be set beside sensorId" });
  if (labels != null && Object.keys(labels).length === 0) errors.push({ pointer: "/labels", message: "must name at least one label" });
  for (const [index, scope] of scopes.entries()) {
    if (SCOPES_WITHIN_REACH.includes(scope)) continue;
    const message = `speaks of all sensors: a token that is limited to some of them can have ${SCOPES_WITHIN_REACH.join(", ")}`;
    errors.push({ pointer: `/scopes/${index}`, message });
  }
  if (errors.length > 0) throw invalid("The token is not valid.", errors);
  return reach;
}

function expiryOf(text: string | null | undefined): number | null {
  return text == null ? null : futureInstant(text);
}

function futureInstant(text: string): number {
  const instant = instantOf(text, "/expiresAt");
  if (instant <= Date.now()) throw invalid("The token is not valid.", [{ pointer: "/expiresAt", message: "lies in the past" }]);
  return instant;
}

function newId(): string {
  return `tok_${Bun.randomUUIDv7().replaceAll("-", "")}`;
}

function tokenView({ id, name, scopes, reach, createdAt, expiresAt, lastUsedAt }: TokenRecord): Static<typeof Token> {
  const sensorId = reach !== null && "sensorId" in reach ? reach.sensorId : null;
  const labels = reach !== null && "labels" in reach ? { ...reach.labels } : null;
  const times = { createdAt: timeOf(createdAt), expiresAt: timeOrNull(expiresAt), lastUsedAt: timeOrNull(lastUsedAt) };
  return { id, name, scopes: [...scopes], sensorId, labels, ...times };
}

const LIST = operation({
  id: "listTokens",
  tag: "Access",
  summary: "List tokens by id",
  scope: "admin",
  answers: { 200: { description: "A page.", schema: pageSchema(Token) } },
});
const CREATE = operation({
  id: "createToken",
  tag: "Access",
  summary: "Make a token",
  scope: "admin",
  takesBody: true,
  answers: { 201: { description: "The token, which is shown only in this answer.", schema: NewToken, headers: { location: "Its path." } } },
  problems: [409],
});
const GET = operation({
  id: "getToken",
  tag: "Access",
  summary: "One token",
  description: "Everything except the token itself, which is never shown again.",
  scope: "admin",
  answers: { 200: { description: "The token.", schema: Token } },
  problems: [404],
});
const PATCH = operation({
  id: "patchToken",
  tag: "Access",
  summary: "Rename a token, or change its expiry",
  description: "The edit is in effect on every node within a second. Neither its scopes nor the sensors that it reaches can be edited.",
  scope: "admin",
  takesBody: true,
  answers: { 200: { description: "The token.", schema: Token }, ...doneWithoutBody({}) },
  problems: [404],
});
const DELETE = operation({
  id: "deleteToken",
  tag: "Access",
  summary: "Revoke a token",
  description: "It stops working at once on this node, and within a second on every other one.",
  scope: "admin",
  answers: { 204: { description: "It is gone." } },
  problems: [404],
});
