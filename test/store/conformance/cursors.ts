import { expect } from "bun:test";
import type { Page, PageRequest, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { Planner } from "./planner";
import { addWebhook, draftOf, letterOf, reportOf } from "./samples";

/** Every list, by a name of its own. */
const LISTS: Readonly<Record<string, (store: Store, page: PageRequest) => Promise<Page<unknown>>>> = {
  sensors: (store, page) => store.listSensors({}, page),
  "a's reports": (store, page) => store.listReports("a", { range: {}, order: "asc" }, page),
  "b's reports": (store, page) => store.listReports("b", { range: {}, order: "asc" }, page),
  "a's changes": (store, page) => store.listChanges({ sensorId: "a", range: {}, order: "asc" }, page),
  "b's changes": (store, page) => store.listChanges({ sensorId: "b", range: {}, order: "asc" }, page),
  changes: (store, page) => store.listChanges({ range: {}, order: "asc" }, page),
  deliveries: (store, page) => store.listDeliveries({}, page),
  replays: (store, page) => store.listReplays({}, page),
  webhooks: (store, page) => store.listWebhooks(page),
  deadLetters: (store, page) => store.listDeadLetters(page),
  tokens: (store, page) => store.listTokens(page),
  incidents: (store, page) => store.listIncidents(page),
};

/** Two of everything that is listed. */
async function fill(store: Store): Promise<void> {
  for (const id of ["a", "b"]) {
    await store.createSensor(draftOf(id));
    await addWebhook(store, id);
    await store.createToken({ id, name: id, hash: id, scopes: [], expiresAt: null });
    await store.createReplay({ id, webhookId: id, range: { since: 0, until: 1 }, which: "all", ratePerSecond: 1 });
  }
  const owner = await Owner.of(store);
  const reports = [1, 2].flatMap((number) => [reportOf(number, "a"), reportOf(number + 2, "b")]);
  const incidents = [1, 2].map(() => ({ kind: "stream.gap", partition: 0, detail: {} }));
  await owner.commit({ reports, deadLetters: [letterOf(5), letterOf(6)], incidents });
  await (await Planner.of(store)).owe(await owner.change(["a", "b", "a", "b"]), ["a", "b"]);
}

export const cursorPromises: readonly Promises[] = [
  promises("a cursor", {
    "is taken by the list that gave it, and refused as invalid by every other": async (store) => {
      await fill(store);
      for (const [giver, give] of Object.entries(LISTS)) {
        const { nextCursor } = await give(store, { limit: 1, cursor: null });
        expect([giver, nextCursor]).toEqual([giver, expect.stringMatching(/^[A-Za-z0-9_.~-]+$/)]);
        for (const [taker, take] of Object.entries(LISTS)) {
          const taking = take(store, { limit: 1, cursor: nextCursor });
          if (taker === giver) expect([taker, (await taking).items.length]).toEqual([taker, 1]);
          else await expect(taking).rejects.toMatchObject({ kind: "invalid", details: { errors: [{ pointer: "/cursor" }] } });
        }
      }
    },

    "that nobody gave is refused as invalid": async (store) => {
      await fill(store);
      const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const foreign = [
        "",
        "1",
        "a b",
        "null",
        "e30",
        "💥",
        "x".repeat(5000),
        "../..",
        encoded(["sensors"]),
        encoded({ 0: "sensors" }),
        encoded(null),
      ];
      for (const list of Object.values(LISTS)) {
        for (const cursor of foreign) {
          await expect(list(store, { limit: 1, cursor })).rejects.toMatchObject({
            kind: "invalid",
            details: { errors: [{ pointer: "/cursor" }] },
          });
        }
      }
    },

    "that was given and then altered is refused as invalid, or begins a page somewhere": async (store) => {
      await fill(store);
      for (const [name, list] of Object.entries(LISTS)) {
        // Its cursor is written otherwise (test/domain/changeCursor.test.ts).
        if (name === "changes") continue;
        const { nextCursor } = await list(store, { limit: 1, cursor: null });
        const [of, ...values] = JSON.parse(Buffer.from(nextCursor ?? "", "base64url").toString()) as [string, ...(string | number)[]];
        for (const [place, value] of values.entries()) {
          const others = typeof value === "string" ? ["nul \0", "half \ud83d", ""] : [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
          for (const other of others) {
            const cursor = Buffer.from(JSON.stringify([of, ...values.with(place, other)])).toString("base64url");
            const end = await list(store, { limit: 1, cursor }).then(
              () => "a page",
              (error: unknown) => (error as { kind?: string }).kind,
            );
            expect([name, place, other, end]).toEqual([name, place, other, expect.stringMatching(/^(a page|invalid)$/)]);
          }
        }
      }
    },

    "that was given before the store was opened again still holds": async (store, opened) => {
      await fill(store);
      const given = await Promise.all(Object.values(LISTS).map((list) => list(store, { limit: 1, cursor: null })));
      const reopened = await opened.reopen();
      for (const [index, list] of Object.values(LISTS).entries()) {
        const next = await list(reopened, { limit: 1, cursor: given[index]?.nextCursor ?? null });
        expect(next.items).toHaveLength(1);
        expect(next.items).not.toEqual(given[index]?.items ?? []);
      }
    },
  }),
];
