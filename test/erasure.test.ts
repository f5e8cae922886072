import { expect, test } from "bun:test";
import { openErasure } from "../src/erasure";
import { openStore } from "../src/store/open";
import type { ErasureStore, Store } from "../src/store/store";
import { Owner } from "./store/conformance/owner";
import { draftOf, FIRST_PAGE, reportOf } from "./store/conformance/samples";
import { temporaryFolder } from "./store/sqlite/harness";
import { until } from "./until";

const WAITING = 250;

/** Deletes sensors with changes that nobody has planned yet, and a last one that has reports alone. */
async function deleted(store: Store): Promise<readonly string[]> {
  const waiting = Array.from({ length: WAITING }, (_, index) => `w${String(index).padStart(3, "0")}`);
  const ids = [...waiting, "z"];
  for (const id of ids) await store.createSensor(draftOf(id));
  const owner = await Owner.of(store);
  await owner.change(waiting);
  await owner.commit({ reports: [1, 2, 3].map((number) => reportOf(owner.position.cursor + number, "z")) });
  for (const id of ids) await store.deleteSensor(id, null, { history: "delete" });
  return ids;
}

test("what waits for others is passed by, a hundred sensors at a time, and a failure is told and tried again", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  try {
    const ids = await deleted(store);
    const taken: string[] = [];
    const failures: string[] = [];
    const pruned: [string, number][] = [];
    const eraseHistory: ErasureStore["eraseHistory"] = async (after, limit) => {
      if (taken.length === 150 && failures.length === 0) throw new Error("the database is away");
      const slice = await store.eraseHistory(after, limit);
      if (slice !== null) taken.push(slice.sensorId);
      return slice;
    };
    const events = {
      rowsPruned: (table: string, count: number) => void pruned.push([table, count]),
      failed: (action: string) => void failures.push(action),
    };
    const erasure = openErasure({ store: { eraseHistory }, events, everyMs: 1 });
    await until(() => pruned.length > 0);
    await erasure.stop();
    expect(taken.slice(0, ids.length)).toEqual([...ids]);
    expect(failures).toEqual(["erasure"]);
    expect(pruned).toEqual([["reports", 3]]);
    await store.createSensor(draftOf("z"));
    expect((await store.listReports("z", { range: {}, order: "asc" }, FIRST_PAGE)).items).toEqual([]);
  } finally {
    await store.close();
  }
});
