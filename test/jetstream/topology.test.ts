import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFault } from "../../src/domain/fault";
import { fnv1a32, partitionOf } from "../../src/domain/sensor";
import { openNats } from "../../src/jetstream/connection";
import { SAFE_VERSION } from "../../src/jetstream/embedded/conf";
import { waitUntilReady } from "../../src/jetstream/embedded/ready";
import { atLeast, parseVersion } from "../../src/jetstream/embedded/version";
import { createReportPublisher, createSensorPublisher } from "../../src/jetstream/publishReports";
import { openStrayReader } from "../../src/jetstream/strays";
import { followChanges } from "../../src/jetstream/tail";
import { ensureTopology, probeMapping, wantedStreams } from "../../src/jetstream/topology";
import { freePorts, startNatsServer, testNatsBinary } from "../servers/natsServer";
import { Linked, payloads, take } from "./linked";

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

  test("is FNV-1a as its authors publish it", () => {
    // Test vectors of draft-eastlake-fnv, appendix C.
    expect([fnv1a32(""), fnv1a32("a"), fnv1a32("foobar")]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });

  test("for another P is refused, with the lines to add", async () => {
    await using nats = await startNatsServer({ partitions: 4 });
    const link = await openNats({ urls: [nats.url], name: "test" });
    await ensureTopology(link, 2);
    const refused = await probeMapping(link, 2).catch((error: unknown) => error);
    expect(isFault(refused)).toBe(true);
    await link.close();
  });

  test("that is missing is refused, with the lines to add, and leaves no stray", async () => {
    await using plain = await startPlainServer();
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

/** A broker as somebody has it who never heard of us. */
async function startPlainServer() {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-plain-nats-"));
  const [port, mqttPort] = await freePorts(2);
  const conf = join(folder, "nats.conf");
  writeFileSync(
    conf,
    `host: 127.0.0.1\nport: ${port}\nserver_name: plain\njetstream { store_dir: "${folder}" }\nmqtt { host: 127.0.0.1, port: ${mqttPort} }\n`,
  );
  const child = Bun.spawn([await testNatsBinary(), "-c", conf], { stdio: ["ignore", "ignore", "ignore"] });
  await waitUntilReady({ host: "127.0.0.1", port, mqttPort }, AbortSignal.timeout(10_000));
  return {
    url: `nats://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
