import { expect, test } from "bun:test";
import { ordinalsWithin, type Planned } from "../../src/store/plannedSearch";
import { seededRandom } from "../ledger/random";

const HOUR_MS = 3_600_000;

/** Deliveries of some hours with gaps between their ordinals, whose clock is set back by up to half a minute now and then. */
function planned(random: () => number, count: number): Planned[] {
  let [ordinal, time] = [0, 10 * HOUR_MS];
  return Array.from({ length: count }, () => {
    ordinal += 1 + Math.floor(random() * 5);
    time += random() * 60_000;
    return { ordinal, plannedAt: Math.floor(time - (random() < 0.1 ? random() * 30_000 : 0)) };
  });
}

function search(rows: readonly Planned[], range: { since?: number; until?: number }) {
  const steps = ordinalsWithin(range, rows.at(-1)?.ordinal ?? 0);
  let looks = 0;
  let step = steps.next();
  for (; step.done !== true; looks += 1) {
    const from = step.value;
    step = steps.next(rows.find(({ ordinal }) => ordinal >= from));
  }
  return { ...step.value, looks };
}

test("nothing that was planned in a range lies beyond its ordinals, and little else lies between them", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 300; round += 1) {
    const rows = planned(random, Math.floor(random() * 200));
    const since = Math.floor(9 * HOUR_MS + random() * 4 * HOUR_MS);
    const until = since + Math.floor(random() * HOUR_MS);
    const { after, before, looks } = search(rows, { since, until });
    expect(looks).toBeLessThan(2 * 12);
    for (const { ordinal, plannedAt } of rows) {
      const between = ordinal > after && ordinal < before;
      if (plannedAt >= since && plannedAt < until) expect(between).toBe(true);
      if (plannedAt < since - 2 * 60_000 || plannedAt >= until + 2 * 60_000) expect(between).toBe(false);
    }
  }
});

test("a range without an end has none, and nothing is found among nothing", () => {
  expect(search([], {})).toEqual({ after: 0, before: Number.MAX_SAFE_INTEGER, looks: 0 });
  expect(search([], { since: 5, until: 9 })).toMatchObject({ after: 0, before: 1, looks: 0 });
  expect(search([{ ordinal: 3, plannedAt: HOUR_MS }], { since: 0 })).toMatchObject({ after: 0, before: Number.MAX_SAFE_INTEGER });
});
