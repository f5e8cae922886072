import { expect } from "bun:test";
import { AUDIT_LOOKED_AT_MAX, type AuditDraft, type AuditQuery, type Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { allPages, FAR, FIRST_PAGE } from "./samples";

function editOf(edit: Partial<AuditDraft> = {}): AuditDraft {
  const actor = { actorKind: "token", actorId: "tok_a", actorName: "gateway" } as const;
  return { ...actor, operation: "patchSensor", target: "boiler-7", requestId: "r", address: "10.0.0.7", detail: {}, ...edit };
}

async function recordAll(store: Store, edits: readonly Partial<AuditDraft>[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const edit of edits) numbers.push(await store.recordEdit(editOf(edit)));
  return numbers;
}

async function numbersOf(store: Store, query: AuditQuery, limit = 1000): Promise<number[]> {
  return (await allPages((page) => store.listAudit(query, page), limit)).map(({ number }) => number);
}

export const auditPromises: readonly Promises[] = [
  promises("an edit", {
    "is there from before it is made, with no end, and has one once it is known": async (store, opened) => {
      const from = Date.now();
      const draft = editOf({ target: null, address: null, detail: { fields: ["name"], body: { name: "Ünï \u0001 \\u0000" } } });
      const number = await store.recordEdit(draft);
      const [begun] = (await store.listAudit({}, FIRST_PAGE)).items;
      expect(begun).toEqual({ ...draft, number, at: begun?.at ?? 0, status: null });
      expect(begun?.at).toBeWithin(from - 60_000, Date.now() + 60_000);
      await store.completeEdit(number, { status: 201, target: "made" });
      const reopened = await opened.reopen();
      const ended = { ...draft, number, at: begun?.at ?? 0, status: 201, target: "made" };
      expect((await reopened.listAudit({}, FIRST_PAGE)).items).toEqual([ended]);
    },

    "keeps its target when its end names none, and no other is touched": async (store) => {
      const [first, second] = (await recordAll(store, [{}, {}])) as [number, number];
      await store.completeEdit(first, { status: 404, target: null });
      expect((await store.listAudit({}, FIRST_PAGE)).items).toMatchObject([
        { number: second, status: null, target: "boiler-7" },
        { number: first, status: 404, target: "boiler-7" },
      ]);
    },

    "is taken out again when it turned out to be none, and its number is not given again": async (store) => {
      const [first, second] = (await recordAll(store, [{}, {}])) as [number, number];
      await store.withdrawEdit(second);
      await store.withdrawEdit(second);
      expect(await numbersOf(store, {})).toEqual([first]);
      expect(await store.recordEdit(editOf())).toBeGreaterThan(second);
    },

    "is numbered in the order of writing, and many at once have numbers of their own": async (store) => {
      const numbers = await Promise.all(Array.from({ length: 40 }, () => store.recordEdit(editOf())));
      expect(new Set(numbers).size).toBe(40);
      const next = await store.recordEdit(editOf());
      expect(next).toBeGreaterThan(Math.max(...numbers));
      expect(await numbersOf(store, {}, 7)).toEqual([next, ...numbers.toSorted((a, b) => b - a)]);
    },
  }),

  promises("the audit log", {
    "is filtered by who, what and which, all of which must hold": async (store) => {
      const [a, b, c, d] = await recordAll(store, [
        {},
        { actorId: "tok_b" },
        { operation: "deleteSensor" },
        { target: "pump-1", operation: "deleteSensor" },
      ]);
      const all: [AuditQuery, (number | undefined)[]][] = [
        [{}, [d, c, b, a]],
        [{ actorId: "tok_a" }, [d, c, a]],
        [{ operation: "deleteSensor" }, [d, c]],
        [{ target: "boiler-7" }, [c, b, a]],
        [{ target: "boiler-7", actorId: "tok_a" }, [c, a]],
        [{ target: "boiler-7", actorId: "tok_a", operation: "patchSensor" }, [a]],
        [{ target: "BOILER-7" }, []],
        [{ actorId: "nobody", operation: "patchSensor" }, []],
      ];
      for (const [query, expected] of all) {
        for (const limit of [1, 2, 1000])
          expect([query, limit, await numbersOf(store, query, limit)]).toEqual([query, limit, expected as number[]]);
      }
    },

    "is cut by time, from `since` on and up to `until`": async (store) => {
      await recordAll(store, [{}, { operation: "other" }]);
      await Bun.sleep(3);
      await recordAll(store, [{}, {}]);
      await Bun.sleep(3);
      await recordAll(store, [{}]);
      const entries = (await store.listAudit({}, FIRST_PAGE)).items;
      const times = [...new Set(entries.map(({ at }) => at)), 0, FAR];
      for (const since of [undefined, ...times]) {
        for (const until of [undefined, ...times]) {
          const within = entries.filter(({ at }) => at >= (since ?? 0) && at < (until ?? FAR));
          const range = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
          expect(await numbersOf(store, { range }, 2)).toEqual(within.map(({ number }) => number));
          const named = within.filter(({ operation }) => operation === "other").map(({ number }) => number);
          expect(await numbersOf(store, { range, operation: "other" }, 2)).toEqual(named);
        }
      }
    },

    "looks at so many for a page and no more, and loses nothing that is beyond": async (store) => {
      const [rare] = (await recordAll(store, [{ operation: "rare" }])) as [number];
      for (let rest = AUDIT_LOOKED_AT_MAX + 1; rest > 0; rest -= 100) {
        await Promise.all(Array.from({ length: Math.min(rest, 100) }, () => store.recordEdit(editOf())));
      }
      const first = await store.listAudit({ operation: "rare" }, { limit: 10, cursor: null });
      expect(first).toEqual({ items: [], nextCursor: expect.any(String) as string });
      const second = await store.listAudit({ operation: "rare" }, { limit: 10, cursor: first.nextCursor });
      expect(second.items.map(({ number }) => number)).toEqual([rare]);
      expect(second.nextCursor).toBeNull();
    },

    "lets go of what is old, the oldest first, so many at a time": async (store) => {
      const [a, b] = (await recordAll(store, [{}, {}])) as [number, number];
      await Bun.sleep(3);
      const [c] = (await recordAll(store, [{}])) as [number];
      expect(await store.pruneAudit(0, 10)).toBe(0);
      expect(await store.pruneAudit(FAR, 2)).toBe(2);
      expect(await numbersOf(store, {})).toEqual([c]);
      expect(await store.pruneAudit(FAR, 2)).toBe(1);
      const next = await store.recordEdit(editOf());
      expect(next).toBeGreaterThan(Math.max(a, b, c));
    },

    "refuses a cursor of another list": async (store) => {
      const cursor = Buffer.from(JSON.stringify(["tokens", 7])).toString("base64url");
      await expect(store.listAudit({}, { limit: 1, cursor })).rejects.toMatchObject({ kind: "invalid" });
    },
  }),
];
