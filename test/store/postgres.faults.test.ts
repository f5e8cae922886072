import { afterAll, describe, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { freePorts } from "../servers/freePorts";
import { startHangingProxy } from "../servers/hangingProxy";
import { Owner } from "./conformance/owner";
import { draftOf, FIRST_PAGE, onlineState, reportOf } from "./conformance/samples";
import { onDatabase } from "../servers/postgres";
import { bestOf } from "../bestOf";
import { postgresHarness } from "./postgres/harness";
import { endsOf, locked, waiting } from "./postgres/locks";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

/** Longer than connecting and a statement may take together, and than any lease lasts. */
const GIVEN_UP_MS = 30_000;
const TEST_MS = 60_000;
const UNAVAILABLE = { kind: "unavailable" };
const OPENING_AT_ONCE = 10;

function open(url: string): Promise<Store> {
  return openStore({ kind: "postgres", url });
}

async function reportsOf(store: Store, sensorId: string): Promise<number[]> {
  const { items } = await store.listReports(sensorId, { range: {}, order: "asc" }, FIRST_PAGE);
  return items.map(({ sequence }) => sequence);
}

/** Ends the connections of the store to its database; gives how many there were. */
async function terminate(url: string): Promise<number> {
  const others = "datname = current_database() and application_name = 'tocsin'";
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ ended: boolean }>(`select pg_terminate_backend(pid) as ended from pg_stat_activity where ${others}`),
  );
  return rows.filter(({ ended }) => ended).length;
}

/** Calls until it works, as everybody does who is told `unavailable`. */
async function untilItWorks<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      expect(error).toMatchObject(UNAVAILABLE);
    }
  }
}

describe("a database of Postgres that is away", () => {
  test("when it is opened is said so, and is opened once it is there", async () => {
    await using opened = await harness.open();
    await harness.server.down();
    await expect(open(opened.url)).rejects.toMatchObject(UNAVAILABLE);
    await harness.server.up();
    await (await open(opened.url)).close();
    await expect(open(opened.url.replace(/[^/]+$/, "nothing"))).rejects.toMatchObject(UNAVAILABLE);
    const nobody = opened.url.replace(/:\d+\//, `:${(await freePorts(1))[0]}/`);
    await expect(open(nobody)).rejects.toMatchObject(UNAVAILABLE);
  });

  test("between two calls is said so at most once for each connection, and then goes on", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    const owner = await Owner.of(store);
    await owner.commit({ reports: [reportOf(1, "a")] });
    await harness.server.down();
    for (const call of [() => store.getSensor("a"), () => store.probe(), () => store.renewLease(owner.lease, 60_000)]) {
      await expect(call()).rejects.toMatchObject(UNAVAILABLE);
    }
    await harness.server.up();
    await owner.commit({ reports: [reportOf(2, "a")] });
    expect(await reportsOf(store, "a")).toEqual([1, 2]);
    expect(await terminate(url)).toBeGreaterThan(0);
    await untilItWorks(() => owner.commit({ reports: [reportOf(3, "a")] }));
    expect(await untilItWorks(() => reportsOf(store, "a"))).toEqual([1, 2, 3]);
  });

  test("in the middle of calls is said so by each of them, and none of them is done by half", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    const owner = await Owner.of(store);
    await store.createSensor(draftOf("a"));
    await owner.refresh();
    for (const interrupt of [() => terminate(url), () => harness.server.restart()]) {
      const lock = await locked(url, "lock table states, sensors in access exclusive mode");
      const part = owner.part({ reports: [reportOf(owner.position.cursor + 1, "a")], states: [{ sensorId: "a", state: onlineState() }] });
      const calls = [store.commitBatch([part]), store.updateSensor(draftOf("a", { name: "A" }), null), store.getSensor("a")];
      const ends = endsOf(calls);
      await waiting(url, 3, ends);
      await interrupt();
      expect(await ends).toEqual(calls.map(() => expect.objectContaining(UNAVAILABLE)));
      await lock[Symbol.asyncDispose]();
      expect((await untilItWorks(() => store.getSensor("a")))?.sensor).toMatchObject({ name: "a", version: 1 });
      expect((await untilItWorks(() => store.commitBatch([part])))[0]).toMatchObject({ kind: "committed" });
      owner.position = part.to;
    }
    expect(await reportsOf(store, "a")).toEqual([1, 2]);
  });
});

describe("a database of Postgres that does not answer", () => {
  test(
    "is given up in time, leaves no connection taken, and a batch whose answer was lost is in once",
    async () => {
      await using opened = await harness.open();
      await using proxy = await startHangingProxy(harness.server.port);
      const store = await open(opened.url.replace(/:\d+\//, `:${proxy.port}/`));
      const owner = await Owner.of(store);
      const part = owner.part({ reports: [reportOf(1, "a")], states: [{ sensorId: "a", state: onlineState() }] });
      const lock = await locked(opened.url, "select * from partitions for update");
      const lost = endsOf([store.commitBatch([part])]);
      await waiting(opened.url, 1);
      const startedAt = performance.now();
      proxy.hang();
      await lock[Symbol.asyncDispose]();
      const calls = Array.from({ length: 25 }, () => [
        store.getSensor("a"),
        store.createSensor(draftOf("b")),
        store.renewLease(owner.lease, 1000),
        store.listChanges({ range: {}, order: "asc" }, FIRST_PAGE),
      ]).flat();
      const ends = [...(await endsOf(calls)), ...(await lost)];
      expect(ends).toEqual(ends.map(() => expect.objectContaining(UNAVAILABLE)));
      expect(performance.now() - startedAt).toBeLessThan(GIVEN_UP_MS);
      proxy.goOn();
      expect(await untilItWorks(() => store.commitBatch([part]))).toEqual([{ kind: "alreadyCommitted" }]);
      await Promise.all(Array.from({ length: 25 }, () => store.getSensor("a")));
      expect(await reportsOf(store, "a")).toEqual([1]);
      proxy.hang();
      await store.close();
    },
    TEST_MS,
  );

  test(
    "when it is opened is said so",
    async () => {
      await using opened = await harness.open();
      await using proxy = await startHangingProxy(harness.server.port);
      proxy.hang();
      await expect(open(opened.url.replace(/:\d+\//, `:${proxy.port}/`))).rejects.toMatchObject(UNAVAILABLE);
    },
    TEST_MS,
  );

  test(
    "because somebody holds what a statement needs ends the statement, and holds up nobody who renews a lease",
    async () => {
      await using opened = await harness.open();
      const { store, url } = opened;
      const owner = await Owner.of(store);
      /** How many calls had ended by the time that the lease was renewed. */
      const endedBefore = async () => {
        let ended = 0;
        await using _ = await locked(url, "lock table sensors in access exclusive mode");
        const calls = Array.from({ length: 30 }, () => store.getSensor("a"));
        const ends = endsOf(calls.map((call) => call.finally(() => (ended += 1))));
        await waiting(url, 10, ends);
        expect(await store.renewLease(owner.lease, 60_000)).toBe(true);
        await owner.commit({ reports: [reportOf(owner.position.cursor + 1, "a")] });
        const before = ended;
        expect(await ends).toEqual(calls.map(() => expect.objectContaining(UNAVAILABLE)));
        return before;
      };
      expect(await bestOf(1, endedBefore)).toBe(0);
      expect(await store.getSensor("a")).toBeNull();
    },
    TEST_MS,
  );
});

describe("a database of Postgres", () => {
  test("that may only be read is read, and says so when it is written", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    await store.createSensor(draftOf("a"));
    const owner = await Owner.of(store);
    const name = url.split("/").at(-1);
    await onDatabase(url, (client) => client.query(`alter database ${name} set default_transaction_read_only = on`));
    await terminate(url);
    expect(await untilItWorks(() => store.getSensor("a"))).not.toBeNull();
    const readOnly = { ...UNAVAILABLE, message: expect.stringContaining("read-only") };
    // The first may still find that its connection was ended.
    await expect(store.probe()).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.probe()).rejects.toMatchObject(readOnly);
    await expect(owner.commit({ reports: [reportOf(1, "a")] })).rejects.toMatchObject(readOnly);
    const writable = `begin read write; alter database ${name} reset default_transaction_read_only; commit`;
    await onDatabase(url, (client) => client.query(writable));
    await terminate(url);
    await untilItWorks(() => owner.commit({ reports: [reportOf(1, "a")] }));
  });

  test("says of what a caller did wrong what it was", async () => {
    await using opened = await harness.open();
    const { store } = opened;
    await store.createSensor(draftOf("a"));
    await expect(store.createSensor(draftOf("a"))).rejects.toMatchObject({ kind: "conflict" });
    await expect(store.updateSensor(draftOf("a"), 7)).rejects.toMatchObject({ kind: "preconditionFailed" });
    await expect(store.deleteToken("nothing")).rejects.toMatchObject({ kind: "notFound" });
    await expect(store.listIncidents({ limit: 1, cursor: "x" })).rejects.toMatchObject({ kind: "invalid" });
    const owner = await Owner.of(store);
    await owner.refresh();
    const twice = expect(owner.commit({ reports: [reportOf(1, "a"), reportOf(1, "a")] })).rejects;
    await twice.not.toMatchObject(UNAVAILABLE);
    await owner.commit({ reports: [reportOf(1, "a")] });
  });

  test("that is empty gets its tables from the first of many who open it at once, though one is cut off in the middle", async () => {
    const url = await harness.server.createDatabase();
    // So slow that somebody can be caught in the middle.
    const slowly = `create function slowly() returns event_trigger language plpgsql as $$ begin perform pg_sleep(0.02); end $$;
      create event trigger slow on ddl_command_end execute function slowly()`;
    await onDatabase(url, (client) => client.query(slowly));
    const opening = Array.from({ length: OPENING_AT_ONCE }, () => open(url));
    const outcomes = Promise.allSettled(opening);
    const cut = await onDatabase(url, async (client) => {
      for (;;) {
        const { rows } = await client.query<{ ended: boolean }>(
          `select pg_terminate_backend(pid) as ended from pg_stat_activity
           where datname = current_database() and state = 'active' and query ~ '^\\s*CREATE INDEX' limit 1`,
        );
        if (rows.length > 0) return rows.length;
      }
    });
    const opened = (await outcomes).filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
    expect(opened).toHaveLength(OPENING_AT_ONCE - cut);
    for (const outcome of await outcomes) if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(UNAVAILABLE);
    await Promise.all(opened.map((store) => store.probe()));
    expect(await opened[0]?.prepareDays(0)).toBe(7);
    for (const store of opened) await store.close();
    await harness.server.dropDatabase(url);
  });
});
