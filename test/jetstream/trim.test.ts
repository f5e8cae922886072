import { expect, test } from "bun:test";
import { partitionStream } from "../../src/jetstream/partitionStream";
import { ensureTopology } from "../../src/jetstream/topology";
import { Trimmer } from "../../src/jetstream/trim";

import { cursorAt, Linked, take } from "./linked";

const HOUR_MS = 3600 * 1000;
const MINUTE_MS = 60 * 1000;

test("what was committed stays for an hour, and goes then", () => {
  const trimmer = new Trimmer();
  const below = [];
  for (let minute = 0; minute <= 62; minute += 1)
    below.push(trimmer.below({ cursor: 100 * minute, nowMs: minute * MINUTE_MS, filled: 0.1 }));
  expect(below.slice(0, 60)).toEqual(Array(60).fill(0));
  expect(below.slice(60)).toEqual([0, 100, 200]);
});

test("a stream that fills up is trimmed at once, but never beyond the cursor", () => {
  const trimmer = new Trimmer();
  expect(trimmer.below({ cursor: 7000, nowMs: 0, filled: 0.5 })).toBe(7000);
  expect(trimmer.below({ cursor: 9000, nowMs: MINUTE_MS, filled: 0.49 })).toBe(0);
});

test("after a quiet time the last mark still counts", () => {
  const trimmer = new Trimmer();
  trimmer.below({ cursor: 5, nowMs: 0, filled: 0 });
  expect(trimmer.below({ cursor: 5, nowMs: 3 * HOUR_MS, filled: 0 })).toBe(5);
  expect(trimmer.below({ cursor: 50, nowMs: 3 * HOUR_MS + MINUTE_MS, filled: 0 })).toBe(5);
});

test("a stream that was made anew is not trimmed by where the one before stood", async () => {
  await using broker = await Linked.open();
  const { link } = broker;
  await link.api.streams.update("REPORTS_1_0", { max_bytes: 4000 });
  const stream = partitionStream({ publishing: link, consuming: link, partitions: 1, partition: 0 });
  await broker.publish(...Array.from({ length: 50 }, () => "ok"));
  const reader = await stream.openReader({ cursor: 0, cursorTimeNs: null });
  const committed = cursorAt((await take(reader, 50)).at(-1));
  await reader.stop();
  await stream.trim(committed);
  expect((await link.api.streams.info("REPORTS_1_0")).state).toMatchObject({ first_seq: 50, messages: 1 });

  await link.api.streams.delete("REPORTS_1_0");
  await ensureTopology(link, 1);
  await link.api.streams.update("REPORTS_1_0", { max_bytes: 4000 });
  await broker.publish(...Array.from({ length: 60 }, () => "hot"));
  await stream.trim(committed);
  expect((await link.api.streams.info("REPORTS_1_0")).state).toMatchObject({ first_seq: 1, messages: 60 });
});
