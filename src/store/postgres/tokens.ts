import { asc, eq, gt } from "drizzle-orm";
import { Fault } from "../../domain/fault";
import { decodeCursor, toPage } from "../cursor";
import { changesNothing, noToken } from "../tokenRows";
import type { TokenRecord, TokenStore } from "../store";
import type { Connection } from "./connection";
import { isTaken } from "./faults";
import { tokens } from "./schema/tokens";
import { statement } from "./statement";

const LIST = "tokens";

const byHashes = statement<TokenRecord & { readonly hash: string }>(
  "tokens.byHashes",
  `select hash, id, name, scopes, reach, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"
   from tokens where hash = any($1::text[])`,
);

export function openTokens({ db, work, write }: Connection): TokenStore {
  const { id: tokenId, name, scopes, reach, createdAt, expiresAt, lastUsedAt } = tokens;
  /** All but the hash, which nobody needs back. */
  const shown = { id: tokenId, name, scopes, reach, createdAt, expiresAt, lastUsedAt };

  return {
    async createToken(token) {
      try {
        const [created] = await db
          .insert(tokens)
          .values({ ...token, createdAt: Date.now() })
          .returning(shown);
        return created as NonNullable<typeof created>;
      } catch (error) {
        if (isTaken(error)) throw new Fault("conflict", "A token of this id or this value already exists.", { cause: error });
        throw error;
      }
    },

    async findTokens(hashes) {
      const found = new Map((await byHashes(work, hashes)).map(({ hash, ...token }) => [hash, token]));
      return hashes.map((hash) => found.get(hash) ?? null);
    },

    async getToken(id) {
      const [found] = await db.select(shown).from(tokens).where(eq(tokens.id, id));
      return found ?? null;
    },

    updateToken: (id, edit) =>
      write(async (session) => {
        const [before] = await session.db.select(shown).from(tokens).where(eq(tokens.id, id)).for("no key update");
        if (before === undefined) throw noToken(id);
        if (changesNothing(edit, before)) return { record: before, unchanged: true };
        const [record = before] = await session.db.update(tokens).set(edit).where(eq(tokens.id, id)).returning(shown);
        return { record, unchanged: false };
      }),

    async touchToken(id, usedAt) {
      await db.update(tokens).set({ lastUsedAt: usedAt }).where(eq(tokens.id, id));
    },

    async listTokens({ limit, cursor }) {
      const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
      const rows = await db
        .select(shown)
        .from(tokens)
        .where(gt(tokens.id, after))
        .orderBy(asc(tokens.id))
        .limit(limit + 1);
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: (row) => row });
    },

    async deleteToken(id) {
      const deleted = await db.delete(tokens).where(eq(tokens.id, id)).returning({ id: tokenId });
      if (deleted.length === 0) throw noToken(id);
    },
  };
}
