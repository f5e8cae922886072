import { expect, test } from "bun:test";
import type { Severity } from "../../src/domain/severity";
import { LogWorker, report, type Way } from "./log";

function set(worker: LogWorker, severity: Severity, status = "door.open") {
  return worker.store.putStatus({ status, severity, description: "" }, null);
}

async function severitiesOf(worker: LogWorker, sensorId = "a") {
  return (await worker.changes(sensorId)).map(({ to }) => to.severity);
}

const WAYS: readonly (readonly [name: string, way: Way])[] = [
  ["one after the other", {}],
  ["each while the one before it is on its way in", { ahead: true }],
  ["with nothing in memory between them", { restart: true }],
];

test.each(WAYS)("an edit of the catalogue counts for every report that is decided after it, in batches %s", async (_, way) => {
  await using worker = await LogWorker.open();
  await worker.take([report(0, "a", "door.open"), report(1, "a", "door.open"), report(2, "a", "door.open")], [1], way);
  await set(worker, "warning");
  await worker.take([report(3, "a", "door.open"), report(4, "a", "door.open"), report(5, "b", "door.open")], [1], way);
  await set(worker, "critical");
  await worker.take([report(6, "a", { status: "door.open", severity: "ok" }), report(7, "a", "door.open")], [1], way);
  await worker.store.deleteStatus("door.open", null);
  await worker.take([report(8, "a", "door.open")], [1], way);
  expect(await severitiesOf(worker)).toEqual(["unknown", "warning", "ok", "critical", "unknown"]);
  expect(await severitiesOf(worker, "b")).toEqual(["warning"]);
});

test("an edit by itself changes no state", async () => {
  await using worker = await LogWorker.open();
  await worker.take([report(0, "a", "hot")]);
  await set(worker, "critical", "hot");
  await worker.take([report(1, "b", "ok")]);
  expect((await worker.store.getSensor("a"))?.state).toMatchObject({ severity: "warning", revision: 1 });
  expect(await severitiesOf(worker)).toEqual(["warning"]);
});

test("what was decided before an edit and did not come in before it is decided again, on what holds then", async () => {
  await using worker = await LogWorker.open();
  await worker.take([report(0, "b", "ok")]);
  const next = [report(1, "a", "door.open")];
  expect((await worker.decided(next)).changes[0]?.to.severity).toBe("unknown");
  await set(worker, "warning");
  expect((await worker.decided(next)).changes[0]?.to.severity).toBe("unknown");
  await worker.take(next);
  expect(await severitiesOf(worker)).toEqual(["warning"]);
});

test("a later owner knows what was edited under the ones before, and needs not be told again", async () => {
  await using worker = await LogWorker.open();
  await worker.take([report(0, "a", "door.open")]);
  await set(worker, "warning");
  await worker.take([report(1, "a", "door.open")]);
  await worker.takeOver();
  await worker.take([report(2, "a", "ok"), report(3, "a", "door.open")]);
  await set(worker, "critical");
  await worker.takeOver();
  await worker.take([report(4, "a", "door.open")]);
  expect(await severitiesOf(worker)).toEqual(["unknown", "warning", "ok", "warning", "critical"]);
});
