import { expect, test } from "bun:test";
import { SensorCount } from "../../src/ingest/sensorCount";

test("what this node registers counts at once, and a count that was overtaken by another takes nothing away", async () => {
  const counting: ((sensors: number) => void)[] = [];
  const count = new SensorCount({ countSensors: () => new Promise((resolve) => counting.push(resolve)) });
  const first = count.current();
  count.registered(5);
  count.edited();
  const second = count.current();
  counting[0]?.(10);
  counting[1]?.(15);
  // The first began before the five were there; the second holds them.
  expect([await first, await second]).toEqual([15, 15]);
  count.registered(2);
  expect(await count.current()).toBe(17);
});

test("a count that failed is made anew", async () => {
  let up = false;
  const count = new SensorCount({ countSensors: () => (up ? Promise.resolve(3) : Promise.reject(new Error("away"))) });
  await expect(count.current()).rejects.toThrow("away");
  up = true;
  expect(await count.current()).toBe(3);
});
