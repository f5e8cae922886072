/** Who edited what: written down before it is done, so that no edit goes unrecorded, and completed with its end. */
import { Fault, isFault } from "../../domain/fault";
import type { AuditDraft, AuditStore } from "../../store/store";
import type { Caller } from "./bearers";
import type { Route } from "../gate/routeTable";
import { StreamedBody } from "../gate/streamedBody";

/** Longer ids are nobody's. */
const TARGET_CHARS_MAX = 256;
const FIELDS_MAX = 64;
const FIELD_CHARS_MAX = 128;
/** A longer body is told by its fields alone. */
const BODY_CHARS_MAX = 4096;
const QUERY_CHARS_MAX = 2048;
/** What is edited under these tags holds no secrets. */
const OPEN_TAGS = new Set(["Sensors", "Catalogue", "Access"]);

export interface Edit {
  readonly caller: Caller;
  readonly route: Route;
  readonly template: string;
  readonly path: string;
  readonly requestId: string;
  readonly address: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Asked once it is answered: whether it left everything as it was. */
  readonly isNone: () => boolean;
}

export interface AuditTrail {
  /** Nothing is kept of an edit that turned out to be none. Serves it, unless it cannot be written down: throws `Fault` (unavailable) then. */
  around(edit: Edit, serve: () => Response | Promise<Response>): Promise<Response>;
}

/** `notCompleted`: it was made, and its end could not be written down. */
export function createAuditTrail(
  store: Pick<AuditStore, "recordEdit" | "completeEdit" | "withdrawEdit">,
  notCompleted: (error: unknown) => void,
): AuditTrail {
  return {
    async around(edit, serve) {
      const number = await store.recordEdit(draftOf(edit)).catch((error: unknown) => {
        if (!isFault(error)) throw error;
        throw new Fault("unavailable", `Nothing was done, because the audit log cannot be written: ${error.message}.`, {
          cause: error,
        });
      });
      const response = await serve();
      const target = madeTarget(response.headers.get("location"));
      const end = edit.isNone() ? store.withdrawEdit(number) : store.completeEdit(number, { status: response.status, target });
      await end.catch(notCompleted);
      return response;
    },
  };
}

function draftOf({ caller, route, template, path, requestId, address, query, body }: Edit): AuditDraft {
  const { id, status, ...params } = paramsOf(template, path);
  return {
    actorKind: caller.kind,
    actorId: caller.id,
    actorName: caller.name,
    operation: route.operationId,
    target: id ?? status ?? null,
    requestId,
    address,
    detail: {
      ...(Object.keys(params).length === 0 ? {} : { params }),
      ...(JSON.stringify(query).length > QUERY_CHARS_MAX || Object.keys(query).length === 0 ? {} : { query }),
      ...bodyDetail(body, OPEN_TAGS.has(route.tag)),
    },
  };
}

function bodyDetail(body: unknown, isOpen: boolean): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null) return {};
  // Its items are not known yet, and may be very many.
  if (body instanceof StreamedBody) return { streamed: body.type };
  if (Array.isArray(body)) return { items: body.length };
  const names = Object.keys(body);
  const fields = names.slice(0, FIELDS_MAX).map((name) => name.slice(0, FIELD_CHARS_MAX));
  if (!isOpen || names.length > FIELDS_MAX || JSON.stringify(body).length > BODY_CHARS_MAX) return { fields };
  return { fields, body };
}

/** By their names; the gate has seen that they are text. */
function paramsOf(template: string, path: string): Record<string, string> {
  const asked = path.split("/");
  const named = template.split("/").flatMap((segment, index) => (segment.startsWith(":") ? [[segment.slice(1), asked[index] ?? ""]] : []));
  return Object.fromEntries(named.map(([name = "", value = ""]) => [name, keepable(decodeURIComponent(value))]));
}

/** What a creation made: the last segment of its `Location`. */
function madeTarget(location: string | null): string | null {
  const last = location?.split("/").at(-1) ?? "";
  return last === "" ? null : keepable(decodeURIComponent(last));
}

/** A database's text cannot hold U+0000, nor half of a surrogate pair. */
function keepable(text: string): string {
  return text.slice(0, TARGET_CHARS_MAX).toWellFormed().replaceAll("\0", "\ufffd");
}
