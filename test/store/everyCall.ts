import { DELIVERY_STATES } from "../../src/domain/delivery";
import { EVENT_KINDS, SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { AVAILABILITIES, SEVERITIES } from "../../src/domain/severity";
import type { PageRequest, SensorQuery, Store, TimeRange } from "../../src/store/store";
import { Owner } from "./conformance/owner";
import { delivered, failed, Planner, refused } from "./conformance/planner";
import { addWebhook, draftOf, FAR, letterOf, LOG_BEGINS, onlineState, reportOf } from "./conformance/samples";

const ORDERS = ["asc", "desc"] as const;
const RANGES: readonly TimeRange[] = [{}, { since: LOG_BEGINS }, { until: FAR }, { since: LOG_BEGINS, until: FAR }];

/** Everything that the API or a worker asks of the store, in every shape. Lists are read to their second page. */
export async function makeEveryCall(store: Store): Promise<void> {
  const { owner, planner } = await fill(store);
  await askAsOwner(store, owner);
  await askAsNotifier(store, owner, planner);
  await replay(store);
  await askAsApi(store);
  await store.listPartitions();
  await store.beat({ id: "node", roles: ["ingest"] }, 1000);
  await store.leave(["node"]);
  await store.prepareDays(1);
  await store.probe();
  await store.deleteSensor("sensor-2", null, { history: "delete" });
  for (const after of ["", "sensor-1", "z"]) await store.eraseHistory(after, 10);
  for (let turn = 0; turn < 5; turn += 1) await store.indexTexts(10);
  await store.prune({ reports: FAR, changes: FAR, deliveries: FAR, deadLetters: FAR }, 2);
}

async function fill(store: Store): Promise<{ owner: Owner; planner: Planner }> {
  await store.fixPartitionCount(1, 1);
  const ids = Array.from({ length: 300 }, (_, index) => `sensor-${index}`);
  const heartbeat = { intervalSeconds: 30, graceSeconds: 10 };
  for (const id of ids) await store.createSensor(draftOf(id, { heartbeat, labels: { site: "north", floor: "1" } }));
  for (const id of ["w", "x"]) await addWebhook(store, id);
  await addWebhook(store, "asks", { settings: { ...SETTINGS_DEFAULT, events: EVENT_KINDS } });
  for (const id of ["s", "t"]) await store.createToken({ id, name: id, hash: id, scopes: [], expiresAt: null });
  const owner = await Owner.of(store);
  await owner.heard(Object.fromEntries(ids.map((id) => [id, onlineState({ checkAt: LOG_BEGINS })])));
  const reports = ids.flatMap((id, index) => [1, 2].map((turn) => reportOf(2 * index + turn + 1, id, { report: { id: `${turn}` } })));
  const incidents = [1, 2].map(() => ({ kind: "stream.gap", partition: 0, detail: {} }));
  await owner.commit({ reports, incidents, deadLetters: [letterOf(701), letterOf(702)] });
  const planner = await Planner.of(store);
  await planner.owe(await owner.change([...ids, ...ids]), ["w", "x"]);
  return { owner, planner };
}

async function askAsOwner(store: Store, owner: Owner): Promise<void> {
  const { lease } = owner;
  await store.loadSensors(["sensor-1"]);
  await store.sensorsEditedAfter(0, 10);
  await store.loadSeverities();
  await store.knownReports([{ sensorId: "sensor-1", reportId: "1" }], 0);
  await store.sensorsDue(0, FAR, 10);
  await store.hasHeartbeats(0);
  await store.countSensors();
  await store.changesAfter(0, 5, 10);
  await store.markPublished(lease, 1);
  await store.renewLease(lease, 60_000);
  await store.recordStrays("STRAYS", [letterOf(1)], { sequence: 1, timeNs: "1" });
  await store.strayCursor("STRAYS");
}

async function askAsNotifier(store: Store, owner: Owner, planner: Planner): Promise<void> {
  await store.webhookSet();
  await store.nextDue(0);
  await store.webhookById("w");
  await store.webhookVersions("w");
  await store.webhooksById(["w"]);
  await store.loggedChange(0, 1);
  await store.expiredHeads(0, FAR, 10);
  const [one, two, three] = (await planner.heads("w")) as [never, never, never];
  await planner.settle(delivered(one), refused(two, FAR), failed(three, "rejected"));
  for (const terms of [{ begins: "free" }, { begins: "batch" }, { minIntervalMs: 5 }] as const) {
    await planner.owe(await owner.change(["sensor-0", "sensor-1"]), ["w"], terms);
  }
  await store.wakeWebhook(planner.lease, "w", Date.now());
  await store.coalesceDue(planner.lease, { webhookId: "w", now: Date.now(), limit: 10, except: ["w_0_4"] });
  await planner.settle(refused(three, FAR, { at: 1 }), refused(two, FAR, { at: 2 }));
  await store.updateWebhook("x", { state: "disabled" }, null);
  await store.operationalEvent(1);
  await store.failOwed("x", "disabled", 10);
  await store.retryDelivery("w_0_1", Date.now());
}

async function replay(store: Store): Promise<void> {
  const range = { since: LOG_BEGINS, until: FAR };
  await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, mode: "latest", minIntervalSeconds: 1 } }, null);
  for (const id of ["r1", "r2", "r3"]) {
    await store.createReplay({ id, webhookId: "w", range, which: id === "r1" ? "undelivered" : "all", ratePerSecond: 1 });
    await store.advanceReplay(id, 100);
    await store.cancelReplay(id);
  }
  await store.getReplay("r1");
  await store.runningReplays();
  for (const webhookId of [undefined, "w"]) await twoPages((page) => store.listReplays({ webhookId }, page));
}

async function askAsApi(store: Store): Promise<void> {
  await store.getSensor("sensor-1");
  await store.sensorsAt(["sensor-1", "sensor-2", "nobody"]);
  await store.sharedSecret("cache", "first");
  await store.updateSensor(draftOf("sensor-1"), null);
  await store.putSensor(draftOf("sensor-1", { name: "put" }), { expected: "present", reach: null });
  await store.upsertSensors([draftOf("sensor-1", { labels: { site: "south" } }), draftOf("sensor-3"), draftOf("never")], null);
  await store.deleteSensor("sensor-1", null);
  await store.listSensors({ id: "sensor-2", status: ["ok", "hot"] }, { limit: 1, cursor: null });
  for (const query of sensorQueries()) await twoPages((page) => store.listSensors(query, page));
  for (const order of ORDERS) {
    for (const range of RANGES) {
      await twoPages((page) => store.listReports("sensor-2", { range, order }, page));
      await twoPages((page) => store.listChanges({ sensorId: "sensor-2", range, order }, page));
      await twoPages((page) => store.listChanges({ range, order }, page));
      for (const from of [null, [300, 2]]) await store.readChanges({ from, range, order }, { rows: 10, bytes: 1000 });
    }
  }
  for (const webhookId of [undefined, "w"]) {
    for (const sensorId of [undefined, "sensor-2"]) {
      const wanted = [undefined, ...DELIVERY_STATES.map((state) => [state]), ["failed", "skipped"] as const];
      for (const states of wanted) {
        for (const range of [undefined, ...RANGES]) {
          await twoPages((page) => store.listDeliveries({ webhookId, sensorId, states, range }, page));
        }
      }
    }
  }
  await store.changesFrom("sensor-2", 1, 10);
  await store.putStatus({ status: "door.open", severity: "warning", description: "" }, null);
  await store.getStatus("door.open");
  await store.listStatuses();
  await store.deleteStatus("door.open", null);
  await store.getDelivery("w_0_1");
  await store.getWebhook("w");
  await store.updateWebhook("w", { filter: { to: ["open"] } }, null);
  for (const terms of [{ ordering: "none" }, { batch: { maxItems: 2, maxWaitMs: 0 } }, {}] as const) {
    await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ...terms } }, null);
  }
  await store.deleteWebhook("x", null);
  await twoPages((page) => store.listWebhooks(page));
  await twoPages((page) => store.listDeadLetters(page));
  await store.getDeadLetter("nothing");
  await store.findTokens(["s", "nobody"]);
  await store.getToken("s");
  for (const edit of [{ name: "n" }, { expiresAt: FAR }, {}]) await store.updateToken("s", edit);
  await store.touchToken("s", 1);
  await twoPages((page) => store.listTokens(page));
  await store.deleteToken("s");
  await edit(store);
  await twoPages((page) => store.listIncidents(page));
  await store.getIncident("nothing");
  for (const fingerprint of ["a", "a", "b"]) await store.beginIdempotent({ actorId: "t", key: "k", fingerprint }, 2, 1);
  await store.endIdempotent({ actorId: "t", key: "k", begunAt: 2 }, { status: 201, answer: "" });
  await store.forgetIdempotent({ actorId: "t", key: "k", begunAt: 2 });
  await store.pruneIdempotent(FAR, 10);
}

async function edit(store: Store): Promise<void> {
  const draft = {
    actorKind: "token",
    actorId: "s",
    actorName: "s",
    operation: "patchSensor",
    requestId: "r",
    address: null,
    detail: {},
  } as const;
  for (let edits = 0; edits < 3; edits += 1) {
    await store.completeEdit(await store.recordEdit({ ...draft, target: "sensor-1" }), { status: 200, target: null });
  }
  await store.withdrawEdit(await store.recordEdit({ ...draft, target: "sensor-1" }));
  for (const target of [undefined, "sensor-1"]) {
    for (const actorId of [undefined, "s"]) {
      for (const operation of [undefined, "patchSensor"]) {
        for (const range of [undefined, ...RANGES]) await twoPages((page) => store.listAudit({ actorId, operation, target, range }, page));
      }
    }
  }
  await store.pruneAudit(FAR, 2);
}

/** Each filter by itself, each two together, and all of them: one of them leads, the others are asked of what it lets through. */
function sensorQueries(): SensorQuery[] {
  const filters: readonly SensorQuery[][] = [
    [{ labels: { site: "north" } }, { labels: { site: "north", floor: "1" } }],
    [{ status: "ok" }, { status: ["ok", "hot"] }],
    [...SEVERITIES, ["critical", "warning"] as const].map((severity) => ({ severity })),
    [...AVAILABILITIES, ["offline", "online"] as const, ["offline", "pending"] as const].map((availability) => ({ availability })),
    [{ q: "sensor" }, { q: "no such text" }],
  ];
  const pairs = filters.flatMap((some, index) =>
    filters.slice(index + 1).flatMap((others) => some.flatMap((one) => others.map((other) => ({ ...one, ...other })))),
  );
  return [{}, ...filters.flat(), ...pairs, Object.assign({}, ...filters.map(([first]) => first)) as SensorQuery];
}

async function twoPages(list: (page: PageRequest) => Promise<{ nextCursor: string | null }>): Promise<void> {
  const { nextCursor } = await list({ limit: 1, cursor: null });
  if (nextCursor !== null) await list({ limit: 1, cursor: nextCursor });
}
