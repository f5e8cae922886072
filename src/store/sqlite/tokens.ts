import { asc, eq, gt, sql } from "drizzle-orm";
import { Fault } from "../../domain/fault";
import { changesNothing, noToken } from "../tokenRows";
import type { TokenStore } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { type Direct, isTaken } from "./faults";
import { tokens } from "./schema/tokens";

const LIST = "tokens";

export function openTokens({ db, write }: Connection): Direct<TokenStore> {
  const { id: tokenId, name, scopes, reach, createdAt, expiresAt, lastUsedAt } = tokens;
  /** All but the hash, which nobody needs back. */
  const shown = { id: tokenId, name, scopes, reach, createdAt, expiresAt, lastUsedAt };

  const byHash = db
    .select(shown)
    .from(tokens)
    .where(eq(tokens.hash, sql.placeholder("hash")))
    .prepare();

  return {
    createToken(token) {
      try {
        return db
          .insert(tokens)
          .values({ ...token, createdAt: Date.now() })
          .returning(shown)
          .get();
      } catch (error) {
        if (isTaken(error)) throw new Fault("conflict", "A token of this id or this value already exists.", { cause: error });
        throw error;
      }
    },

    findTokens: (hashes) => hashes.map((hash) => byHash.get({ hash }) ?? null),

    getToken: (id) => db.select(shown).from(tokens).where(eq(tokens.id, id)).get() ?? null,

    updateToken(id, edit) {
      return write(() => {
        const before = db.select(shown).from(tokens).where(eq(tokens.id, id)).get();
        if (before === undefined) throw noToken(id);
        if (changesNothing(edit, before)) return { record: before, unchanged: true };
        return { record: db.update(tokens).set(edit).where(eq(tokens.id, id)).returning(shown).get(), unchanged: false };
      });
    },

    touchToken(id, usedAt) {
      db.update(tokens).set({ lastUsedAt: usedAt }).where(eq(tokens.id, id)).run();
    },

    listTokens({ limit, cursor }) {
      const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
      const rows = db
        .select(shown)
        .from(tokens)
        .where(gt(tokens.id, after))
        .orderBy(asc(tokens.id))
        .limit(limit + 1)
        .all();
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: (row) => row });
    },

    deleteToken(id) {
      const { changes } = db.delete(tokens).where(eq(tokens.id, id)).run();
      if (changes === 0) throw noToken(id);
    },
  };
}
