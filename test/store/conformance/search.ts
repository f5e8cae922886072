import { expect } from "bun:test";
import fc from "fast-check";
import { nextWork, type SearchProgress, WAITING_MAX } from "../../../src/store/searchStore";
import { UPSERT_SET_MAX } from "../../../src/store/upsertStore";
import type { Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { allPages, draftOf, sensorOf } from "./samples";

/** Before all others, and more than the first two stretches of a list: whoever is found behind them is found by the groups. */
const CROWD = 3000;
const PAGE = 100;

/** What is hard to find by parts of a text. */
const NAMES: Readonly<Record<string, string>> = {
  "z-accents": "Wärmepumpe ÉTÉ 100%_x",
  "z-composed": "cafe\u0301 in two code points",
  "z-emoji": "boiler 😀😁 hot 👩‍🚒",
  "z-quotes": `it's "quoted" \\ and 'so'`,
  "z-syntax": 'NEAR("a b", 2) AND * OR ^col: - {x}',
  "z-wild": "50%_off [a-z]* ?",
  "z-turkish": "İstanbul ISI ısı",
  "z-sharp": "GROẞE Straße",
  "z-greek": "ΟΔΟΣ ΣΊΣΥΦΟΣ",
  "z-line": "two\nlines\tand a tab",
  "z-long": "lorem ipsum ".repeat(40),
  "z-short": "ab",
  "z-blank": "   ",
  // Bytes and languages do not agree on where this one stands.
  crowd_below: "an odd place",
};
const WANTED = [
  "ÄRM",
  "wärmepumpe",
  "été",
  "ÉTÉ",
  "%_x",
  "100%",
  "e\u0301 in",
  "é",
  "😀😁",
  "😁 h",
  "😀",
  "👩‍🚒",
  "\u200d",
  `"quoted"`,
  "it's",
  "\\ and",
  'near("',
  "and *",
  "* or ^",
  "col: -",
  "{x}",
  "[a-z]*",
  "_off",
  "%%",
  "istanbul",
  "i̇sta",
  "ısı",
  "ISI",
  "große",
  "straße",
  "STRASSE",
  "οδος",
  "ΟΔΌΣ",
  "οδοσ",
  "two\nl",
  "\tand",
  "ab",
  "z-short\nab",
  "b\nz",
  "   ",
  "  ",
  "z",
  "zz",
  "xyz",
  "lorem ipsum ".repeat(21),
  "ipsum lorem x",
  "crowd-0",
  "number 2999",
  "ber 77",
  "crowd-2999\nnumber 2999",
  "crowd-29990",
  "odd place",
];

async function aCrowd(store: Store): Promise<Map<string, string>> {
  const texts = new Map(Object.entries(NAMES));
  for (let number = 0; number < CROWD; number += 1) texts.set(`crowd-${number}`, `number ${number}`);
  await put(store, texts);
  return texts;
}

async function put(store: Store, texts: Iterable<readonly [id: string, name: string]>): Promise<void> {
  const drafts = [...texts].map(([id, name]) => draftOf(id, { name }));
  for (let from = 0; from < drafts.length; from += UPSERT_SET_MAX) {
    await store.upsertSensors(drafts.slice(from, from + UPSERT_SET_MAX), null);
  }
}

async function expectFound(store: Store, texts: ReadonlyMap<string, string>, wanted: readonly string[]): Promise<void> {
  for (const q of wanted) {
    const expected = [...texts].filter(([id, name]) => `${id}\n${name}`.toLowerCase().includes(q.toLowerCase())).map(([id]) => id);
    const listed = await allPages((page) => store.listSensors({ q }, page), PAGE);
    expect([q, listed.map(({ sensor }) => sensor.id)]).toEqual([q, expected.toSorted()]);
  }
}

async function indexAll(store: Store, limit = 300): Promise<void> {
  for (let steps = 0; (await store.indexTexts(limit)).more; steps += 1) expect(steps).toBeLessThan(1000);
}

/** Registers and renames enough sensors for those that wait to be grouped. */
async function pushOthers(store: Store, texts: Map<string, string>, turn: number): Promise<void> {
  const others = Array.from({ length: WAITING_MAX }, (_, index) => [`other-${turn}-${index}`, `other ${index}`] as const);
  for (const [id, name] of others) texts.set(id, name);
  await put(store, others);
  await indexAll(store);
}

async function found(store: Store, q: string): Promise<string[]> {
  return (await store.listSensors({ q }, { limit: PAGE, cursor: null })).items.map(({ sensor }) => sensor.id);
}

export const searchPromises: readonly Promises[] = [
  promises("a search by text", {
    "finds those whose id or name holds it, before they are grouped, meanwhile and afterwards": async (store) => {
      const texts = await aCrowd(store);
      await expectFound(store, texts, WANTED);
      for (let grouped = 0; grouped === 0;) grouped = (await store.indexTexts(300)).sensors;
      await expectFound(store, texts, ["été", "number 2999", "z", "ab"]);
      await indexAll(store);
      await expectFound(store, texts, WANTED);
      const all = [...texts].map(([id, name]) => `${id}\n${name}`);
      const part = fc
        .tuple(fc.constantFrom(...all), fc.nat(), fc.integer({ min: 1, max: 9 }))
        .map(([text, at, length]) => text.slice(at % text.length, (at % text.length) + length));
      await fc.assert(
        fc.asyncProperty(part, async (q) => expectFound(store, texts, [q.toWellFormed() === q ? q : "z"])),
        { numRuns: 30 },
      );
    },

    "holds with the other filters, and page by page": async (store) => {
      await aCrowd(store);
      await indexAll(store);
      await store.updateSensor(draftOf("crowd-2998", { name: "number 2998", labels: { site: "north" } }), null);
      const owner = await Owner.of(store);
      await owner.heard({ "crowd-2997": { status: "hot" }, "crowd-2998": { status: "hot" }, "crowd-3": { status: "hot" } });
      const ids = async (query: Parameters<Store["listSensors"]>[0]) =>
        (await allPages((page) => store.listSensors(query, page), 1)).map(({ sensor }) => sensor.id);
      expect(await ids({ q: "number 299" })).toEqual(["crowd-299", ...Array.from({ length: 10 }, (_, last) => `crowd-299${last}`)]);
      expect(await ids({ q: "number 299", status: "hot" })).toEqual(["crowd-2997", "crowd-2998"]);
      expect(await ids({ q: "number 299", status: ["hot", "odd"], labels: { site: "north" } })).toEqual(["crowd-2998"]);
      expect(await ids({ q: "number 299", availability: "pending" })).toHaveLength(9);
      expect(await ids({ id: "crowd-3", q: "number 299" })).toEqual([]);
    },

    "finds what was written in each way at once, and never by what it was called before": async (store) => {
      const texts = await aCrowd(store);
      await indexAll(store);
      const owner = await Owner.of(store);
      await store.createSensor(draftOf("zz-made", { name: "walrus one" }));
      await store.putSensor(draftOf("zz-put", { name: "walrus two" }), { expected: null, reach: null });
      await store.upsertSensors([draftOf("zz-upserted", { name: "walrus three" })], null);
      await owner.refresh();
      await owner.commit({ registrations: [sensorOf("zz-heard", { name: "walrus four" })] });
      await store.updateSensor(draftOf("crowd-2910", { name: "walrus five" }), null);
      await store.putSensor(draftOf("crowd-2911", { name: "walrus six" }), { expected: null, reach: null });
      await store.upsertSensors([draftOf("crowd-2912", { name: "walrus seven" })], null);
      await store.deleteSensor("crowd-2913", null);
      await store.createSensor(draftOf("crowd-2913", { name: "walrus eight" }));
      await store.deleteSensor("crowd-2914", null, { history: "delete" });
      await owner.refresh();
      await owner.commit({ registrations: [sensorOf("crowd-2914", { name: "walrus nine", life: 2 })] });
      const walruses = [
        "crowd-2910",
        "crowd-2911",
        "crowd-2912",
        "crowd-2913",
        "crowd-2914",
        "zz-heard",
        "zz-made",
        "zz-put",
        "zz-upserted",
      ];
      expect(await found(store, "walrus")).toEqual(walruses);
      await pushOthers(store, texts, 1);
      expect(await found(store, "walrus")).toEqual(walruses);
      for (const number of [2910, 2911, 2912, 2913, 2914]) expect(await found(store, `number ${number}`)).not.toContain(`crowd-${number}`);
      await store.deleteSensor("zz-made", null);
      expect(await found(store, "walrus one")).toEqual([]);
    },

    "goes on while groups are made anew, again and again": async (store) => {
      const texts = await aCrowd(store);
      await indexAll(store);
      for (let turn = 0; turn < 12; turn += 1) {
        await pushOthers(store, texts, turn % 3);
        const renamed = [...texts.keys()].filter((_, index) => index % 3 === turn % 3).slice(0, 600);
        for (const id of renamed) texts.set(id, `renamed ${turn} ${id.length}`);
        await put(
          store,
          renamed.map((id) => [id, texts.get(id) as string]),
        );
        await store.indexTexts(200);
        await expectFound(store, texts, [`renamed ${turn} 10`, "other 511", "été"]);
      }
    },

    "does nothing to groups where nothing waits": async (store) => {
      await aCrowd(store);
      await indexAll(store);
      expect(await store.indexTexts(300)).toEqual({ sensors: 0, more: false });
      const at: SearchProgress = { pass: 3, reached: null, passed: 1000, added: 314, ageMs: 0 };
      expect([nextWork(at, 511), nextWork(at, 512), nextWork({ ...at, reached: "a" }, 0), nextWork({ ...at, added: 315 }, 0)]).toEqual([
        "clear",
        "group",
        "pass",
        "renew",
      ]);
    },
  }),
];
