import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ChangeCursor, parseChangeCursor } from "../../src/domain/changeCursor";
import { IDLE_SECONDS } from "../../src/http/listen";
import { BEAT_EVERY_MS } from "../../src/live/live";
import type { Store } from "../../src/store/store";
import { draftOf } from "../store/conformance/samples";
import { until } from "../until";
import { EventStream } from "./eventStream";
import { EVERYTHING, lookoutFor, onScene, told, WISH } from "./scene";

const TEST_MS = 60_000;

describe("the live stream", () => {
  test("tells whoever watches of every change from then on, and looks by itself where no hint comes", async () => {
    await onScene(
      {},
      async (scene) => {
        await scene.change(0, ["before"]);
        const stream = await scene.watch();
        await scene.change(1, ["a", "b"]);
        await scene.change(0, ["c"]);
        await stream.holds(3);
        expect(told(stream).toSorted()).toEqual(["0.2", "1.1", "1.2"]);
        expect(stream.retryMs).toBeGreaterThanOrEqual(1000);
      },
      { hinted: false },
    );
  });

  test(
    "gives every watcher what it looks out for behind its cursor, each once and in order, wherever it comes in and comes back",
    async () => {
      const step = fc.record({
        partition: fc.integer({ min: 0, max: 2 }),
        sensors: fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }),
        // At some steps somebody comes in: at the present, or behind an event that another one got.
        joins: fc.option(fc.record({ back: fc.double({ min: 0, max: 1, noNaN: true }), only: fc.option(fc.constantFrom("a", "b")) })),
        waits: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), fc.integer({ min: 1, max: 12 }), async (steps, items) => {
          await onScene({ ring: { items, bytes: 1_000_000, ms: 60_000 } }, async (scene) => {
            const first = await scene.watch();
            const watchers: { stream: EventStream; cursor: ChangeCursor; only: string | null }[] = [];
            let count = 0;
            for (const { partition, sensors, joins, waits } of steps) {
              await scene.change(
                partition,
                sensors.map((sensor) => `${sensor}${partition}`),
              );
              count += sensors.length;
              if (waits) await first.holds(count);
              if (joins === null) continue;
              const only = joins.only === null ? null : [0, 1, 2].map((each) => `${joins.only}${each}`);
              const id = first.events[Math.floor(joins.back * first.events.length)]?.id ?? null;
              const from = id === null ? null : parseChangeCursor(id);
              const stream = await scene.watch(only === null ? EVERYTHING : lookoutFor({ sensorIds: only }), from);
              watchers.push({ stream, cursor: from ?? parseChangeCursor(stream.firstId) ?? [], only: joins.only });
            }
            await first.holds(count);
            const all = first.changes();
            for (const { stream, cursor, only } of watchers) {
              const owed = all.filter(({ changeId, sensorId }) => {
                const [, partition, number] = changeId.split("_").map(Number) as [number, number, number];
                return number > (cursor[partition] ?? 0) && (only === null || sensorId.startsWith(only));
              });
              await stream.holds(owed.length);
              expect(told(stream).toSorted()).toEqual(owed.map(({ changeId }) => changeId.replace(/^chg_(\d+)_/, "$1.")).toSorted());
              for (const [, numbers] of Map.groupBy(told(stream), (each) => each.split(".")[0])) {
                const order = numbers.map((each) => Number(each.split(".")[1]));
                expect(order).toEqual(order.toSorted((a, b) => a - b));
              }
            }
          });
        }),
        { numRuns: 30 },
      );
    },
    TEST_MS,
  );

  test("moves the id on for those who see nothing, so that they come back to where they were", async () => {
    await onScene({ beatEveryMs: 50 }, async (scene) => {
      const blind = await scene.watch(lookoutFor({ sensorIds: ["nobody"] }));
      const began = blind.lastEventId;
      await scene.change(0, ["a", "b"]);
      await until(() => blind.lastEventId !== began, "the id does not move");
      expect(parseChangeCursor(blind.lastEventId)?.[0]).toBe(2);
      expect([blind.events, blind.comments > 0]).toEqual([[], true]);
      const back = await scene.watch(EVERYTHING, parseChangeCursor(blind.lastEventId));
      await scene.change(0, ["c"]);
      await back.holds(1);
      expect(told(back)).toEqual(["0.3"]);
    });
  });

  test("sees by the labels that a sensor had at the change, within a reach by labels", async () => {
    await onScene({}, async (scene) => {
      const within = await scene.watch({ filter: { initial: true }, reach: { labels: { site: "north" } } });
      const alone = await scene.watch({ filter: { initial: true, kinds: ["status"] }, reach: { sensorId: "a" } });
      await scene.change(0, ["a"], { sensor: { name: "a", labels: { site: "south" } } });
      await scene.change(0, ["a", "b"], { sensor: { name: "a", labels: { site: "north" } } });
      await within.holds(2);
      await alone.holds(2);
      expect([told(within), told(alone)]).toEqual([
        ["0.2", "0.3"],
        ["0.1", "0.2"],
      ]);
    });
  });

  test("goes on at the present, and says so, behind a cursor that is of another log", async () => {
    await onScene({}, async (scene) => {
      await scene.change(0, ["a"]);
      const stream = await scene.watch(EVERYTHING, [9]);
      await until(() => stream.events.length > 0, "nothing is told");
      expect(JSON.parse(stream.events[0]?.data ?? "")).toMatchObject({ missed: null });
      await scene.change(0, ["b"]);
      await stream.holds(1);
      expect([told(stream), stream.events[0]?.event]).toEqual([["0.2"], "gap"]);
    });
  });

  test("tells who comes back nothing of a sensor that was erased meanwhile, and of no gap", async () => {
    await onScene({ ring: { items: 1000, bytes: 1_000_000, ms: 60_000 } }, async (scene) => {
      for (const id of ["a", "b"]) await scene.store.createSensor(draftOf(id));
      await scene.owners[0]?.refresh();
      const stays = await scene.watch();
      await scene.change(0, ["b", "a", "b", "a"]);
      await stays.holds(4);
      await scene.store.deleteSensor("a", null, { history: "delete" });
      await scene.owners[0]?.refresh();
      const behindFirst = parseChangeCursor(stays.events[0]?.id ?? "");
      const back = await scene.watch(EVERYTHING, behindFirst);
      await back.holds(1);
      await scene.change(0, ["b"]);
      for (const stream of [back, stays]) await stream.holds(stream === back ? 2 : 5);
      expect(told(back)).toEqual(["0.3", "0.5"]);
      expect(back.events.map(({ event }) => event)).toEqual(["change", "change"]);
      expect(told(stays)).toEqual(["0.1", "0.2", "0.3", "0.4", "0.5"]);
    });
  });

  test("has room for so many, and for one more when one has gone", async () => {
    await onScene({ room: { streams: 2, perCaller: 1000 } }, async (scene) => {
      const [one] = [await scene.watch(), await scene.watch()];
      await expect(scene.watch()).rejects.toMatchObject({ kind: "unavailable" });
      await one.close();
      const another = await scene.watch();
      await scene.change(0, ["a"]);
      await another.holds(1);
    });
  });

  test("lets no caller have more than so many streams, and others theirs", async () => {
    await onScene({ room: { streams: 10, perCaller: 2 } }, async (scene) => {
      const first = new EventStream(await scene.live.watch(WISH));
      const second = await scene.live.watch(WISH);
      await expect(scene.live.watch(WISH)).rejects.toMatchObject({ kind: "exhausted" });
      await using others = new EventStream(await scene.live.watch({ ...WISH, caller: "other" }));
      await first.close();
      await using third = new EventStream(await scene.live.watch(WISH));
      await expect(scene.live.watch(WISH)).rejects.toMatchObject({ kind: "exhausted" });
      await second.cancel();
      await scene.change(0, ["a"]);
      for (const stream of [others, third]) await stream.holds(1);
    });
  });

  test("ends for all who came with a credential that is let in no more, and asks once for all of them", async () => {
    await onScene({}, async (scene) => {
      let [asked, valid] = [0, true];
      const stillLetIn = async () => {
        asked += 1;
        return valid;
      };
      const watchers = await Promise.all(Array.from({ length: 50 }, () => scene.watch(EVERYTHING, null, stillLetIn)));
      await until(() => asked >= 3, "nobody asks");
      expect(asked).toBeLessThan(50);
      valid = false;
      for (const watcher of watchers) await watcher.end();
      expect(watchers.map((watcher) => watcher.last()?.event)).toEqual(watchers.map(() => "unauthorized"));
      await scene.change(0, ["a"]);
      expect(scene.ended).toEqual(watchers.map(() => "unauthorized"));
    });
  });

  test("drops who takes nothing for too long although little waits, and says so to whom comes to it after all", async () => {
    await onScene({ stalledMs: 50 }, async (scene) => {
      const body = await scene.live.watch(WISH);
      await until(() => scene.ended.length > 0, "nobody is dropped");
      expect(scene.ended).toEqual(["slow"]);
      const stream = new EventStream(body);
      await stream.end();
      expect(stream.last()?.event).toBe("slow");
    });
  });

  test("beats often enough for who cuts idle connections off, which this server does, too", () => {
    expect(3 * BEAT_EVERY_MS).toBeLessThan(IDLE_SECONDS * 1000);
  });

  test("says a last word to everybody when it stops, behind all that it had told, and takes nobody any more", async () => {
    await onScene({}, async (scene) => {
      const streams = [await scene.watch(), await scene.watch(lookoutFor({ sensorIds: ["x"] }))];
      await scene.change(0, ["a"]);
      await streams[0]?.holds(1);
      await scene.live.stop();
      for (const stream of streams) await stream.end();
      expect(streams.map((stream) => stream.last()?.event)).toEqual(["shutdown", "shutdown"]);
      const { cursor } = JSON.parse(streams[0]?.last()?.data ?? "") as { cursor: string };
      expect(cursor).toBe(streams[0]?.lastEventId as string);
      await expect(scene.watch()).rejects.toMatchObject({ kind: "unavailable" });
    });
  });

  test("rests while nobody watches, and begins anew without loss for who comes back later", async () => {
    await onScene({ lingerMs: 0 }, async (scene) => {
      let looks = 0;
      const readChanges = scene.store.readChanges.bind(scene.store);
      Object.assign(scene.store, {
        readChanges: (...args: Parameters<Store["readChanges"]>) => {
          looks += 1;
          return readChanges(...args);
        },
      });
      const stream = await scene.watch();
      await scene.change(0, ["a"]);
      await stream.holds(1);
      await stream.close();
      const stillFor = async () => {
        const before = looks;
        await Bun.sleep(1200);
        return looks === before;
      };
      await until(stillFor, "it goes on looking");
      await scene.change(0, ["b"]);
      const back = await scene.watch(EVERYTHING, parseChangeCursor(stream.lastEventId));
      await back.holds(1);
      expect(told(back)).toEqual(["0.2"]);
    });
  }, 60_000);
});
