import { expect } from "bun:test";
import fc from "fast-check";
import type { SensorQuery, Store } from "../../../src/store/store";
import { onNewStore, type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { allPages, draftOf, FIRST_PAGE, onlineState } from "./samples";

const FLEETS = 25;

function idsOf({ items }: Awaited<ReturnType<Store["listSensors"]>>): string[] {
  return items.map(({ sensor }) => sensor.id);
}

/** By the value of each byte, as ids are compared everywhere. */
function byBytes(ids: Iterable<string>): string[] {
  return [...ids].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function aFleet(store: Store): Promise<void> {
  const labels = { n1: { site: "north", floor: "1" }, n2: { site: "north", floor: "2" }, s1: { site: "south", floor: "1" } };
  for (const [id, its] of Object.entries(labels))
    await store.createSensor(draftOf(id, { labels: its, name: `Boiler ${id.toUpperCase()}` }));
  for (const id of ["quiet", "reborn", "silent"]) await store.createSensor(draftOf(id, { labels: { site: "north" } }));
  const owner = await Owner.of(store);
  await owner.heard({
    n1: { status: "ok", severity: "ok" },
    n2: { status: "hot", severity: "critical" },
    s1: { status: "hot", severity: "warning", availability: "offline" },
    reborn: { status: "hot", severity: "critical" },
    silent: { status: null, severity: null, availability: "pending", since: null },
  });
  await store.deleteSensor("reborn", null);
  await store.createSensor(draftOf("reborn", { labels: { site: "north" } }));
}

const ANSWERS: readonly (readonly [query: SensorQuery, ids: readonly string[]])[] = [
  [{}, ["n1", "n2", "quiet", "reborn", "s1", "silent"]],
  [{ status: "hot" }, ["n2", "s1"]],
  [{ status: "ho" }, []],
  [{ severity: "critical" }, ["n2"]],
  [{ status: "hot", severity: "warning" }, ["s1"]],
  [{ availability: "online" }, ["n1", "n2"]],
  [{ availability: "offline" }, ["s1"]],
  [{ availability: "pending" }, ["quiet", "reborn", "silent"]],
  [{ availability: "pending", status: "hot" }, []],
  [{ availability: "pending", labels: { site: "north" } }, ["quiet", "reborn", "silent"]],
  [{ status: "hot", availability: "online" }, ["n2"]],
  [{ labels: { site: "north" } }, ["n1", "n2", "quiet", "reborn", "silent"]],
  [{ labels: { site: "north", floor: "1" } }, ["n1"]],
  [{ labels: { floor: "1", site: "north" }, status: "ok" }, ["n1"]],
  [{ labels: { site: "north" }, status: "hot" }, ["n2"]],
  [{ labels: { site: "nowhere" } }, []],
  [{ labels: {} }, ["n1", "n2", "quiet", "reborn", "s1", "silent"]],
  [{ status: ["hot", "ok"] }, ["n1", "n2", "s1"]],
  [{ status: ["hot", "ok", "hot"], availability: ["online"] }, ["n1", "n2"]],
  [{ status: ["cold", "warm"] }, []],
  [{ severity: ["warning", "critical"] }, ["n2", "s1"]],
  [{ severity: ["warning", "critical"], labels: { site: "north" } }, ["n2"]],
  [{ availability: ["offline", "online"] }, ["n1", "n2", "s1"]],
  [{ availability: ["offline", "pending"] }, ["quiet", "reborn", "s1", "silent"]],
  [{ availability: ["offline", "pending"], status: ["hot", "ok"] }, ["s1"]],
  [{ availability: ["pending", "online", "offline"] }, ["n1", "n2", "quiet", "reborn", "s1", "silent"]],
  [{ id: "n1" }, ["n1"]],
  [{ id: "n1", status: ["hot", "ok"], q: "boiler" }, ["n1"]],
  [{ id: "n1", status: "hot" }, []],
  [{ id: "nobody" }, []],
  [{ id: "n1", labels: { floor: "1", site: "north" } }, ["n1"]],
  [{ id: "n1", labels: { floor: "2" } }, []],
  [{ id: "n1", availability: ["pending", "online"], labels: { floor: "1" } }, ["n1"]],
  [{ q: "boiler" }, ["n1", "n2", "s1"]],
  [{ q: "BOILER N" }, ["n1", "n2"]],
  [{ q: "UIE" }, ["quiet"]],
  [{ q: "boiler", status: "hot", labels: { site: "north" } }, ["n2"]],
  [{ q: "%" }, []],
  [{ q: "_" }, []],
  [{ q: "" }, ["n1", "n2", "quiet", "reborn", "s1", "silent"]],
];

const id = fc.stringMatching(/^[a-dA-D][a-c_:]{0,2}$/);
const walkThrough = fc.record({
  stay: fc.uniqueArray(id, { minLength: 1, maxLength: 12 }),
  moves: fc.array(fc.record({ id, remove: fc.boolean(), edited: fc.nat(), status: fc.constantFrom("ok", "hot") }), { maxLength: 12 }),
  limit: fc.integer({ min: 1, max: 4 }),
  query: fc.constantFrom<SensorQuery>(
    {},
    { severity: "ok" },
    { status: ["ok", "hot"] },
    { status: ["hot", "ok"], availability: ["online", "pending"] },
    { labels: { site: "north" } },
    { q: "" },
  ),
});

/**
 * Reads the list page by page, and between two pages lets a sensor come or go that is none of those that stay, while one of those is
 * edited, and its status moves to another that is asked for.
 */
async function listWhileMoving(
  store: Store,
  { stay, moves, limit, query }: typeof walkThrough extends fc.Arbitrary<infer Walk> ? Walk : never,
): Promise<void> {
  const owner = await Owner.of(store);
  const add = (sensorId: string) => store.createSensor(draftOf(sensorId, { labels: { site: "north" } }));
  for (const each of stay) await add(each);
  await owner.heard(Object.fromEntries(stay.map((each) => [each, onlineState()])));
  const others = moves.filter((move) => !stay.includes(move.id));
  const between = async () => {
    const move = others.shift();
    if (move === undefined) return;
    const edited = stay[move.edited % stay.length] as string;
    await store.updateSensor(draftOf(edited, { name: `${move.edited}`, labels: { site: "north", floor: `${move.edited}` } }), null);
    await owner.heard({ [edited]: { status: move.status } });
    if ((await store.getSensor(move.id)) === null) await add(move.id);
    else if (move.remove) await store.deleteSensor(move.id, null);
  };
  const listed = (await allPages((page) => store.listSensors(query, page), limit, between)).map(({ sensor }) => sensor.id);
  expect(listed).toEqual(byBytes(new Set(listed)));
  expect(listed.filter((each) => stay.includes(each))).toEqual(byBytes(stay));
}

export const sensorListPromises: readonly Promises[] = [
  promises("the list of sensors", {
    "holds those that every filter lets through, whole or page by page": async (store) => {
      await aFleet(store);
      for (const [query, ids] of ANSWERS) {
        expect([query, idsOf(await store.listSensors(query, FIRST_PAGE))]).toEqual([query, [...ids]]);
        for (const limit of [1, 2]) {
          const paged = await allPages((page) => store.listSensors(query, page), limit);
          expect([query, paged.map(({ sensor }) => sensor.id)]).toEqual([query, [...ids]]);
        }
      }
      expect((await store.listSensors({ status: "hot", severity: "critical" }, FIRST_PAGE)).items[0]).toEqual(
        (await store.getSensor("n2")) as never,
      );
    },

    "finds a name whatever its case, beyond ASCII too": async (store) => {
      await store.createSensor(draftOf("a", { name: "Wärmepumpe ÖL 100%_x" }));
      for (const q of ["wÄRME", "öl", "100%_X", "E Ö"]) expect([q, idsOf(await store.listSensors({ q }, FIRST_PAGE))]).toEqual([q, ["a"]]);
      await store.updateSensor(draftOf("a", { name: "Pumpe" }), null);
      expect(idsOf(await store.listSensors({ q: "wärme" }, FIRST_PAGE))).toEqual([]);
    },

    "goes by the bytes of the ids": async (store) => {
      const ids = ["b", "B", "a-1", "a1", "a_1", "a:1", "A", "0", "Z", "aa", "a"];
      for (const id of ids) await store.createSensor(draftOf(id, { labels: { site: "north" } }));
      const owner = await Owner.of(store);
      await owner.heard(Object.fromEntries(ids.map((id) => [id, {}])));
      for (const query of [{}, { labels: { site: "north" } }, { status: "ok" }]) {
        expect(idsOf(await store.listSensors(query, FIRST_PAGE))).toEqual(byBytes(ids));
      }
    },

    "has no next page after exactly as many as were asked for": async (store) => {
      for (const id of ["a", "b", "c"]) await store.createSensor(draftOf(id));
      expect(await store.listSensors({}, { limit: 3, cursor: null })).toMatchObject({ nextCursor: null });
      const first = await store.listSensors({}, { limit: 2, cursor: null });
      expect(first.nextCursor).toMatch(/^[A-Za-z0-9_.~-]+$/);
      await store.deleteSensor("b", null);
      expect(idsOf(await store.listSensors({}, { limit: 2, cursor: first.nextCursor }))).toEqual(["c"]);
    },

    "ends a page early where what they carry grows too large, without losing one": async (store) => {
      const metadata = { notes: "x".repeat(16_000) };
      const ids = Array.from({ length: 300 }, (_, index) => `s${String(index).padStart(3, "0")}`);
      const drafts = ids.map((id) => draftOf(id, { labels: { site: "north" }, name: `Boiler ${id}`, metadata }));
      await store.upsertSensors(drafts, null);
      for (const query of [{}, { labels: { site: "north" } }, { q: "boiler" }]) {
        const sizes: number[] = [];
        const items = await allPages(async (page) => {
          const found = await store.listSensors(query, page);
          sizes.push(JSON.stringify(found.items).length);
          return found;
        }, 1000);
        expect(items.map(({ sensor }) => sensor.id)).toEqual(ids);
        expect([sizes.length, Math.max(...sizes) < 4.5 * 1024 * 1024]).toEqual([2, true]);
      }
    },

    "gives every sensor that stays once and in order, while they are edited and others come and go at once": async (store) => {
      const stay = Array.from({ length: 60 }, (_, index) => `s${index}`);
      for (const each of stay) await store.createSensor(draftOf(each, { labels: { site: "north" } }));
      const owner = await Owner.of(store);
      await owner.heard(Object.fromEntries(stay.map((each) => [each, onlineState()])));
      let listing = true;
      const others = (async () => {
        for (let turn = 0; listing; turn += 1) {
          await new Promise(setImmediate);
          const other = `s${turn % 60}x`;
          await store.putSensor(draftOf(other, { labels: { site: "north" } }), { expected: null, reach: null });
          const edited = stay[(turn * 7) % stay.length] as string;
          await store.updateSensor(draftOf(edited, { name: `${turn}`, labels: { site: "north" } }), null);
          await owner.heard({ [edited]: { status: turn % 2 === 0 ? "hot" : "ok" } });
          if (turn % 3 === 0) await store.deleteSensor(other, null);
        }
      })();
      try {
        for (const query of [{}, { status: ["ok", "hot"] }, { availability: "online" }, { labels: { site: "north" } }] as const) {
          for (const limit of [1, 7]) {
            const pages = await allPages(
              (page) => store.listSensors(query, page),
              limit,
              () => new Promise(setImmediate),
            );
            const listed = pages.map(({ sensor }) => sensor.id);
            expect(listed).toEqual(byBytes(new Set(listed)));
            expect(listed.filter((each) => stay.includes(each))).toEqual(byBytes(stay));
          }
        }
      } finally {
        listing = false;
        await others;
      }
    },

    "gives every sensor that stays once and in order, while others come and go between the pages": async (_, __, harness) => {
      await fc.assert(
        fc.asyncProperty(walkThrough, async (walk) => {
          await onNewStore(harness, (store) => listWhileMoving(store, walk));
        }),
        { numRuns: FLEETS },
      );
    },
  }),
];
