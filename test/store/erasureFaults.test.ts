import { afterAll, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { onDatabase } from "../servers/postgres";
import { erase, eraseAll } from "./conformance/erasure";
import { Owner } from "./conformance/owner";
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
