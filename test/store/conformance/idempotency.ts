import { expect } from "bun:test";
import { type Promises, promises } from "./harness";

const wanted = { actorId: "tok_a", key: "k", fingerprint: "f" };
const answered = { status: 201, answer: "sealed" };

export const idempotencyPromises: readonly Promises[] = [
  promises("a request with a key", {
    "is begun once, by one of many at once": async (store) => {
      const beginnings = await Promise.all(Array.from({ length: 8 }, () => store.beginIdempotent(wanted, 10, 0)));
      expect(beginnings.filter(({ kind }) => kind === "begun")).toHaveLength(1);
      expect(beginnings.filter(({ kind }) => kind === "running")).toHaveLength(7);
    },

    "gives its answer to every repeat": async (store, opened) => {
      await store.beginIdempotent(wanted, 10, 0);
      expect(await store.beginIdempotent(wanted, 11, 0)).toEqual({ kind: "running", begunAt: 10 });
      await store.endIdempotent({ ...wanted, begunAt: 10 }, answered);
      expect(await (await opened.reopen()).beginIdempotent(wanted, 12, 0)).toEqual({ kind: "ended", ...answered });
    },

    "is not another request, and nobody else's": async (store) => {
      await store.beginIdempotent(wanted, 10, 0);
      expect(await store.beginIdempotent({ ...wanted, fingerprint: "g" }, 11, 0)).toEqual({ kind: "other" });
      expect(await store.beginIdempotent({ ...wanted, actorId: "tok_b" }, 11, 0)).toEqual({ kind: "begun" });
    },

    "is begun anew when it is forgotten or its time is over, and then no longer ended by who began before": async (store) => {
      await store.beginIdempotent(wanted, 10, 0);
      await store.forgetIdempotent({ ...wanted, begunAt: 9 });
      expect(await store.beginIdempotent(wanted, 11, 0)).toMatchObject({ kind: "running" });
      await store.forgetIdempotent({ ...wanted, begunAt: 10 });
      expect(await store.beginIdempotent(wanted, 12, 0)).toEqual({ kind: "begun" });
      expect(await store.beginIdempotent({ ...wanted, fingerprint: "g" }, 20, 13)).toEqual({ kind: "begun" });
      await store.endIdempotent({ ...wanted, begunAt: 12 }, answered);
      expect(await store.beginIdempotent({ ...wanted, fingerprint: "g" }, 21, 13)).toEqual({ kind: "running", begunAt: 20 });
    },

    "is pruned with its time, so many at once, the oldest first": async (store) => {
      for (const at of [1, 2, 3, 4]) await store.beginIdempotent({ ...wanted, key: `k${at}` }, at, 0);
      expect(await store.pruneIdempotent(4, 2)).toBe(2);
      expect(await store.pruneIdempotent(4, 2)).toBe(1);
      expect(await store.beginIdempotent({ ...wanted, key: "k4" }, 5, 0)).toMatchObject({ kind: "running" });
      expect(await store.beginIdempotent({ ...wanted, key: "k3" }, 5, 0)).toEqual({ kind: "begun" });
    },
  }),
];
