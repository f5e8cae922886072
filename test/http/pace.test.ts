import { expect, test } from "bun:test";
import { Pace, PACE_BYTES_MIN, PACE_MS } from "../../src/http/gate/pace";

/** A pace by a clock of its own, and what moves it on. */
function paced() {
  let now = 0;
  const pace = new Pace(() => now);
  const waitFor = (bytes: number, ms: number) =>
    pace.wait(async () => {
      now += ms;
      return { value: new Uint8Array(bytes) };
    });
  const pause = (ms: number) => {
    now += ms;
  };
  return { pace, waitFor, pause };
}

test("a body that brings next to nothing while it is waited for is too slow, at once or in drops", async () => {
  const { pace, waitFor } = paced();
  for (let drop = 0; drop < 10; drop += 1) await waitFor(100, PACE_MS / 10);
  expect(pace.isTooSlow()).toBe(true);
  await waitFor(PACE_BYTES_MIN - 1, PACE_MS);
  expect(pace.isTooSlow()).toBe(true);
});

test("one that brings nothing is too slow before anything has come", async () => {
  const { pace, pause } = paced();
  const come = Promise.withResolvers<{ value: Uint8Array }>();
  const waiting = pace.wait(() => come.promise);
  pause(PACE_MS);
  expect(pace.isTooSlow()).toBe(true);
  pause(PACE_MS);
  expect(pace.isTooSlow()).toBe(true);
  come.resolve({ value: new Uint8Array(PACE_BYTES_MIN) });
  await waiting;
  expect(pace.isTooSlow()).toBe(false);
});

test("whoever takes long over what has come does not make it slow", async () => {
  const { pace, waitFor, pause } = paced();
  for (let round = 0; round < 4; round += 1) {
    await waitFor(1, PACE_MS / 5);
    pause(PACE_MS);
    expect(pace.isTooSlow()).toBe(false);
  }
});

test("one that brings enough is waited for", async () => {
  const { pace, waitFor } = paced();
  for (let round = 0; round < 20; round += 1) {
    await waitFor(PACE_BYTES_MIN, PACE_MS);
    expect(pace.isTooSlow()).toBe(false);
  }
});
