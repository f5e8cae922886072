import { afterAll, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { SensorQuery, Store } from "../../src/store/store";
import { seededRandom } from "../ledger/random";
import type { OpenedStore } from "./conformance/harness";
import { allPages, draftOf } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { sqliteHarness } from "./sqlite/harness";

/** More than the first stretches of a list, and enough turnover for groups to be made anew. */
const SENSORS = 4000;
const SEARCHES = 40;
const SEED = 1;
/** In no collation but that of bytes do all of these stand in this order. */
const HEADS = ["B-", "Zone:", "a_", "b-", "z", "Z", "zone-", "C_"];
const WORDS = [
  "pump",
  "Pumpe",
  "boiler",
  "İstanbul",
  "STRASSE",
  "Straße",
  "ΟΔΟΣ",
  "οδος",
  "😀😁",
  "e\u0301té",
  "a b",
  "50%_",
  '"q"',
  "\uFFFD",
  "x\ny",
];

type Random = () => number;
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

interface Known {
  name: string | null;
  site: string;
  /** Counted up before and after each write: what did not move while a list was read must be in it. */
  moves: number;
}

class Registry {
  readonly known = new Map<string, Known>();
  constructor(private readonly random: Random) {
    for (let n = 0; n < SENSORS; n += 1) {
      this.known.set(`${HEADS[n % HEADS.length]}${(n * 7919) % SENSORS}`, { name: null, site: "north", moves: 0 });
    }
  }

  name(): string {
    return `${pick(this.random, WORDS)} ${Math.floor(this.random() * 50)} ${pick(this.random, WORDS)}`;
  }

  async write(store: Store): Promise<void> {
    const ids = [...this.known.keys()];
    const roll = this.random();
    const some = new Set(Array.from({ length: roll < 0.3 ? 200 : 5 }, () => pick(this.random, ids)));
    const rows = [...some].map((id) => [id, this.known.get(id) as Known] as const).filter(([, known]) => known.moves % 2 === 0);
    for (const [, known] of rows) known.moves += 1;
    try {
      if (roll < 0.7) {
        const drafts = rows.map(([id]) => draftOf(id, { name: this.name(), labels: { site: pick(this.random, ["north", "south"]) } }));
        await store.upsertSensors(drafts, null);
        drafts.forEach(({ name, labels }, index) => Object.assign((rows[index] as (typeof rows)[0])[1], { name, site: labels.site }));
      } else {
        for (const [id, known] of rows) {
          if (known.name === null) {
            known.name = this.name();
            await store.createSensor(draftOf(id, { name: known.name, labels: { site: known.site } }));
          } else if (this.random() < 0.5) {
            await store.deleteSensor(id, null, this.random() < 0.5 ? { history: "delete" } : {});
            known.name = null;
          } else {
            known.name = this.name();
            await store.updateSensor(draftOf(id, { name: known.name, labels: { site: known.site } }), null);
          }
        }
      }
    } finally {
      for (const [, known] of rows) known.moves += 1;
    }
  }

  q(): string {
    const [id, { name }] = pick(this.random, [...this.known]);
    const text = `${id}\n${name ?? this.name()}`;
    const from = Math.floor(this.random() * text.length);
    const q = text.slice(from, from + 2 + Math.floor(this.random() * 8)).toWellFormed();
    return this.random() < 0.5 ? q : q.toUpperCase();
  }
}

const fits = (id: string, { name, site }: Known, { q, labels }: SensorQuery) =>
  name !== null && `${id}\n${name}`.toLowerCase().includes((q ?? "").toLowerCase()) && (labels?.["site"] ?? site) === site;

async function expectExact(registry: Registry, random: Random, store: Store): Promise<void> {
  const query: SensorQuery = random() < 0.4 ? { q: registry.q(), labels: { site: "north" } } : { q: registry.q() };
  const before = new Map([...registry.known].map(([id, known]) => [id, { ...known }]));
  const listed = await allPages((page) => store.listSensors(query, page), pick(random, [7, 50, 700]));
  const ids = listed.map(({ sensor }) => sensor.id);
  const found = new Set(ids);
  const wrong: unknown[] = [];
  for (const [id, known] of before) {
    if (known.moves % 2 === 1 || registry.known.get(id)?.moves !== known.moves) continue;
    if (fits(id, known, query) !== found.has(id)) wrong.push([id, known, found.has(id) ? "listed" : "left out"]);
  }
  expect({ query, wrong: wrong.slice(0, 5), count: wrong.length }).toEqual({ query, wrong: [], count: 0 });
  expect(ids).toEqual([...found].toSorted());
}

async function race(stores: readonly Store[]): Promise<void> {
  const random = seededRandom(SEED);
  const registry = new Registry(random);
  let over = false;
  const until = async (act: (store: Store) => Promise<unknown>, store: Store) => {
    while (!over) {
      await act(store);
      await Bun.sleep(0);
    }
  };
  const beside = stores.flatMap((store) => [
    until((on) => registry.write(on), store),
    until((on) => registry.write(on), store),
    until((on) => on.indexTexts(300), store),
  ]);
  try {
    for (let searches = 0; searches < SEARCHES; searches += 1) await expectExact(registry, random, pick(random, stores));
  } finally {
    over = true;
    await Promise.all(beside);
  }
}

const sqlite = await sqliteHarness();
const postgres = await postgresHarness();
afterAll(async () => {
  sqlite[Symbol.dispose]();
  await postgres[Symbol.asyncDispose]();
});

test("on SQLite a search leaves nobody out whatever is written and grouped meanwhile", async () => {
  await using opened: OpenedStore = await sqlite.open();
  await race([opened.store]);
}, 3_600_000);

test("on Postgres a search leaves nobody out whatever several nodes write and group meanwhile", async () => {
  await using opened = await postgres.open();
  const other = await openStore({ kind: "postgres", url: opened.url });
  try {
    await race([opened.store, other]);
  } finally {
    await other.close();
  }
}, 3_600_000);
