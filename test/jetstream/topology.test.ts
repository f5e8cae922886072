import { describe, expect, test } from "bun:test";
import { connect } from "@nats-io/transport-node";
import fc from "fast-check";
import { isFault } from "../../src/domain/fault";
import { fnv1a32, partitionOf, SENSOR_ID_PATTERN } from "../../src/domain/sensor";
import { openNats } from "../../src/jetstream/connection";
import { SAFE_VERSION } from "../../src/jetstream/embedded/conf";
import { atLeast, parseVersion } from "../../src/jetstream/embedded/version";
import { keepTopology } from "../../src/jetstream/keepTopology";
import { createReportPublisher, createSensorPublisher } from "../../src/jetstream/publishReports";
import { openStrayReader } from "../../src/jetstream/strays";
import { followChanges } from "../../src/jetstream/tail";
import { reportSubject, sensorSubject } from "../../src/jetstream/subjects";
import { ensureTopology, probeMapping, wantedStreams } from "../../src/jetstream/topology";
import { startNatsServer } from "../servers/natsServer";
import { startPlainNats } from "../servers/plainNats";
import { Linked, payloads, take } from "./linked";

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-".split("");
const payload = new TextEncoder().encode("ok");

describe("the mapping", () => {
  test("that the broker applies is the partition that we compute, for any id", async () => {
    await using broker = await Linked.open(16);
    await probeMapping(broker.link, 16);
    const sensors = createSensorPublisher(broker.link);
    const ours = createReportPublisher(broker.link, 16);
    const ids = ["a", "b", "boiler-7", "A:B_c-9", "z".repeat(128), ...Array.from({ length: 40 }, () => crypto.randomUUID())];
    for (const id of ids) {
      const [theirs, own] = [await sensors.publish(id, payload), await ours.publish(id, payload)];
      expect(theirs.stream).toBe(`REPORTS_16_${partitionOf(id, 16)}`);
      expect(own).toEqual({ stream: theirs.stream, sequence: theirs.sequence + 1, duplicate: false });
    }
  });

  test.each([1, 2, 3, 16, 64])(
    "to %p partitions is the one that we compute, for ids of every length and with every character",
    async (partitions) => {
      await using nats = await startNatsServer({ partitions });
      const connection = await connect({ servers: nats.url });
      const mapped = connection.subscribe("reports.>");
      const ids = [...CHARACTERS.map((character) => `A${character}`), ...fc.sample(fc.stringMatching(new RegExp(SENSOR_ID_PATTERN)), 300)];
      for (const id of ids) connection.publish(sensorSubject(id));
      await connection.flush();
      await mapped.drain();
      const subjects: string[] = [];
      for await (const { subject } of mapped) subjects.push(subject);
      expect(subjects).toEqual(ids.map((id) => reportSubject({ partitions, partition: partitionOf(id, partitions) }, id)));
      await connection.close();
    },
  );

  test("is FNV-1a as its authors publish it", () => {
    // Test vectors of draft-eastlake-fnv, appendix C.
    expect([fnv1a32(""), fnv1a32("a"), fnv1a32("foobar")]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });

  test("for another P is refused, with the lines to add", async () => {
    await using nats = await startNatsServer({ partitions: 4 });
    const link = await openNats({ urls: [nats.url], name: "test" });
    await ensureTopology(link, 2);
    const refused = await probeMapping(link, 2).catch((error: unknown) => error);
    expect(isFault(refused, "conflict")).toBe(true);
    expect((refused as Error).message).toContain('"sensors.*.status": "reports.2.{{partition(2,1)}}.{{wildcard(1)}}"');
    await link.close();
  });

  test("that is missing is refused, with the lines to add, and leaves no stray", async () => {
    await using plain = await startPlainNats();
    const link = await openNats({ urls: [plain.url], name: "test" });
    await ensureTopology(link, 4);
    const refused = await probeMapping(link, 4).catch((error: unknown) => error);
    expect(isFault(refused, "conflict")).toBe(true);
    expect((refused as Error).message).toContain('"sensors.*.status": "reports.4.{{partition(4,1)}}.{{wildcard(1)}}"');
    expect((await link.api.streams.info("STRAYS")).state.messages).toBe(0);
    await link.close();
  });
});

describe("the streams", () => {
  test("are made once, survive a second look, and are brought back to what is wanted", async () => {
    await using broker = await Linked.open(2);
    await broker.publish("ok");
    await broker.link.api.streams.update("REPORTS_2_0", { max_bytes: 1_000_000 });
    await ensureTopology(broker.link, 2);
    for (const { name, max_bytes, discard, duplicate_window } of wantedStreams(2, 1)) {
      const { config } = await broker.link.api.streams.info(name);
      expect(config).toMatchObject({ max_bytes, discard, duplicate_window });
    }
  });

  test("of reports push back when they are full, and lose nothing, from the server's safe version on", async () => {
    await using broker = await Linked.open();
    await broker.link.api.streams.update("REPORTS_1_0", { max_bytes: 2000 });
    const publisher = createReportPublisher(broker.link, 1);
    let stored = 0;
    const refused = await (async () => {
      for (; stored < 100; stored += 1) await publisher.publish("boiler-7", payload);
    })().catch((error: unknown) => error);
    const { state } = await broker.link.api.streams.info("REPORTS_1_0");
    if (!atLeast(parseVersion(broker.nats.version) ?? SAFE_VERSION, SAFE_VERSION)) {
      // Such a server leaves out what a message takes beside its bytes, takes one too many, and forgets its oldest: start-up warns of it.
      expect(state.last_seq).toBe(stored);
      return;
    }
    expect(isFault(refused, "unavailable")).toBe(true);
    expect((refused as Error).message).toContain("full");
    expect(state).toMatchObject({ messages: stored, first_seq: 1 });
  });
});

describe("a broker that is away when a node starts", () => {
  const options = { partitions: 1, replicas: null, failed: () => {} };

  test("is waited for where it is somebody else's, which is said", async () => {
    await using broker = await Linked.open();
    await broker.nats.down();
    const said = Promise.withResolvers<string>();
    const keeping = keepTopology(broker.link, { ...options, patient: true, say: said.resolve });
    expect(await said.promise).toContain("waiting for the broker: ");
    await broker.nats.up();
    await keeping;
    await broker.publish("ok");
  });

  test("ends the start where it is our own", async () => {
    await using broker = await Linked.open();
    await broker.nats.down();
    const refused = await keepTopology(broker.link, { ...options, patient: false, say: () => {} }).catch((error: unknown) => error);
    expect(isFault(refused, "unavailable")).toBe(true);
  });
});

test("streams that somebody deletes are made anew by whoever misses one first, for all", async () => {
  await using broker = await Linked.open();
  const mend = await keepTopology(broker.link, { partitions: 1, replicas: null, patient: false, say: () => {}, failed: () => {} });
  for (const name of ["REPORTS_1_0", "CHANGES_1_0"]) await broker.link.api.streams.delete(name);
  const asked = await Promise.allSettled([1, 2, 3].map(() => mend(() => broker.link.api.streams.info("CHANGES_1_0"))));
  expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await broker.publish("ok");
  expect((await broker.link.api.streams.info("CHANGES_1_0")).state.last_seq).toBe(0);
});

test("what comes in the wrong shape is a stray, with its subject and its bytes, and is read from a cursor on", async () => {
  await using broker = await Linked.open();
  for (const subject of ["sensors.boiler-7", "sensors.boiler.7.status", "sensors.boiler-7.status.now"])
    broker.link.connection.publish(subject, subject);
  await broker.link.connection.flush();
  const reader = await openStrayReader(broker.link, null);
  const strays = await take(reader, 3);
  await reader.stop();
  expect(strays.map(({ subject }) => subject)).toEqual(payloads(strays));
  const [first] = strays;
  const rest = await openStrayReader(broker.link, { sequence: 1, timeNs: first?.timeNs() ?? "" });
  expect(payloads(await take(rest, 2))).toEqual(["sensors.boiler.7.status", "sensors.boiler-7.status.now"]);
  await rest.stop();
});

test("whoever follows the changes of one sensor hears those alone", async () => {
  await using broker = await Linked.open();
  const heard: string[] = [];
  const following = await followChanges(broker.link, { sensorId: "boiler-7" }, (body) => heard.push(body));
  for (const [id, body] of [
    ["pump-2", "a"],
    ["boiler-7", "b"],
  ] as const)
    await broker.link.publisher.publish(`changes.1.0.${id}`, body);
  await following.stop();
  expect(heard).toEqual(["b"]);
});
