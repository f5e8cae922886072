import type { ActorKind, AuditDraft, AuditStore, TokenDraft, TokenRecord, TokenStore } from "./store/store";

export type OwnTokenStore = Pick<TokenStore, "createToken" | "deleteToken"> & Pick<AuditStore, "recordEdit" | "completeEdit">;

/** Who edits tokens straight in the database. */
export interface OwnActor {
  readonly kind: Extract<ActorKind, "cli" | "start">;
  readonly name: string;
}

/** Makes a token without the API; the audit log has it all the same, and has it first. */
export async function createOwnToken(store: OwnTokenStore, draft: TokenDraft, actor: OwnActor): Promise<TokenRecord> {
  const { id, hash: _, ...body } = draft;
  const number = await store.recordEdit({ ...editOf(actor, "createToken", id), detail: { fields: Object.keys(body), body } });
  const record = await store.createToken(draft);
  await store.completeEdit(number, { status: 201, target: null });
  return record;
}

/** Throws `Fault` (notFound). */
export async function revokeOwnToken(store: OwnTokenStore, id: string, actor: OwnActor): Promise<void> {
  const number = await store.recordEdit({ ...editOf(actor, "deleteToken", id), detail: {} });
  await store.deleteToken(id);
  await store.completeEdit(number, { status: 204, target: null });
}

function editOf({ kind, name }: OwnActor, operation: string, target: string): Omit<AuditDraft, "detail"> {
  return { actorKind: kind, actorId: kind, actorName: name, operation, target, requestId: crypto.randomUUID(), address: null };
}
