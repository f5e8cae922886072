import { expect } from "bun:test";
import type { TokenEdit } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { allPages, FIRST_PAGE } from "./samples";

function tokenOf(id: string, edit: { hash?: string; scopes?: string[]; expiresAt?: number } = {}) {
  return { id, name: `token ${id}`, hash: `hash of ${id}`, scopes: ["sensors:read"], expiresAt: null, ...edit };
}

export const tokenPromises: readonly Promises[] = [
  promises("a token", {
    "is found by its hash alone, which is never given out": async (store, opened) => {
      const created = await store.createToken(tokenOf("t", { scopes: ["sensors:read", "admin"], expiresAt: 4_000_000_000_000 }));
      expect(created).toEqual({
        id: "t",
        name: "token t",
        scopes: ["sensors:read", "admin"],
        reach: null,
        createdAt: created.createdAt,
        expiresAt: 4_000_000_000_000,
        lastUsedAt: null,
      });
      const reopened = await opened.reopen();
      expect(await reopened.findTokens(["HASH OF T", "hash of t", "", "hash of t"])).toEqual([null, created, null, created]);
      expect(await reopened.findTokens([])).toEqual([]);
      expect(await reopened.getToken("t")).toEqual(created);
      expect(await reopened.getToken("hash of t")).toBeNull();
      expect((await reopened.listTokens(FIRST_PAGE)).items).toEqual([created]);
    },

    "is there once, by its hash and by its id": async (store) => {
      await store.createToken(tokenOf("t"));
      await expect(store.createToken(tokenOf("other", { hash: "hash of t" }))).rejects.toMatchObject({ kind: "conflict" });
      await expect(store.createToken(tokenOf("t", { hash: "another" }))).rejects.toMatchObject({ kind: "conflict" });
      expect((await store.listTokens(FIRST_PAGE)).items).toHaveLength(1);
    },

    "tells when it was last used": async (store) => {
      await store.createToken(tokenOf("t"));
      await store.touchToken("t", 1_795_600_000_123);
      await store.touchToken("nobody", 1);
      expect(await store.findTokens(["hash of t"])).toMatchObject([{ lastUsedAt: 1_795_600_000_123 }]);
    },

    "keeps the sensors that it is limited to, as they were named": async (store, opened) => {
      const labels = { site: "north", Ünïcode: "ä b", odd: "" };
      await store.createToken({ ...tokenOf("one"), reach: { sensorId: "boiler-7" } });
      await store.createToken({ ...tokenOf("some"), reach: { labels } });
      const found = await (await opened.reopen()).findTokens(["hash of one", "hash of some"]);
      expect(found.map((token) => token?.reach)).toEqual([{ sensorId: "boiler-7" }, { labels }]);
    },

    "is edited in what is named, and in nothing else": async (store) => {
      const before = await store.createToken({ ...tokenOf("t", { expiresAt: 4_000_000_000_000 }), reach: { sensorId: "boiler-7" } });
      const edited = async (edit: TokenEdit) => (await store.updateToken("t", edit)).record;
      expect(await edited({ name: "renamed" })).toEqual({ ...before, name: "renamed" });
      expect(await edited({ expiresAt: null })).toEqual({ ...before, name: "renamed", expiresAt: null });
      expect(await edited({})).toEqual({ ...before, name: "renamed", expiresAt: null });
      expect(await store.findTokens(["hash of t"])).toEqual([{ ...before, name: "renamed", expiresAt: null }]);
      for (const edit of [{}, { name: "x" }]) await expect(store.updateToken("nobody", edit)).rejects.toMatchObject({ kind: "notFound" });
    },

    "is found no more once it was deleted": async (store) => {
      await store.createToken(tokenOf("t"));
      await store.deleteToken("t");
      expect(await store.findTokens(["hash of t"])).toEqual([null]);
      expect(await store.getToken("t")).toBeNull();
      await expect(store.deleteToken("t")).rejects.toMatchObject({ kind: "notFound" });
    },
  }),

  promises("the list of tokens", {
    "comes page by page": async (store) => {
      const ids = ["a", "b", "c", "d"];
      for (const id of ids) await store.createToken(tokenOf(id));
      for (const limit of [1, 3, 4]) expect((await allPages((page) => store.listTokens(page), limit)).map(({ id }) => id)).toEqual(ids);
    },
  }),
];
