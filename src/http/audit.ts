import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { ACTOR_KINDS, type AuditRecord, type AuditStore } from "../store/store";
import { nullable, oneOf, PageFields, pageOf, pageSchema, pageView, RangeFields, rangeOf, TEXT_PATTERN, Time, timeOf } from "./fields";
import { operation } from "./document/operation";

const ACTOR_CHARS_MAX = 512;
const TARGET_CHARS_MAX = 256;

const AuditQuery = Type.Object(
  {
    actor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: ACTOR_CHARS_MAX,
        pattern: TEXT_PATTERN,
        description: "The id of the caller.",
        examples: ["admin"],
      }),
    ),
    operation: Type.Optional(
      Type.String({
        pattern: "^[a-z][A-Za-z]{0,63}$",
        description: "An operation's id, as this document names it.",
        examples: ["patchSensor"],
      }),
    ),
    target: Type.Optional(
      Type.String({ minLength: 1, maxLength: TARGET_CHARS_MAX, pattern: TEXT_PATTERN, description: "The id of what was edited." }),
    ),
    ...RangeFields,
    ...PageFields,
  },
  { additionalProperties: false },
);

const AuditEntry = Type.Object(
  {
    id: Type.String(),
    at: Time,
    actor: Type.Object({
      kind: oneOf(ACTOR_KINDS, {
        description: "`admin`: ADMIN_TOKEN. `cli`: the command line, straight in the database. `start`: the very first start.",
      }),
      id: Type.String({ description: "A token's id; of a JSON Web Token its subject and issuer." }),
      name: Type.String(),
    }),
    operation: Type.String(),
    target: nullable(Type.String(), { description: "The id of what was edited or made." }),
    requestId: Type.String(),
    address: nullable(Type.String(), { description: "Where the request came from." }),
    status: nullable(Type.Integer(), { description: "The status of the answer; null if the outcome is unknown." }),
    detail: Type.Record(Type.String(), Type.Unknown(), {
      description:
        "`fields`: what the body named. `body`: of what holds no secrets. `streamed`: the type of a list that was read as it came. `query`, `params`.",
    }),
  },
  { $id: "AuditEntry" },
);

export interface AuditOptions {
  readonly store: Pick<AuditStore, "listAudit">;
}

export function audit({ store }: AuditOptions) {
  return new Elysia({ name: "audit" }).get(
    "/v1/audit",
    async ({ query }) => {
      const { actor, operation: operationId, target } = query;
      const page = await store.listAudit({ actorId: actor, operation: operationId, target, range: rangeOf(query) }, pageOf(query));
      return pageView(page, entryView);
    },
    { query: AuditQuery, ...LIST },
  );
}

function entryView(record: AuditRecord): Static<typeof AuditEntry> {
  const { number, at, actorKind, actorId, actorName, operation: operationId, target, requestId, address, status, detail } = record;
  const actor = { kind: actorKind, id: actorId, name: actorName };
  return { id: `aud_${number}`, at: timeOf(at), actor, operation: operationId, target, requestId, address, status, detail };
}

const LIST = operation({
  id: "listAudit",
  tag: "Access",
  summary: "Who edited what, newest first",
  description:
    "Every edit is written down before it is made. All filters must hold; a page may hold less than its `limit` and have a next one.",
  scope: "admin",
  answers: { 200: { description: "A page.", schema: pageSchema(AuditEntry) } },
});
