import type { DataFolder } from "./dataFolder";
import { hashToken } from "./domain/token";
import { createOwnToken, type OwnTokenStore } from "./ownTokens";
import type { TokenStore } from "./store/store";
import type { TokenMint } from "./tokenMint";

export const ADMIN_TOKEN_FILE = "admin-token";

interface Means {
  readonly store: Pick<TokenStore, "listTokens"> & OwnTokenStore;
  readonly mint: Pick<TokenMint, "mint">;
  readonly folder: Pick<DataFolder, "writeSecret">;
  /** ADMIN_TOKEN: whoever sets it needs no other. */
  readonly adminToken: string | null;
}

/**
 * Makes the admin token of a very first start and gives it; null at any later one. The store keeps its hash alone; the command line
 * reads its copy from the data folder. The copy is written first: a start that dies in between makes another token.
 */
export async function firstAdminToken({ store, mint, folder, adminToken }: Means): Promise<string | null> {
  if (adminToken !== null) return null;
  const { items } = await store.listTokens({ limit: 1, cursor: null });
  if (items.length > 0) return null;
  const token = mint.mint();
  folder.writeSecret(ADMIN_TOKEN_FILE, token);
  const draft = { id: "tok_first", name: "first start", hash: hashToken(token), scopes: ["admin"], expiresAt: null };
  await createOwnToken(store, draft, { kind: "start", name: "first start" });
  return token;
}
