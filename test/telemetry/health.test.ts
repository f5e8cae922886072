import { expect, test } from "bun:test";
import { createHealth } from "../../src/telemetry/health";

type Told = [dependency: string, up: boolean, reason: string | null];

function watched(checks: Record<string, () => Promise<void>>) {
  const told: Told[] = [];
  let now = 0;
  const health = createHealth({ checks, events: { dependencyChanged: (...facts) => void told.push(facts) }, clock: () => now });
  return { health, told, later: () => (now += LONGER_THAN_FRESH_MS) };
}

const fine = async () => {};
const LONGER_THAN_FRESH_MS = 300;

test("everything is there when every check says so", async () => {
  const { health } = watched({ nats: fine, store: fine });
  expect(await health.readiness()).toEqual({
    ready: true,
    draining: false,
    dependencies: [
      { name: "nats", up: true, reason: null, needed: true },
      { name: "store", up: true, reason: null, needed: true },
    ],
  });
});

test("who is away is named, with the reason, beside who is there", async () => {
  const { health } = watched({ nats: () => Promise.reject(new Error("no connection")), store: fine });
  expect(await health.readiness()).toMatchObject({
    ready: false,
    dependencies: [
      { name: "nats", up: false, reason: "no connection" },
      { name: "store", up: true, reason: null },
    ],
  });
});

test("a check that does not answer is away after a while, and holds up nobody for longer", async () => {
  const { health } = watched({ nats: () => new Promise<void>(() => {}), store: fine });
  const { ready, dependencies } = await health.readiness();
  expect({ ready, reason: dependencies[0]?.reason }).toEqual({ ready: false, reason: "no answer in 2000 ms" });
});

test("whoever asks at once shares one look, and a moment later there is another", async () => {
  let looks = 0;
  const { health, later } = watched({
    store: async () => {
      looks += 1;
      await Bun.sleep(10);
    },
  });
  await Promise.all(Array.from({ length: 20 }, () => health.readiness()));
  await health.readiness();
  expect(looks).toBe(1);
  later();
  await health.readiness();
  expect(looks).toBe(2);
});

test("the store's coming and going is told once each, the broker's by its connection", async () => {
  let up = true;
  const check = async () => {
    if (!up) throw new Error("the database is locked by another process");
  };
  const { health, told, later } = watched({ nats: check, store: check });
  for (const now of [true, true, false, false, true]) {
    up = now;
    await health.readiness();
    later();
  }
  expect(told).toEqual([
    ["store", true, null],
    ["store", false, "the database is locked by another process"],
    ["store", true, null],
  ]);
});

test("once a stop began nothing is ready any more", async () => {
  const { health } = watched({ store: fine });
  health.drain();
  expect(await health.readiness()).toMatchObject({ ready: false, draining: true, dependencies: [{ up: true }] });
});

test("what only helps is named when it is away, and keeps nobody from being ready", async () => {
  const away = () => Promise.reject(new Error("no connection"));
  const health = createHealth({ checks: { store: fine }, helpful: { redis: away }, events: { dependencyChanged: () => {} } });
  expect(await health.readiness()).toMatchObject({
    ready: true,
    dependencies: [
      { name: "store", up: true, needed: true },
      { name: "redis", up: false, reason: "no connection", needed: false },
    ],
  });
});
