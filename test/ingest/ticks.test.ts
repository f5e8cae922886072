import { expect, test } from "bun:test";
import { TICK_ID } from "../../src/domain/sensor";
import { cutAfterTicks } from "../../src/ingest/ticks";
import type { StreamMessage } from "../../src/jetstream/ports";

function messages(ids: readonly string[]): StreamMessage[] {
  const place = { subject: "", payload: new Uint8Array(), timeMs: 0, timeNs: () => "0", pending: () => 0 };
  return ids.map((id, index) => ({ sequence: index + 1, id, ...place }));
}

test("a backlog of ticks is taken in slices of eight, in order, and nothing is left out", () => {
  const all = messages(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? TICK_ID : "boiler-7")));
  const batches = cutAfterTicks(all);
  expect(batches.flat()).toEqual(all);
  expect(batches.map((batch) => batch.filter(({ id }) => id === TICK_ID).length)).toEqual([8, 8, 8, 1]);
});

test("a batch of reports is left whole, and none is none", () => {
  const all = messages(["a", TICK_ID, "b", "c"]);
  expect(cutAfterTicks(all)).toEqual([all]);
  expect(cutAfterTicks([])).toEqual([]);
});
