import { expect, test } from "bun:test";
import { inOrder, LOG_BEGINS, LogWorker, registerWithHeartbeat, report, tick, ticks } from "./log";

const HEARTBEAT = { intervalSeconds: 5, graceSeconds: 1 };
const at = (ms: number) => new Date(LOG_BEGINS + ms).toISOString();

async function worker(): Promise<LogWorker> {
  const opened = await LogWorker.open();
  await registerWithHeartbeat(opened.store, "boiler-7", HEARTBEAT);
  return opened;
}

const availabilities = (changes: readonly { to: { availability: string } }[]) => changes.map(({ to }) => to.availability);

test("a silent sensor goes offline once, at its deadline, and comes online when it is heard again", async () => {
  await using log = await worker();
  await log.take(inOrder(ticks(0, 20_000), report(1000, "boiler-7", "ok"), report(15_200, "boiler-7", "ok")));
  const changes = await log.changes("boiler-7");
  expect(availabilities(changes)).toEqual(["online", "offline", "online"]);
  expect(changes.map(({ occurredAt }) => occurredAt)).toEqual([at(1000), at(7000), at(15_200)]);
  expect(changes.map(({ cause }) => cause)).toEqual(["report", "timeout", "report"]);
  expect(changes.map(({ revision }) => revision)).toEqual([1, 2, 3]);
  expect(changes[1]).toMatchObject({ kind: "availability", report: null, previousDurationMs: 6000, to: { status: "ok", severity: "ok" } });
});

test("nobody is judged without a tick, however late it is", async () => {
  await using log = await worker();
  await log.take([report(0, "boiler-7", "ok"), report(60_000, "boiler-8", "ok")]);
  expect(availabilities(await log.changes("boiler-7"))).toEqual(["online"]);
});

test("after a dark time everybody has interval and grace from its end", async () => {
  await using log = await worker();
  await log.take(inOrder(ticks(0, 3000), report(1000, "boiler-7", "ok"), ticks(60_000, 65_500)));
  expect(availabilities(await log.changes("boiler-7"))).toEqual(["online"]);
  await log.take([tick(66_000)]);
  const changes = await log.changes("boiler-7");
  expect(availabilities(changes)).toEqual(["online", "offline"]);
  expect(changes[1]?.occurredAt).toBe(at(66_000));
});

test("a backlog that is read late raises no alarm: reports before the tick count", async () => {
  await using log = await worker();
  const hourly = Array.from({ length: 60 }, (_, second) => report(second * 1000, "boiler-7", "ok"));
  await log.take([...hourly, tick(60_000)]);
  expect(availabilities(await log.changes("boiler-7"))).toEqual(["online"]);
});

test("a shortened heartbeat is judged by the new one, one that was taken away not at all", async () => {
  await using log = await LogWorker.open();
  await registerWithHeartbeat(log.store, "slow", { intervalSeconds: 3600, graceSeconds: 0 });
  await log.take(inOrder(ticks(0, 4000), report(100, "slow", "ok")));
  const shorter = { id: "slow", partition: 0, name: "slow", labels: {}, metadata: {}, heartbeat: HEARTBEAT };
  await log.store.updateSensor(shorter, null);
  await log.take([report(4100, "slow", "ok")]);
  await log.take(ticks(4500, 11_000));
  expect(availabilities(await log.changes("slow"))).toEqual(["online", "offline"]);
  await log.take([report(11_100, "slow", "ok")]);
  await log.store.updateSensor({ ...shorter, heartbeat: null }, null);
  await log.take(ticks(11_500, 30_000));
  expect(availabilities(await log.changes("slow"))).toEqual(["online", "offline", "online"]);
});

test("a heartbeat that was given while nobody owned the partition is judged by whoever takes over, without another report", async () => {
  await using log = await LogWorker.open();
  await log.take(inOrder(ticks(0, 1000), report(100, "silent", "ok")));
  await log.store.updateSensor({ id: "silent", partition: 0, name: "silent", labels: {}, metadata: {}, heartbeat: HEARTBEAT }, null);
  await log.takeOver();
  await log.take(ticks(1500, 30_000), [4]);
  expect(availabilities(await log.changes("silent"))).toEqual(["online", "offline"]);
});

test("a late report is a sign of life, and moves no status", async () => {
  await using log = await worker();
  const said = [
    report(1000, "boiler-7", { status: "ok", at: at(1000) }),
    report(10_000, "boiler-7", { status: "overheated", at: at(500) }),
  ];
  await log.take(inOrder(ticks(0, 12_000), said));
  const changes = await log.changes("boiler-7");
  expect(availabilities(changes)).toEqual(["online", "offline", "online"]);
  expect(changes.at(-1)).toMatchObject({ kind: "availability", to: { status: "ok" }, occurredAt: at(10_000) });
});
