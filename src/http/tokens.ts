import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { hashToken, mintToken, SCOPES } from "../domain/token";
import type { TokenRecord, TokenStore } from "../store/store";
import {
  GivenTime,
  instantOf,
  nullable,
  oneOf,
  OwnParams,
  pageOf,
  PageQuery,
  pageSchema,
  pageView,
  TEXT_PATTERN,
  Time,
  timeOf,
  TimeOrNull,
  timeOrNull,
} from "./fields";
import { IdempotencyKey } from "./idempotency";
import { operation } from "./operation";
import { invalid } from "./problems";

const NAME_CHARS_MAX = 128;

const TokenCreation = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX, pattern: TEXT_PATTERN, description: "Whose it is." }),
    scopes: Type.Array(oneOf(SCOPES), { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
    expiresAt: Type.Optional(nullable(GivenTime)),
  },
  { $id: "TokenCreation", additionalProperties: false, examples: [{ name: "gateway-7", scopes: ["reports:write"] }] },
);

const fields = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Time,
  expiresAt: TimeOrNull,
  lastUsedAt: TimeOrNull,
};
const Token = Type.Object(fields, { $id: "Token" });
const NewToken = Type.Object({ ...fields, token: Type.String({ description: "Shown only here." }) }, { $id: "NewToken" });

export interface TokensOptions {
  readonly store: Pick<TokenStore, "createToken" | "listTokens" | "deleteToken">;
  /** A token is out: forget what is known of it. */
  readonly revoked: (id: string) => void;
}

export function tokens({ store, revoked }: TokensOptions) {
  return new Elysia({ name: "tokens" })
    .get("/v1/tokens", async ({ query }) => pageView(await store.listTokens(pageOf(query)), tokenView), { query: PageQuery, ...LIST })
    .post(
      "/v1/tokens",
      async ({ body: { name, scopes, expiresAt }, set }) => {
        const token = mintToken();
        const expiry = expiresAt == null ? null : futureInstant(expiresAt);
        const record = await store.createToken({ id: newId(), name, hash: hashToken(token), scopes, expiresAt: expiry });
        set.status = 201;
        return { ...tokenView(record), token };
      },
      { headers: IdempotencyKey, body: TokenCreation, ...CREATE },
    )
    .delete(
      "/v1/tokens/:id",
      async ({ params: { id } }) => {
        await store.deleteToken(id);
        revoked(id);
        return new Response(null, { status: 204 });
      },
      { params: OwnParams, ...DELETE },
    );
}

function futureInstant(text: string): number {
  const instant = instantOf(text, "/expiresAt");
  if (instant <= Date.now()) throw invalid("The token is not valid.", [{ pointer: "/expiresAt", message: "is over" }]);
  return instant;
}

function newId(): string {
  return `tok_${Bun.randomUUIDv7().replaceAll("-", "")}`;
}

function tokenView({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: TokenRecord): Static<typeof Token> {
  const times = { createdAt: timeOf(createdAt), expiresAt: timeOrNull(expiresAt), lastUsedAt: timeOrNull(lastUsedAt) };
  return { id, name, scopes: [...scopes], ...times };
}

const LIST = operation({
  id: "listTokens",
  tag: "Access",
  summary: "List tokens",
  scope: "admin",
  answers: { 200: { description: "A page.", schema: pageSchema(Token) } },
});
const CREATE = operation({
  id: "createToken",
  tag: "Access",
  summary: "Make a token",
  scope: "admin",
  takesBody: true,
  answers: { 201: { description: "The token, which is shown only here.", schema: NewToken } },
  problems: [409],
});
const DELETE = operation({
  id: "deleteToken",
  tag: "Access",
  summary: "Revoke a token",
  description: "It is out within a second.",
  scope: "admin",
  answers: { 204: { description: "It is gone." } },
  problems: [404],
});
