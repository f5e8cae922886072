import { expect, test } from "bun:test";
import fc from "fast-check";
import { inOrder, LOG_BEGINS, LogWorker, registerWithHeartbeat, report, type Said, tick, ticks, type Way } from "./log";

const SENSORS = ["a", "b", "c"];

const said = fc.record({
  ms: fc.integer({ min: 0, max: 30_000 }),
  id: fc.constantFrom(...SENSORS),
  status: fc.constantFrom("ok", "overheated", "open"),
  age: fc.option(fc.integer({ min: -2000, max: 8000 }), { nil: undefined }),
  reportId: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
});

/** Nothing is said between the two: the broker was off, if they lie far enough apart. */
const darkTime = fc
  .tuple(fc.integer({ min: 0, max: 25_000 }), fc.integer({ min: 0, max: 6000 }))
  .map(([from, lasts]) => [from, from + lasts] as const);

function toReport({ ms, id, status, age, reportId }: { ms: number; id: string; status: string; age?: number; reportId?: number }): Said {
  const at = age === undefined ? undefined : new Date(LOG_BEGINS + ms - age).toISOString();
  return report(ms, id, { status, at, id: reportId === undefined ? undefined : `m-${reportId}` });
}

async function changesOf(log: Said[], sizes: number[], way: Way = {}) {
  await using worker = await LogWorker.open();
  for (const id of SENSORS) await registerWithHeartbeat(worker.store, id, { intervalSeconds: 5, graceSeconds: 0 });
  await worker.take(log, sizes, way);
  const changes = await worker.changes();
  const reports = await Promise.all(
    SENSORS.map((id) => worker.store.listReports(id, { range: {}, order: "asc" }, { limit: 1000, cursor: null })),
  );
  const dispositions = reports.map(({ items }) => items.map(({ disposition }) => disposition));
  return { found: { changes, dispositions }, ahead: worker.ahead };
}

test("the same log gives the same changes and dispositions, whatever the batches, and with nothing in memory between them", async () => {
  const logs = fc.array(said, { minLength: 1, maxLength: 60 });
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(logs, darkTime, sizes, fc.boolean(), async (drawn, [darkFrom, darkTo], batches, restart) => {
      const isLit = ({ ms }: Said) => ms <= darkFrom || ms >= darkTo;
      const log = inOrder(ticks(0, 30_000), drawn.map(toReport)).filter(isLit);
      const whole = await changesOf(log, [log.length]);
      expect((await changesOf(log, batches, { restart })).found).toEqual(whole.found);
      expect((await changesOf(log, batches, { ahead: true })).found).toEqual(whole.found);
    }),
    { numRuns: 25 },
  );
});

test("a batch decided before the one before it is in comes to the same, repeats among them and whatever memory forgets", async () => {
  const logs = fc.array(said, { minLength: 20, maxLength: 120 });
  const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 });
  let ahead = 0;
  await fc.assert(
    fc.asyncProperty(logs, sizes, async (drawn, batches) => {
      const log = inOrder(drawn.map(toReport));
      const behind = await changesOf(log, batches, { ahead: true });
      expect(behind.found).toEqual((await changesOf(log, [log.length])).found);
      ahead += behind.ahead;
    }),
    { numRuns: 25 },
  );
  expect(ahead).toBeGreaterThan(50);
});

test("a silence that was noticed before a dark time is noticed in one batch with it, too", async () => {
  // "a" is last heard at 0 and late at 5000; after 6000 the broker is off for four seconds.
  const log = inOrder(report(0, "a", "ok"), ticks(0, 6000), ticks(10_000, 12_000));
  const { found } = await changesOf(log, [log.length]);
  expect(found).toEqual((await changesOf(log, [1])).found);
  expect(found.changes.map(({ cause, occurredAt }) => [cause, Date.parse(occurredAt) - LOG_BEGINS])).toEqual([
    ["report", 0],
    ["timeout", 5000],
  ]);
});

test("a batch that was settled and did not come in is forgotten: what was known before is known again", async () => {
  await using worker = await LogWorker.open();
  await worker.take([report(0, "a", "ok"), report(100, "b", "ok")]);
  // The registry moves between the decision and the commit, which is therefore refused once.
  await registerWithHeartbeat(worker.store, "c", { intervalSeconds: 5, graceSeconds: 0 });
  await worker.take([report(200, "a", "hot"), report(300, "a", "ok"), report(400, "a", "hot")], [1], { ahead: true });
  expect((await worker.changes("a")).map(({ revision, to }) => [revision, to.status])).toEqual([
    [1, "ok"],
    [2, "hot"],
    [3, "ok"],
    [4, "hot"],
  ]);
});

test("a batch that was decided but is not in leaves no trace: decided again, it comes to the same", async () => {
  await using worker = await LogWorker.open();
  await registerWithHeartbeat(worker.store, "a", { intervalSeconds: 5, graceSeconds: 0 });
  await worker.take(inOrder(ticks(0, 1000), report(100, "a", "ok"), report(200, "b", "ok")));
  const said = { status: "overheated", id: "m-1" };
  const next = [report(1200, "a", said), report(1300, "a", said), report(1400, "b", "open"), report(1500, "c", "ok"), ...ticks(1600, 7600)];
  const first = await worker.decided(next);
  expect(first.reports.map(({ disposition }) => disposition)).toEqual(["applied", "duplicate", "applied", "applied"]);
  expect(first.changes.map(({ sensorId, revision }) => `${sensorId} ${revision}`)).toEqual(["a 2", "b 2", "c 1", "a 3"]);
  expect(await worker.decided(next)).toEqual(first);
  await worker.take(next);
  expect(await worker.decided([tick(7700)])).toMatchObject({ states: [], changes: [], to: { changeNumber: 6 } });
});
