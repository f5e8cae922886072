/** What else is kept of a sensor that was deleted with its history, beside its reports and changes. */
import { expect } from "bun:test";
import type { Store } from "../../../src/store/store";
import { aHistory, erase, eraseAll } from "./erasure";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, refused } from "./planner";
import { allPages, draftOf, FAR, FIRST_PAGE, letterOf, LOG_BEGINS, onlineState, reportOf } from "./samples";

const SUBJECTS = ["reports.1.0.a", "sensors.a.status", "sensors.a", "sensors.a.b.c"];
const OTHERS = ["reports.1.0.b", "reports.1.0.aa", "sensors.b.a.status", "sensors.A.status", "reports.1.a.b", "a", ""];

async function subjectsOf(store: Store, limit = 1000): Promise<string[]> {
  return (await allPages((page) => store.listDeadLetters(page), limit)).map(({ subject }) => subject).toReversed();
}

async function deliveriesOf(store: Store, query = {}): Promise<string[]> {
  const found = await allPages((page) => store.listDeliveries(query, page), 1);
  expect(found.map(({ id }) => id)).toEqual((await store.listDeliveries(query, FIRST_PAGE)).items.map(({ id }) => id));
  return found.map(({ sensorId, state }) => `${sensorId} ${state}`).toSorted();
}

async function withLetters(store: Store): Promise<Owner> {
  for (const id of ["a", "b"]) await store.createSensor(draftOf(id));
  const owner = await Owner.of(store);
  const all = [...SUBJECTS, ...OTHERS];
  await owner.commit({ deadLetters: all.map((subject, index) => letterOf(index + 1, { subject })) });
  expect(await subjectsOf(store)).toEqual(all);
  return owner;
}

export const tracePromises: readonly Promises[] = [
  promises("of a sensor that is deleted with its history the deliveries", {
    "that ended are shown to nobody at once, and those that are owed until they end": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, ["w"]);
      await owner.publishAll();
      const first = await planner.head("w", "a");
      await planner.settle(delivered(first));
      await erase(store, owner);
      expect(await deliveriesOf(store)).toEqual(["a pending", "b pending", "b pending"]);
      expect(await deliveriesOf(store, { sensorId: "a" })).toEqual(["a pending"]);
      expect(await deliveriesOf(store, { webhookId: "w", states: ["delivered"] })).toEqual([]);
      expect(await deliveriesOf(store, { states: ["delivered", "pending"], range: { since: 0 } })).toEqual(await deliveriesOf(store));
      expect(await store.getDelivery(first.id)).toBeNull();
      await expect(store.retryDelivery(first.id, Date.now())).rejects.toMatchObject({ kind: "notFound" });

      const second = await planner.head("w", "a");
      await planner.settle(refused(second, FAR));
      expect(await store.getDelivery(second.id)).toMatchObject({ state: "pending", attempts: [{ durationMs: 5 }] });
      await planner.settle(failed(second, "expired"));
      expect(await store.getDelivery(second.id)).toBeNull();
      expect(await deliveriesOf(store, { sensorId: "a" })).toEqual([]);
      await eraseAll(store);
      expect(await deliveriesOf(store)).toEqual(["b pending", "b pending"]);
    },

    "that ended are not sent again by a replay, and what came later is shown and is": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, ["w"], { state: "skipped", reason: "disabled" });
      await erase(store, owner);
      await store.createSensor(draftOf("a"));
      await owner.refresh();
      await planner.owe(await owner.change(["a"]), ["w"], { state: "skipped", reason: "disabled" });
      expect(await deliveriesOf(store, { sensorId: "a" })).toEqual(["a skipped"]);
      await store.createReplay({ id: "r", webhookId: "w", range: { since: 0, until: FAR }, which: "all", ratePerSecond: 10 });
      expect(await store.advanceReplay("r", 100)).toMatchObject({ state: "done", replayed: 3 });
      expect(await deliveriesOf(store)).toEqual(["a pending", "b pending", "b pending"]);
    },
  }),

  promises("of a sensor that is deleted with its history the dead letters", {
    "are shown to nobody at once, whatever subject they came under, and are taken out": async (store, opened) => {
      const owner = await withLetters(store);
      const { items } = await store.listDeadLetters(FIRST_PAGE);
      await erase(store, owner);
      for (const limit of [1, 3, 1000]) expect(await subjectsOf(store, limit)).toEqual(OTHERS);
      for (const { id, subject } of items) expect((await store.getDeadLetter(id)) === null).toBe(SUBJECTS.includes(subject));
      const later = letterOf(owner.position.cursor + 1, { subject: "reports.1.0.a", receivedAt: FAR });
      await owner.commit({ deadLetters: [later] });
      expect(await subjectsOf(store)).toEqual([...OTHERS, later.subject]);
      const slices = await eraseAll(store, 3);
      expect(slices.map(({ rows }) => rows.dead_letters).reduce((sum, count) => sum + count)).toBe(SUBJECTS.length);
      expect(slices.at(-1)).toMatchObject({ finished: true, goesOn: false });
      expect(await subjectsOf(await opened.reopen())).toEqual([...OTHERS, later.subject]);
    },

    "go in slices of all that there are, of several sensors on one walk": async (store) => {
      const owner = await withLetters(store);
      const more = Array.from({ length: 30 }, (_, index) =>
        letterOf(100 + index, { subject: `reports.1.0.${index % 3 === 0 ? "b" : "c"}` }),
      );
      await owner.commit({ deadLetters: more });
      await erase(store, owner, "a");
      await erase(store, owner, "b");
      const slices = await eraseAll(store, 10);
      // Forty-one are looked at, ten at a time; both sensors are done with when the end is reached.
      expect(slices.map(({ sensorId, rows, finished }) => [sensorId, rows.dead_letters, finished])).toEqual([
        ["a", 7, false],
        ["a", 3, false],
        ["a", 4, false],
        ["a", 3, false],
        ["a", 0, true],
        ["b", 0, true],
      ]);
      expect((await subjectsOf(store)).filter((subject) => subject === "reports.1.0.c")).toHaveLength(20);
    },
  }),

  promises("of a sensor that is deleted with its history the state", {
    "says nothing any more but which change was its last": async (store) => {
      await store.createSensor(draftOf("a", { heartbeat: { intervalSeconds: 30, graceSeconds: 0 } }));
      const owner = await Owner.of(store);
      await owner.heard({ a: onlineState({ status: "hot", severity: "critical", revision: 7, atMax: LOG_BEGINS, checkAt: LOG_BEGINS }) });
      await erase(store, owner);
      const [tombstone] = await store.loadSensors(["a"]);
      const nothing = { status: null, severity: null, availability: "pending", since: null, lastReportedAt: null, lastReceivedAt: null };
      expect(tombstone?.state).toEqual({ ...nothing, atMax: null, revision: 7, checkAt: null, life: 1 } as never);
      expect(await store.sensorsDue(0, FAR, 10)).toEqual([]);
      // What was decided without that is refused, and does not bring it back.
      await store.createSensor(draftOf("a"));
      const behind = owner.part({ reports: [reportOf(owner.position.cursor + 1, "a")], states: [{ sensorId: "a", state: onlineState() }] });
      expect(await store.commitBatch([behind])).toMatchObject([{ kind: "registryMoved" }]);
      expect(await store.getSensor("a")).toMatchObject({ state: { ...nothing, revision: 7, life: 2 } });
    },

    "stays as it was where the history is kept": async (store) => {
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      await owner.heard({ a: onlineState({ status: "hot", atMax: 5 }) });
      await store.deleteSensor("a", null);
      expect((await store.loadSensors(["a"]))[0]?.state).toMatchObject({ status: "hot", atMax: 5 });
    },
  }),
];
