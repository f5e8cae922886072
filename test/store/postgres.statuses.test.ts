import { afterAll, expect, test } from "bun:test";
import { isFault } from "../../src/domain/fault";
import { postgresHarness } from "./postgres/harness";
import { endsOf, locked, waiting } from "./postgres/locks";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

test("nobody comes to own a partition while the catalogue is edited, not even one that had no owner yet: whoever does then knows of the edit", async () => {
  await using opened = await harness.open();
  const { store, url } = opened;
  await store.fixPartitionCount(2, 2);
  const acquire = (owner: string) => store.acquireLease({ role: "ingest", partition: 1, owner, ttlMs: 60_000, takeOver: false });
  let edit: Promise<unknown>;
  {
    // The edit has moved the registry's versions, and waits in front of its own row.
    await using _ = await locked(url, "lock table statuses in exclusive mode");
    edit = store.putStatus({ status: "door.open", severity: "warning", description: "" }, null);
    await waiting(url, 1);
    const [early] = await endsOf([acquire("early")]);
    expect(isFault(early, "unavailable")).toBe(true);
  }
  await edit;
  const acquired = await acquire("late");
  expect(await store.loadSeverities()).toEqual({ version: 2, severities: [["door.open", "warning"]] });
  // It decided on nothing yet, so its first commit asks for what was edited.
  expect(acquired?.registryVersion).toBe(0);
  expect((await store.sensorsEditedAfter(1, 0)).registryVersion).toBe(1);
});
