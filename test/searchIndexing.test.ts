import { expect, test } from "bun:test";
import { openSearchIndexing } from "../src/searchIndexing";
import { openStore } from "../src/store/open";
import type { SearchStore } from "../src/store/store";
import { draftOf } from "./store/conformance/samples";
import { temporaryFolder } from "./store/sqlite/harness";
import { until } from "./until";

test("what is registered is grouped behind the writes, and a failure is told of and tried again", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  const drafts = Array.from({ length: 500 }, (_, index) => draftOf(`s${index}`));
  await store.upsertSensors(drafts, null);
  const seen = { failed: [] as string[], sensors: 0, idle: 0 };
  const indexTexts: SearchStore["indexTexts"] = async (limit) => {
    if (seen.failed.length === 0) throw new Error("away");
    const step = await store.indexTexts(limit);
    seen.sensors += step.sensors;
    if (!step.more) seen.idle += 1;
    return step;
  };
  const events = { failed: (what: string) => seen.failed.push(what) };
  const indexing = openSearchIndexing({ store: { indexTexts }, events, everyMs: 1 });
  await until(() => seen.idle > 0);
  expect(seen).toMatchObject({ failed: ["search indexing"], sensors: 500 });
  await indexing.stop();
  const { idle } = seen;
  await new Promise(setImmediate);
  expect(seen.idle).toBe(idle);
  await store.close();
});
