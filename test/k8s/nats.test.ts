import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config";
import { openNats } from "../../src/jetstream/connection";
import { PINNED_RELEASE } from "../../src/jetstream/embedded/archive";
import { mappedSubject, PAYLOAD_BYTES_MAX, serverConf } from "../../src/jetstream/embedded/conf";
import { waitUntilReady } from "../../src/jetstream/embedded/ready";
import { atLeast, parseVersion, versionText } from "../../src/jetstream/embedded/version";
import { sensorSubject } from "../../src/jetstream/subjects";
import { ensureTopology, probeMapping, wantedStreams } from "../../src/jetstream/topology";
import { runCommand } from "../../src/jetstream/embedded/command";
import { freePorts } from "../servers/freePorts";
import { testNatsBinary } from "../servers/natsServer";
import { ofKind } from "./manifests";
import { bytesOf, natsValues, serverConfiguration } from "./natsValues";

const READY_MS = 60_000;
/** Beside Tocsin's streams lie MQTT's, and blocks that are not compacted yet. */
const STORE_SLACK = 1.5;

const values = natsValues();
const { config } = values;
const [settings] = (await ofKind("ConfigMap")).map(({ data }) => data ?? {});
const partitions = Number(settings?.["PARTITIONS"]);

test("the broker maps as many partitions as the service is told, in the code's own words", () => {
  expect(partitions).toBe(16);
  expect(config.merge.mappings).toEqual({ [sensorSubject("*")]: mappedSubject(partitions) });
});

test("three servers keep everything on the disk before they acknowledge it", () => {
  expect(config.cluster).toEqual({ enabled: true, replicas: 3 });
  expect(config.jetstream.enabled).toBe(true);
  expect(config.jetstream.merge).toEqual({ sync_interval: "always" });
});

test("the limits are those of the embedded broker", () => {
  const embedded = serverConf({
    version: PINNED_RELEASE.version,
    host: "127.0.0.1",
    port: 4222,
    mqttPort: 1883,
    storeDir: "nats",
    logFile: "log",
    partitions,
    syncAlways: true,
  });
  expect(config.merge.max_payload).toBe(PAYLOAD_BYTES_MAX);
  expect(embedded).toContain(`max_memory_store: ${bytesOf(config.jetstream.memoryStore.maxSize)}\n`);
  expect(embedded).toContain("sync_interval: always");
  expect(values.container.image.tag).toBe(`${versionText(PINNED_RELEASE.version)}-alpine`);
});

test("each server's disk has room for all streams at their limits, and its memory for what Go may keep", () => {
  const reserved = wantedStreams(partitions, 3).reduce((sum, { max_bytes }) => sum + max_bytes, 0);
  expect(bytesOf(config.jetstream.fileStore.pvc.size)).toBeGreaterThan(reserved * STORE_SLACK);
  expect(bytesOf(values.container.env.GOMEMLIMIT)).toBeLessThan(bytesOf(values.container.merge.resources.limits.memory));
});

test("the nodes dial the chart's Service, sensors the port that MQTT has by default", () => {
  expect(settings?.["NATS_URL"]).toBe("nats://nats.nats.svc:4222");
  const { nats } = readConfig({}).config;
  expect(config.mqtt).toEqual({ enabled: true, port: nats.kind === "embedded" ? nats.mqttPort : 0 });
});

/** A real server with the values' configuration; resolves once JetStream and MQTT answer. */
async function startServer(folder: string) {
  const binary = await testNatsBinary();
  const version = parseVersion((await runCommand([binary, "--version"], { timeoutMs: READY_MS })).output);
  if (version === null) throw new Error(`${binary} does not say its version`);
  const [port, mqttPort] = await freePorts(2);
  const configuration = serverConfiguration(values, { port, mqttPort, storeDir: join(folder, "store") });
  // Debian's server knows no sync_interval.
  if (!atLeast(version, [2, 10, 0])) delete (configuration["jetstream"] as Record<string, unknown>)["sync_interval"];
  writeFileSync(join(folder, "nats.conf"), JSON.stringify(configuration));
  const child = Bun.spawn([binary, "--config", join(folder, "nats.conf"), "--log", join(folder, "log")]);
  const ended = new AbortController();
  void child.exited.then((code) => ended.abort(new Error(`nats-server ended with ${code}`)));
  const stop = async () => {
    child.kill();
    await child.exited;
  };
  try {
    await waitUntilReady({ host: "127.0.0.1", port, mqttPort }, AbortSignal.any([ended.signal, AbortSignal.timeout(READY_MS)]));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `nats://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

test("a real server takes the configuration, makes every stream within its store, and maps what a sensor publishes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-values-"));
  try {
    await using server = await startServer(folder);
    const link = await openNats({ urls: [server.url], name: "test", waitMs: READY_MS });
    try {
      await ensureTopology(link, partitions);
      await probeMapping(link, partitions);
      expect(link.connection.info?.max_payload).toBe(PAYLOAD_BYTES_MAX);
    } finally {
      await link.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
