import { afterAll, expect, test } from "bun:test";
import type pg from "pg";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { seededRandom } from "../ledger/random";
import { onDatabase } from "../servers/postgres";
import { Planner } from "./conformance/planner";
import { addWebhook } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { untilStopped } from "./postgres/raceActors";
import { Cataloguer, Eraser, Follower, PARTITIONS, Registrar, Sender, Taker } from "./postgres/registryActors";

/** The race goes on until each partition has so many changes, and so much was deleted, edited and erased. */
const CHANGES = 120;
const DELETED = 20;
const EDITS = 20;
const ROWS_ERASED = 100;
/** From one edit to the next of the same hand: without it no batch would ever be taken. */
const PAUSE_MS = 40;
/** After so many batches another node takes a partition over. */
const TAKEN_OVER_AFTER = 15;
const TEST_MS = 60_000;

/** Transactions linger where others might come between. */
const SLOW_MOTION = `
  create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.004); return null; end $$;
  create trigger linger after insert or update on sensors for each statement execute function linger();
  create trigger linger after insert or delete on sensor_labels for each statement execute function linger();
  create trigger linger after delete on deliveries for each statement execute function linger()`;

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

async function race(here: Store, there: Store, seed: number) {
  const random = seededRandom(seed);
  const stores = [here, there];
  await addWebhook(here, "w");
  const senders = await Promise.all(PARTITIONS.map(async (partition) => new Sender(here, await Planner.of(here, partition), "w")));
  const takers: Taker[] = [];
  const registrars = [here, there, there].map((store) => new Registrar(store));
  const erasers = stores.map(() => new Eraser());
  const cataloguer = new Cataloguer();
  const follower = new Follower();
  let zombies = 0;
  const end = new AbortController();
  const { signal } = end;
  const sum = (counts: readonly number[]) => counts.reduce((one, other) => one + other, 0);
  const isLong = () =>
    PARTITIONS.every((partition) => (senders[partition] as Sender).planned >= CHANGES) &&
    sum(registrars.map(({ erased }) => erased)) >= DELETED &&
    sum(erasers.map(({ rows }) => rows)) >= ROWS_ERASED &&
    cataloguer.edits.length >= EDITS;

  await Promise.all([
    ...PARTITIONS.map(async (partition) => {
      let owner = await Taker.of(here, partition);
      takers.push(owner);
      await untilStopped(signal, async () => {
        if (!(await owner.turn(random))) throw new Error("the lease was lost");
        if (owner.changes >= (senders[partition] as Sender).planned + CHANGES) await Bun.sleep(5);
        if (owner.taken.length < TAKEN_OVER_AFTER) return;
        const before = owner;
        owner = await Taker.of(stores[takers.length % 2] as Store, partition);
        takers.push(owner);
        if (await before.turn(random)) throw new Error("one that lost its partition took something in");
        zombies += 1;
      });
    }),
    ...senders.flatMap((sender) => [
      untilStopped(signal, () => sender.plan()),
      untilStopped(signal, async () => {
        await sender.send(random);
        await Bun.sleep(1);
      }),
    ]),
    ...registrars.map((registrar) =>
      untilStopped(signal, async () => {
        await Bun.sleep(random() * PAUSE_MS);
        await registrar.turn(random);
      }),
    ),
    ...erasers.map((eraser, index) => untilStopped(signal, async () => void (await eraser.turn(stores[index] as Store)))),
    untilStopped(signal, async () => {
      await Bun.sleep(random() * 2 * PAUSE_MS);
      await cataloguer.turn(stores[cataloguer.edits.length % 2] as Store, random);
      if (isLong()) end.abort();
    }),
    untilStopped(signal, async () => {
      await follower.turn(there);
      await Bun.sleep(2);
    }),
  ]);
  return { senders, takers, registrars, erasers, cataloguer, zombies, random };
}

type Raced = Awaited<ReturnType<typeof race>>;

/** What was told of the edited status held at some moment of the commit. */
function expectCatalogue({ takers, cataloguer: { edits } }: Raced): void {
  const ordered = edits.toSorted((a, b) => a.version - b.version);
  expect(ordered.map(({ version }) => version)).toEqual(ordered.map((_, index) => index + 2));
  for (const { begun, ended, severities } of takers.flatMap(({ taken }) => taken)) {
    const past = ordered.findLastIndex((edit) => edit.ended < begun);
    const current = ordered.filter((edit, index) => index >= past && edit.begun < ended).map(({ severity }) => severity);
    expect([past === -1 ? "unknown" : null, ...current]).toEqual(expect.arrayContaining([...severities]));
  }
}

/** Each version of a sensor was written once, in the order of the answers; the last one counts them all. */
async function expectVersions(client: pg.Client, { registrars, takers }: Raced): Promise<void> {
  const written = registrars.flatMap((registrar) => registrar.written);
  const registered = takers.flatMap(({ taken }) => taken).reduce((sum, { registrations }) => sum + registrations, 0);
  for (const [id, writes] of Map.groupBy(written, (write) => write.id)) {
    const ordered = writes.toSorted((a, b) => a.version - b.version);
    expect([id, new Set(ordered.map(({ version }) => version)).size]).toEqual([id, writes.length]);
    for (const [index, { begun, life }] of ordered.entries()) {
      expect([id, ordered.slice(index + 1).filter((later) => later.ended < begun || later.life < life)]).toEqual([id, []]);
    }
  }
  const { rows } = await client.query<{ versions: number; lives: number }>(
    "select sum(version)::int as versions, sum(life)::int as lives from sensors",
  );
  expect(rows).toEqual([{ versions: written.length + registered, lives: written.filter(({ created }) => created).length + registered }]);
}

async function expectLabels(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select * from (
       select s.id, l.key, l.value from sensors s cross join lateral json_each_text(s.labels) l where s.deleted_at is null) a
     full join (select sensor_id as id, label_key as key, label_value as value from sensor_labels) b using (id, key, value)
     where a is null or b is null`,
  );
  expect(rows).toEqual([]);
}

/** Nothing is left of before the last deletion with its history, and what came later has no gaps. */
async function expectErased(client: pg.Client, { senders }: Raced): Promise<void> {
  const { rows } = await client.query("select id from sensors where erase_before is not null");
  expect(rows).toEqual([]);
  const { rows: torn } = await client.query(
    `select s.id, s.revision, max(c.revision) as last, count(c.revision) as kept, min(c.revision) as first
     from (select sensor_id as id, revision from states) s join changes c on c.sensor_id = s.id group by s.id, s.revision
     having max(c.revision) <> s.revision or count(c.revision) <> max(c.revision) - min(c.revision) + 1`,
  );
  expect(torn).toEqual([]);
  const { rows: states } = await client.query<{ id: string; revision: number }>("select sensor_id as id, revision::int from states");
  const sent = new Map(senders.flatMap((sender) => [...sender.sent]));
  for (const { id, revision } of states) {
    expect([id, sent.get(id) ?? []]).toEqual([id, Array.from({ length: revision }, (_, index) => index + 1)]);
  }
}

test(
  "whoever writes sensors and the catalogue while reports are taken in, each write has its place, and nothing that is owed is erased",
  async () => {
    await using opened = await harness.open();
    const here = opened.store;
    const there = await openStore({ kind: "postgres", url: opened.url });
    try {
      await here.fixPartitionCount(PARTITIONS.length, 1);
      await onDatabase(opened.url, (client) => client.query(SLOW_MOTION));
      const raced = await race(here, there, 1);
      const { senders, takers, erasers, zombies, random } = raced;
      expectCatalogue(raced);
      const reached = PARTITIONS.map((partition) => takers.findLast(({ lease }) => lease.partition === partition) as Taker);
      for (const [partition, sender] of senders.entries()) {
        while (sender.planned < (reached[partition] as Taker).changes) await sender.plan();
        while ((await sender.send(random)) > 0);
        const { lease, changes } = reached[partition] as Taker;
        await here.markPublished(lease, changes);
      }
      for (let rounds = 0; rounds < 1000 && (await erasers[0]?.turn(here)) === true; rounds += 1);
      await onDatabase(opened.url, async (client) => {
        await expectVersions(client, raced);
        await expectLabels(client);
        await expectErased(client, raced);
      });
      // Or else nobody was in anybody's way.
      expect(takers.reduce((sum, { refusals }) => sum + refusals, 0)).toBeGreaterThan(10);
      expect(zombies).toBeGreaterThan(2);
    } finally {
      await there.close();
    }
  },
  TEST_MS,
);
