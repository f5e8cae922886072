import { afterAll, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { onDatabase } from "../servers/postgres";
import { aHistory, erase, eraseAll } from "./conformance/erasure";
import { Owner } from "./conformance/owner";
import { delivered, failed } from "./conformance/planner";
import { draftOf, FIRST_PAGE, letterOf } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { openBeside, temporaryFolder } from "./sqlite/harness";

const postgres = await postgresHarness();
afterAll(() => postgres[Symbol.asyncDispose]());

/** Runs SQL on the database of the store, beside it. */
type Beside = (sql: string) => Promise<unknown>;

/** A dead letter that cannot be taken out at first. */
async function expectTakenOut(store: Store, beside: Beside, { refuse, allow }: { refuse: string; allow: string }): Promise<void> {
  await store.createSensor(draftOf("a"));
  const owner = await Owner.of(store);
  await owner.commit({ deadLetters: [letterOf(1, { subject: "reports.1.0.a" }), letterOf(2, { subject: "reports.1.0.b" })] });
  await erase(store, owner);
  await beside(refuse);
  await expect(eraseAll(store)).rejects.toThrow("kept");
  await beside(allow);
  const slices = await eraseAll(store);
  expect(slices.at(-1)).toMatchObject({ sensorId: "a", rows: { dead_letters: 1 }, finished: true });
  expect((await store.listDeadLetters(FIRST_PAGE)).items.map(({ subject }) => subject)).toEqual(["reports.1.0.b"]);
}

/** A delivery that ended under its attempt, as where its webhook was deleted meanwhile. */
async function expectNoTrace(store: Store, attempts: () => Promise<number>): Promise<void> {
  const { owner, planner, changes } = await aHistory(store);
  await planner.owe(changes, ["w"]);
  await owner.publishAll();
  const first = await planner.head("w", "a");
  await planner.settle(failed(first, "expired"));
  await erase(store, owner);
  await eraseAll(store);
  const before = await attempts();
  expect(await planner.settle(delivered(first))).toMatchObject({ held: true });
  expect(await attempts()).toBe(before);
}

test("on SQLite dead letters that could not be taken out are looked for again before their sensor's erasure is over", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  const beside: Beside = async (sql) => {
    using other = openBeside(folder.file);
    other.client.exec(sql);
  };
  await expectTakenOut(store, beside, {
    refuse: "create trigger refuse before delete on dead_letters begin select raise(abort, 'kept'); end",
    allow: "drop trigger refuse",
  });
  await store.close();
});

test("on Postgres dead letters that could not be taken out are looked for again before their sensor's erasure is over", async () => {
  await using opened = await postgres.open();
  await expectTakenOut(opened.store, (sql) => onDatabase(opened.url, (client) => client.query(sql)), {
    refuse: `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'kept'; end $$;
      create trigger refuse before delete on dead_letters for each row execute function refuse()`,
    allow: "drop trigger refuse on dead_letters",
  });
});

const ATTEMPTS = "select count(*) as there from attempts";

test("on SQLite an attempt whose end is known after its delivery was erased leaves nothing", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  await expectNoTrace(store, async () => {
    using other = openBeside(folder.file);
    return (other.client.prepare(ATTEMPTS).get() as { there: number }).there;
  });
  await store.close();
});

test("on Postgres an attempt whose end is known after its delivery was erased leaves nothing", async () => {
  await using opened = await postgres.open();
  await expectNoTrace(opened.store, () =>
    onDatabase(opened.url, async (client) => Number((await client.query<{ there: string }>(ATTEMPTS)).rows[0]?.there)),
  );
});
