import { expect, test } from "bun:test";
import { FleetPlan } from "../../src/cli/fleetPlan";
import { FleetRun } from "../../src/cli/fleetRun";
import { Fault } from "../../src/domain/fault";

const ACK = { stream: "REPORTS_1_0", sequence: 1, duplicate: false };

function fleetRun(publish: (payload: string) => Promise<typeof ACK>, patienceMs = 60_000): FleetRun {
  const plan = new FleetPlan({ sensors: 5, changeShare: 0.1, run: "run", random: Math.random });
  return new FleetRun({
    plan,
    rate: 200,
    seconds: 0.2,
    patienceMs,
    publish: (_, payload) => publish(Buffer.from(payload).toString()),
    isAsked: () => false,
  });
}

test("every report of the schedule is sent, whatever the answers take", async () => {
  const run = fleetRun(async () => {
    await Bun.sleep(50);
    return ACK;
  });
  await run.finish();
  expect(run.sent).toBe(40);
  expect(run.acknowledged).toBe(40);
  expect(run.failed).toBe(0);
  expect(run.latencies.quantile(0.5)).toBeGreaterThanOrEqual(49);
});

test("a report that was not acknowledged is sent again, the same", async () => {
  const tries = new Map<string, number>();
  const run = fleetRun(async (payload) => {
    const before = tries.get(payload) ?? 0;
    tries.set(payload, before + 1);
    if (before < 2) throw new Fault("unavailable", "no answer in time");
    return ACK;
  });
  await run.finish();
  expect(run.acknowledged).toBe(run.sent);
  expect(tries.size).toBe(run.sent);
  expect([...tries.values()]).toEqual(Array.from({ length: run.sent }, () => 3));
  expect(run.retried).toBe(run.sent * 2);
});

test("an answer that says duplicate is no acknowledgement", async () => {
  let first = true;
  const run = fleetRun(async () => {
    const duplicate = first;
    first = false;
    return { ...ACK, duplicate };
  });
  await run.finish();
  expect(run.retried).toBe(1);
  expect(run.acknowledged).toBe(run.sent);
});

test("what no repetition can mend ends the run with that error", async () => {
  const run = fleetRun(async () => {
    throw new Fault("invalid", "too large");
  });
  await expect(run.finish()).rejects.toThrow("too large");
});

test("a report that is never acknowledged counts as failed, once patience is over", async () => {
  const run = fleetRun(async () => {
    throw new Fault("unavailable", "no stream takes it");
  }, 500);
  await run.finish();
  expect(run).toMatchObject({ acknowledged: 0, failed: run.sent, inFlight: 0, lastReason: "no stream takes it" });
});
