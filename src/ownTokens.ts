import { isFault } from "./domain/fault";
import { STATUS_OF_FAULT } from "./http/problems";
import type { ActorKind, AuditDraft, AuditStore, TokenDraft, TokenRecord, TokenStore } from "./store/store";

export type OwnTokenStore = Pick<TokenStore, "createToken" | "deleteToken"> & Pick<AuditStore, "recordEdit" | "completeEdit">;

/** Who edits tokens straight in the database. */
export interface OwnActor {
  readonly kind: Extract<ActorKind, "cli" | "start">;
  readonly name: string;
}

/** Makes a token without the API; the audit log has it all the same, and has it first. Throws `Fault` (conflict). */
export function createOwnToken(store: OwnTokenStore, draft: TokenDraft, actor: OwnActor): Promise<TokenRecord> {
  const { id, hash: _, ...body } = draft;
  const edit = { ...editOf(actor, "createToken", id), detail: { fields: Object.keys(body), body } };
  return recorded(store, edit, { status: 201, make: () => store.createToken(draft) });
}

/** Throws `Fault` (notFound). */
export function revokeOwnToken(store: OwnTokenStore, id: string, actor: OwnActor): Promise<void> {
  const edit = { ...editOf(actor, "deleteToken", id), detail: {} };
  return recorded(store, edit, { status: 204, make: () => store.deleteToken(id) });
}

async function recorded<Result>(
  store: OwnTokenStore,
  edit: AuditDraft,
  { status, make }: { readonly status: number; readonly make: () => Promise<Result> },
): Promise<Result> {
  const number = await store.recordEdit(edit);
  try {
    const result = await make();
    await store.completeEdit(number, { status, target: null });
    return result;
  } catch (error) {
    if (isFault(error, "notFound")) await store.completeEdit(number, { status: STATUS_OF_FAULT.notFound, target: null });
    throw error;
  }
}

function editOf({ kind, name }: OwnActor, operation: string, target: string): Omit<AuditDraft, "detail"> {
  return { actorKind: kind, actorId: kind, actorName: name, operation, target, requestId: crypto.randomUUID(), address: null };
}
