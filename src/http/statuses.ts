import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault } from "../domain/fault";
import { STATUS_PATTERN } from "../domain/report";
import { SEVERITIES, STATUS_CATALOGUE } from "../domain/severity";
import { BUILT_IN_VERSION, STATUS_DESCRIPTION_CHARS_MAX, STATUSES_MAX } from "../domain/statusCatalogue";
import type { StatusRecord, StatusStore } from "../store/store";
import { type Calls, demandAll, leftAsItWas } from "./calls";
import { nullable, oneOf, pageOf, PageQuery, pageSchema, TEXT_PATTERN, TimeOrNull, timeOrNull } from "./fields";
import { operation } from "./document/operation";
import { doneWithoutBody, NO_BODY_WHEN_MINIMAL, PREFER, preferred } from "./prefer";
import { invalid } from "./problems";
import { ETAG_HEADER, etagOf, IF_MATCH, IfMatch, IfNoneMatch, NOT_MODIFIED, notModified, onVersion } from "./versions";

const CODE = { pattern: STATUS_PATTERN, examples: ["door.open"] };
const Code = Type.String(CODE);
const StatusParams = Type.Object({ status: Type.String({ ...CODE, description: "The status, as reports name it." }) });

const StatusEdit = Type.Object(
  {
    severity: oneOf(SEVERITIES),
    description: Type.Optional(Type.String({ maxLength: STATUS_DESCRIPTION_CHARS_MAX, pattern: TEXT_PATTERN })),
  },
  { $id: "StatusEdit", additionalProperties: false, examples: [{ severity: "warning", description: "The door stands open." }] },
);

const Status = Type.Object(
  {
    status: Code,
    severity: oneOf(SEVERITIES, { description: "For reports that give this status and no severity." }),
    description: Type.String(),
    source: oneOf(["builtIn", "operator"], { description: "Who set the severity; `operator` also for a built-in status that was edited." }),
    builtInSeverity: nullable(oneOf(SEVERITIES), {
      description: "The severity without the operator's edit; null for a status that is not built in.",
    }),
    version: Type.Integer({
      description: `The number of the catalogue's edit that set it, ${BUILT_IN_VERSION} if nobody edited it; the \`ETag\`.`,
    }),
    createdAt: TimeOrNull,
    updatedAt: TimeOrNull,
  },
  { $id: "Status" },
);
type Status = Static<typeof Status>;

const PutHeaders = Type.Object({ ...IF_MATCH, ...PREFER });

const CATALOGUE = "edits of the catalogue need";

export interface StatusesOptions {
  readonly calls: Calls;
  readonly store: StatusStore;
}

export function statuses({ store, calls }: StatusesOptions) {
  return new Elysia({ name: "statuses" })
    .get("/v1/statuses", async ({ query }) => pageOfAll(await store.listStatuses(), query), { query: PageQuery, ...LIST })
    .get(
      "/v1/statuses/:status",
      async ({ params: { status }, headers, set }) => {
        const view = await known(store, status);
        return notModified(headers, () => etagOf(view.version)) ?? versioned(view, set.headers);
      },
      { params: StatusParams, headers: IfNoneMatch, ...GET },
    )
    .put(
      "/v1/statuses/:status",
      async ({ params: { status }, body: { severity, description = "" }, headers, set, request }) => {
        demandAll(calls, request, CATALOGUE);
        const ifMatch = headers["if-match"];
        if (ifMatch?.trim() === "*") await demandThere(store, status);
        const draft = { status, severity, description };
        const { record, created, unchanged } = await onVersion(ifMatch, (wanted) => store.putStatus(draft, wanted));
        leftAsItWas(calls, request, unchanged);
        if (created) {
          set.status = 201;
          set.headers["location"] = `/v1/statuses/${status}`;
        }
        return preferred(headers.prefer, set, versioned(viewOf(record), set.headers));
      },
      { params: StatusParams, headers: PutHeaders, body: StatusEdit, ...PUT },
    )
    .delete(
      "/v1/statuses/:status",
      async ({ params: { status }, headers, request }) => {
        demandAll(calls, request, CATALOGUE);
        await onVersion(headers["if-match"], (wanted) => store.deleteStatus(status, wanted));
        return new Response(null, { status: 204 });
      },
      { params: StatusParams, headers: IfMatch, ...DELETE },
    );
}

async function known(store: StatusStore, status: string): Promise<Status> {
  const view = (await find(store, status)) ?? null;
  if (view === null) throw new Fault("notFound", `There is no status ${status} in the catalogue.`);
  return view;
}

async function demandThere(store: StatusStore, status: string): Promise<void> {
  if ((await find(store, status)) === null) throw new Fault("preconditionFailed", `Status ${status} is not in the catalogue.`);
}

async function find(store: StatusStore, status: string): Promise<Status | null> {
  const record = await store.getStatus(status);
  if (record !== null) return viewOf(record);
  return STATUS_CATALOGUE.has(status) ? builtInView(status) : null;
}

function versioned(view: Status, headers: Record<string, string | number>): Status {
  headers["etag"] = etagOf(view.version);
  return view;
}

function viewOf({ status, severity, description, version, createdAt, updatedAt }: StatusRecord): Status {
  const builtInSeverity = STATUS_CATALOGUE.get(status) ?? null;
  const times = { createdAt: timeOrNull(createdAt), updatedAt: timeOrNull(updatedAt) };
  return { status, severity, description, source: "operator", builtInSeverity, version, ...times };
}

function builtInView(status: string): Status {
  const severity = STATUS_CATALOGUE.get(status) ?? "unknown";
  const never = { createdAt: null, updatedAt: null };
  return { status, severity, description: "", source: "builtIn", builtInSeverity: severity, version: BUILT_IN_VERSION, ...never };
}

/** By status, ascending; the cursor is the status that comes next, whether it is still there or not. */
function pageOfAll(records: readonly StatusRecord[], query: Static<typeof PageQuery>): { items: Status[]; nextCursor: string | null } {
  const { limit, cursor } = pageOf(query);
  const edited = new Set(records.map(({ status }) => status));
  const untouched = [...STATUS_CATALOGUE.keys()].filter((status) => !edited.has(status));
  const all = [...records.map(viewOf), ...untouched.map(builtInView)].toSorted((a, b) => (a.status < b.status ? -1 : 1));
  const from = cursor === null ? "" : statusAt(cursor);
  const rest = all.filter(({ status }) => status >= from);
  const next = rest[limit]?.status;
  return { items: rest.slice(0, limit), nextCursor: next === undefined ? null : Buffer.from(next).toString("base64url") };
}

const STATUS = new RegExp(STATUS_PATTERN);

function statusAt(cursor: string): string {
  const status = Buffer.from(cursor, "base64url").toString("utf8");
  if (STATUS.test(status)) return status;
  throw invalid("The query is not valid.", [{ pointer: "/cursor", message: "must be the nextCursor of a page of this list" }]);
}

const ONE = { description: "The status.", schema: Status, headers: ETAG_HEADER };
const MADE = { ...ONE, description: `The status. ${NO_BODY_WHEN_MINIMAL}`, headers: { ...ETAG_HEADER, location: "Its path." } };

const LIST = operation({
  id: "listStatuses",
  tag: "Catalogue",
  summary: "List the statuses whose severity is known",
  description: "Those that are built in, and those that operators set. Any other status is `unknown` unless its report says otherwise.",
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Status) } },
});
const GET = operation({
  id: "getStatus",
  tag: "Catalogue",
  summary: "One status",
  scope: "sensors:read",
  answers: { 200: ONE, ...NOT_MODIFIED },
  problems: [404],
});
const PUT = operation({
  id: "putStatus",
  tag: "Catalogue",
  summary: "Set a status's severity",
  description:
    "Applies to every report that is processed afterwards, on every node, and to none that was processed before: no state changes by itself. " +
    `At most ${STATUSES_MAX} statuses are set.`,
  scope: "sensors:write",
  takesBody: true,
  answers: { 200: ONE, 201: MADE, ...doneWithoutBody(ETAG_HEADER) },
  problems: [404, 409, 412],
});
const DELETE = operation({
  id: "deleteStatus",
  tag: "Catalogue",
  summary: "Undo what was set for a status",
  description: "A built-in status gets its own severity back; any other is `unknown` from then on, unless its report says otherwise.",
  scope: "sensors:write",
  answers: { 204: { description: "It is as built in again, or gone." } },
  problems: [404, 409, 412],
});
