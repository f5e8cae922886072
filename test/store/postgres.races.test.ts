import { afterAll, expect, test } from "bun:test";
import type pg from "pg";
import { openStore } from "../../src/store/open";
import { EVENT_KINDS, SETTINGS_DEFAULT } from "../../src/domain/webhook";
import type { Store } from "../../src/store/store";
import { seededRandom } from "../ledger/random";
import { delivered } from "./conformance/planner";
import { addWebhook } from "./conformance/samples";
import { onDatabase } from "../servers/postgres";
import { postgresHarness } from "./postgres/harness";
import { ANY_VERDICT, Comings, editSensor, editWebhook, Ingest, meddle, Notify, pick, replay, untilStopped } from "./postgres/raceActors";

/** The race goes on until each ingest has recorded so many changes, each notify has planned them, and so many webhooks have come. */
const CHANGES = 150;
const COMINGS = 15;
/** So many deliveries have been replayed. */
const REPLAYS = 50;
/** From one edit of a sensor to the next: without it no batch would ever be taken. */
const EDIT_EVERY_MS = 60;
const PARTITIONS = [0, 1] as const;
const STAYING = ["stay0", "stay1", "stay2"];
/** Stays, too; its deliveries are replayed, and none is asked for by hand. */
const REPLAYED = "replayed";
/** Stays, and is told what the service says of the others. */
const ASKING = "asking";
const SENSORS = 2;

/** Transactions linger where others might come between. */
const SLOW_MOTION = `
  create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.01); return null; end $$;
  create trigger linger after insert on webhook_versions for each statement execute function linger();
  create trigger linger after update on deliveries for each statement execute function linger()`;

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

/** Two nodes: one ingests and notifies, the other edits, ends and asks again. */
async function race(here: Store, there: Store, seed: number) {
  const random = seededRandom(seed);
  const edits = [0, 0];
  const comings = new Comings();
  const repeated = new Set<string>();
  for (const id of [...STAYING, REPLAYED]) await addWebhook(here, id);
  await addWebhook(here, ASKING, { settings: { ...SETTINGS_DEFAULT, events: EVENT_KINDS } });
  const ingests = await Promise.all(PARTITIONS.map((partition) => Ingest.of(here, partition, () => edits[partition] as number)));
  const notifies = await Promise.all(PARTITIONS.map((partition) => Notify.of(here, partition)));
  const sensorOf = (partition: number) => `s${partition}-${Math.floor(random() * SENSORS)}`;

  let replayed = 0;
  const end = new AbortController();
  const { signal } = end;
  await Promise.all([
    ...PARTITIONS.flatMap((partition) => [
      untilStopped(signal, async () => {
        const [ingest, notify] = [ingests[partition] as Ingest, notifies[partition] as Notify];
        // What is recorded far ahead of the plans would have to be planned when the race is over.
        if (ingest.reached >= notify.planner.planned + CHANGES) await Bun.sleep(1);
        else await ingest.turn(here, [sensorOf(partition), sensorOf(partition)]);
      }),
      untilStopped(signal, () => (notifies[partition] as Notify).plan()),
      untilStopped(signal, async () => void (await (notifies[partition] as Notify).settle(random, ANY_VERDICT))),
      untilStopped(signal, async () => {
        await Bun.sleep(random() * EDIT_EVERY_MS);
        await editSensor(there, random, { id: sensorOf(partition), partition });
        edits[partition] = (edits[partition] as number) + 1;
      }),
    ]),
    untilStopped(signal, async () => {
      await Bun.sleep(random() * EDIT_EVERY_MS);
      await comings.turn(there, random);
      const much = ingests.every(({ reached }) => reached >= CHANGES) && notifies.every(({ planner }) => planner.planned >= CHANGES);
      if (much && comings.lives.size >= COMINGS && replayed >= REPLAYS) end.abort();
    }),
    untilStopped(signal, async () => {
      // Without a pause now and then no plan would ever be taken.
      await Bun.sleep(random() * EDIT_EVERY_MS);
      await editWebhook(there, random, pick(random, [...STAYING, REPLAYED, ASKING]) as string);
    }),
    untilStopped(signal, async () => {
      replayed += await replay(there, random, REPLAYED);
    }),
    ...STAYING.map(() =>
      untilStopped(signal, async () => {
        const id = await meddle(there, random, [...STAYING, ...comings.lives.keys()]);
        if (id !== null) repeated.add(id);
      }),
    ),
  ]);
  return { ingests, notifies, comings, repeated };
}

/**
 * Of every lane: whether the first has a time, or any where some are replayed, which wait for what led before; and how many have one
 * beside those asked for by hand.
 */
async function lanesOf(client: pg.Client, repeated: ReadonlySet<string>) {
  const { rows } = await client.query<{ lane: string; led: boolean; heads: number }>(
    `select webhook_id || '/' || partition || '/' || sensor_id as lane,
       (array_agg(next_attempt_at order by number))[1] is not null or webhook_id = $2 and bool_or(next_attempt_at is not null) as led,
       count(*) filter (where next_attempt_at is not null and not (id = any($1)))::int as heads
     from deliveries where state = 'pending' group by webhook_id, partition, sensor_id`,
    [[...repeated], REPLAYED],
  );
  return rows;
}

async function numbersOwed(client: pg.Client, webhookId: string, partition: number): Promise<number[]> {
  const { rows } = await client.query<{ number: string }>(
    "select number from deliveries where webhook_id = $1 and partition = $2 order by ordinal",
    [webhookId, partition],
  );
  return rows.map(({ number }) => Number(number));
}

test("whatever two nodes do at once, every lane is led by its first, and a webhook is owed what was recorded while it was there", async () => {
  await using opened = await harness.open();
  await onDatabase(opened.url, (client) => client.query(SLOW_MOTION));
  const here = opened.store;
  const there = await openStore({ kind: "postgres", url: opened.url });
  try {
    const { ingests, notifies, comings, repeated } = await race(here, there, 1);
    for (const [index, notify] of notifies.entries()) {
      while (notify.planner.planned < (ingests[index] as Ingest).reached) await notify.plan();
    }
    await onDatabase(opened.url, async (client) => {
      const timed = await client.query("select id from deliveries where state <> 'pending' and next_attempt_at is not null");
      expect(timed.rows).toEqual([]);
      for (const lane of await lanesOf(client, repeated)) expect(lane).toEqual({ ...lane, led: true, heads: Math.min(1, lane.heads) });
      await expectOwed(client, ingests, comings);
      await expectTold(client);
      const gaps = await client.query("select delivery_id from attempts group by delivery_id having max(number) <> count(*)");
      expect(gaps.rows).toEqual([]);
    });
    await onDatabase(opened.url, (client) => client.query("alter table deliveries disable trigger linger"));
    await expectToDrain(here, notifies);
    // Or else nobody was in anybody's way.
    for (const { refusals } of ingests) expect(refusals).toBeGreaterThan(10);
  } finally {
    await there.close();
  }
}, 60_000);

/** Whatever was told meanwhile is owed to whoever asked, and to nobody else. */
async function expectTold(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ kind: string; webhook_id: string | null }>(
    `select distinct e.kind, d.webhook_id from operational_events e
     left join deliveries d on d.sensor_id = '$events' and d.number = e.number`,
  );
  for (const row of rows) expect(row).toEqual({ kind: row.kind, webhook_id: ASKING });
}

/** The number after which each version of a webhook holds, in a partition. */
async function boundsOf(client: pg.Client, webhookId: string, partition: number): Promise<number[]> {
  const { rows } = await client.query<{ after: Record<string, number> }>(
    "select after from webhook_versions where webhook_id = $1 order by version",
    [webhookId],
  );
  return rows.map(({ after }) => after[partition] ?? 0);
}

/**
 * A webhook is owed each number between its coming and its going as they stand in its versions; and these stand where it came and went:
 * what was committed before or after it was there is none of them, and what was committed meanwhile is.
 */
async function expectOwed(client: pg.Client, ingests: readonly Ingest[], { lives }: Comings): Promise<void> {
  for (const [id, { came, went }] of lives) {
    for (const [partition, { spans }] of ingests.entries()) {
      const owed = await numbersOwed(client, id, partition);
      const [from = 0, to = spans.length] = await boundsOf(client, id, partition);
      expect([id, partition, owed]).toEqual([id, partition, Array.from({ length: to - from }, (_, index) => from + index + 1)]);
      const isOwed = new Set(owed);
      const wrong = spans.flatMap(({ begun, ended }, index) => {
        const must = begun > came.ended && (went === null || ended < went.begun);
        const mustNot = ended < came.begun || (went !== null && begun > went.ended);
        const is = isOwed.has(index + 1);
        return is === ((is || must) && !mustNot) ? [] : [{ number: index + 1, is }];
      });
      expect([id, partition, wrong]).toEqual([id, partition, []]);
    }
  }
}

/** No lane is stuck: from head to head everything that is owed to those who are there comes to its end. */
async function expectToDrain(store: Store, notifies: readonly Notify[]): Promise<void> {
  const { items } = await store.listWebhooks({ limit: 1000, cursor: null });
  for (const { id, state } of items) if (state !== "active") await store.updateWebhook(id, { state: "active" }, null);
  const random = seededRandom(2);
  for (const notify of notifies) while ((await notify.settle(random, [delivered])) > 0);
  const { items: pending } = await store.listDeliveries({ states: ["pending"] }, { limit: 1000, cursor: null });
  const waiting = pending.filter(({ nextAttemptAt }) => nextAttemptAt === null || nextAttemptAt <= Date.now());
  expect(waiting).toEqual([]);
}
