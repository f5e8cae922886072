import { expect, test } from "bun:test";
import fc from "fast-check";
import { inOrder, LOG_BEGINS, LogWorker, registerWithHeartbeat, report, type Said, ticks } from "./log";

const SENSORS = ["a", "b", "c"];

const said = fc.record({
  ms: fc.integer({ min: 0, max: 30_000 }),
  id: fc.constantFrom(...SENSORS),
  status: fc.constantFrom("ok", "overheated", "open"),
  age: fc.option(fc.integer({ min: -2000, max: 8000 }), { nil: undefined }),
  reportId: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
});

function toReport({ ms, id, status, age, reportId }: { ms: number; id: string; status: string; age?: number; reportId?: number }): Said {
  const at = age === undefined ? undefined : new Date(LOG_BEGINS + ms - age).toISOString();
  return report(ms, id, { status, at, id: reportId === undefined ? undefined : `m-${reportId}` });
}

async function changesOf(log: Said[], sizes: number[], restart: boolean) {
  await using worker = await LogWorker.open();
  for (const id of SENSORS) await registerWithHeartbeat(worker.store, id, { intervalSeconds: 5, graceSeconds: 0 });
  await worker.take(log, sizes, restart);
  const changes = await worker.changes();
  const reports = await Promise.all(
    SENSORS.map((id) => worker.store.listReports(id, { range: {}, order: "asc" }, { limit: 1000, cursor: null })),
  );
  return { changes, dispositions: reports.map(({ items }) => items.map(({ disposition }) => disposition)) };
}

test("the same log gives the same changes and dispositions, whatever the batches, and with nothing in memory between them", async () => {
  const logs = fc.array(said, { minLength: 1, maxLength: 60 });
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(logs, sizes, fc.boolean(), async (drawn, batches, restart) => {
      const log = inOrder(ticks(0, 30_000), drawn.map(toReport));
      expect(await changesOf(log, batches, restart)).toEqual(await changesOf(log, [log.length], false));
    }),
    { numRuns: 25 },
  );
});
