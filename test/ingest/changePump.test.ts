import { expect, test } from "bun:test";
import { type Change, changeData, numberChange } from "../../src/domain/change";
import type { Sensor } from "../../src/domain/sensor";
import { ChangePump } from "../../src/ingest/changePump";
import { createEvents } from "../../src/telemetry/events";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";

const sensor: Sensor = { id: "s", name: "s", labels: {}, metadata: {}, heartbeat: null, version: 1, life: 1, createdAt: 0, updatedAt: 0 };

function change(number: number): Change {
  const [from, to] = [
    { status: "ok", severity: "ok", availability: "online" } as const,
    { status: "hot", severity: "warning", availability: "online" } as const,
  ];
  const when = { occurredAt: number, detectedAt: number, previousDurationMs: 1 };
  return numberChange(
    { sensorId: "s", revision: number, kind: "status", from, to, cause: "report", ...when, report: null },
    sensor,
    0,
    number,
  );
}

test("where the stream lost what is no longer kept, what comes next is published", async () => {
  const log = [change(9), change(10)];
  const asked: (readonly [numbers: readonly number[], after: number])[] = [];
  const done = Promise.withResolvers<void>();
  const pump = new ChangePump({
    store: {
      changesAfter: async (_, after, limit) =>
        log
          .filter(({ number }) => number > after)
          .slice(0, limit)
          .map((logged) => ({ ...logged, recordedAt: 0, data: JSON.stringify(changeData(logged)) })),
    },
    publisher: {
      async publish(changes, after) {
        asked.push([changes.map(({ number }) => number), after]);
        // The stream ends with 3.
        if (after > 3) return 3;
        done.resolve();
        return 10;
      },
    },
    partition: 0,
    published: 8,
    changeNumber: 8,
    events: createEvents(openLog("silent"), openMetrics()),
  });
  pump.add([change(9), change(10)]);
  await done.promise;
  await pump.stop();
  expect(asked).toEqual([
    [[9, 10], 8],
    [[9, 10], 3],
  ]);
  expect(pump.published).toBe(10);
});

test("changes that came too fast to wait in memory are published from the table, each in its place", async () => {
  const log = Array.from({ length: 6400 }, (_, index) => change(index + 1));
  const published: number[] = [];
  const blocked = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const pump = new ChangePump({
    store: {
      changesAfter: async (_, number, limit) =>
        log.slice(number, number + limit).map((logged) => ({ ...logged, recordedAt: 0, data: JSON.stringify(changeData(logged)) })),
    },
    publisher: {
      async publish(changes) {
        await blocked.promise;
        published.push(...changes.map(({ number }) => number));
        if (published.at(-1) === log.length) done.resolve();
        return published.at(-1) as number;
      },
    },
    partition: 0,
    published: 0,
    changeNumber: 0,
    events: createEvents(openLog("silent"), openMetrics()),
  });
  for (const [from, to] of [
    [0, 3900],
    [3900, 5900],
    [5900, 6400],
  ] as const)
    pump.add(log.slice(from, to));
  blocked.resolve();
  await done.promise;
  await pump.stop();
  expect(published).toEqual(log.map(({ number }) => number));
});
