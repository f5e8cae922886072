import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../src/config";
import { openDataFolder } from "../../../src/dataFolder";
import { isFault } from "../../../src/domain/fault";
import { openNats } from "../../../src/jetstream/connection";
import { openEmbeddedNats } from "../../../src/jetstream/embedded/server";
import { createReportPublisher } from "../../../src/jetstream/publishReports";
import { openWatchdog } from "../../../src/jetstream/embedded/watchdog";
import { createPulse } from "../../../src/jetstream/pulse";
import { ensureTopology, probeMapping } from "../../../src/jetstream/topology";
import { isRunning } from "../../../src/processes";
import { startHolder } from "../../servers/folderHolder";
import { freePorts } from "../../servers/freePorts";
import { startNatsServer, testNatsBinary } from "../../servers/natsServer";

const payload = new TextEncoder().encode("ok");

test("a broker that is killed comes back by itself on the same store and ports", async () => {
  await using nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  await ensureTopology(link, 1);
  await probeMapping(link, 1);
  const { sequence } = await createReportPublisher(link, 1).publish("boiler-7", payload);
  const before = nats.pid();
  const back = Promise.withResolvers<void>();
  link.onReconnect(back.resolve);
  nats.kill();
  await back.promise;
  while ((await link.check().catch(() => "away")) === "away") await Bun.sleep(10);
  expect(nats.pid()).not.toBe(before);
  expect(nats.restarts).toEqual(["signal SIGKILL"]);
  const { state } = await link.api.streams.info("REPORTS_1_0");
  expect(state.last_seq).toBe(sequence);
  await link.close();
});

test("a broker that runs and takes nothing is noticed, ended and started again", async () => {
  await using nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  await ensureTopology(link, 1);
  const pulse = createPulse(link, 1);
  await pulse.beat();
  const stuck: unknown[] = [];
  const events = { natsServerStuck: (error: unknown) => void stuck.push(error) };
  const watchdog = openWatchdog({
    beat: () => pulse.live(),
    isConnected: () => link.isConnected(),
    restart: () => nats.restart(),
    events,
    everyMs: 50,
  });
  const before = nats.pid();
  process.kill(before, "SIGSTOP");
  while (nats.restarts.length === 0 || (await link.check().catch(() => "away")) === "away") await Bun.sleep(20);
  await pulse.beat();
  await watchdog.stop();
  expect(nats.pid()).not.toBe(before);
  expect(stuck).toHaveLength(1);
  await link.close();
});

test("its process does not outlive a killed parent, and what it left does not keep the next one from starting", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-embedded-"));
  const [nats, mqtt] = await freePorts(2);
  const env = { NATS_PORT: `${nats}`, MQTT_PORT: `${mqtt}`, NATS_SERVER_BIN: await testNatsBinary(), NATS_URL: "" };
  try {
    const first = await startHolder(folder, { env });
    expect(isRunning(first.natsPid ?? 0)).toBe(true);
    first.kill("SIGKILL");
    await first.exited;
    await using second = await startHolder(folder, { env });
    expect(isRunning(first.natsPid ?? 0)).toBe(false);
    expect(isRunning(second.natsPid ?? 0)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a port that somebody else holds is named with its variable, and nothing is started", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", () => resolve()));
  const { port } = holder.address() as { port: number };
  const folder = mkdtempSync(join(tmpdir(), "tocsin-embedded-"));
  try {
    const [other] = await freePorts(1);
    const env = { NATS_PORT: `${other}`, MQTT_PORT: `${port}`, NATS_SERVER_BIN: await testNatsBinary(), NATS_URL: "" };
    const refused = await inProcess(folder, env);
    expect(isFault(refused, "conflict")).toBe(true);
    expect((refused as Error).message).toBe(
      `Port ${port} on 127.0.0.1 is in use by another program; stop it or set MQTT_PORT to a free port.`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await new Promise((resolve) => holder.close(resolve));
  }
});

test("a program that is no nats-server is refused in a line that names the variable", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-embedded-"));
  try {
    const refused = await inProcess(folder, { NATS_SERVER_BIN: process.execPath, NATS_URL: "" });
    expect(isFault(refused, "unavailable")).toBe(true);
    expect((refused as Error).message).toStartWith("NATS_SERVER_BIN: ");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("its configuration and store are for their owner alone, and its streams survive a stop", async () => {
  await using nats = await startNatsServer();
  const link = await openNats({ urls: [nats.url], name: "test" });
  await ensureTopology(link, 1);
  await createReportPublisher(link, 1).publish("boiler-7", payload);
  const storeDir = nats.storeDir;
  expect(statSync(storeDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(storeDir, "nats-server.conf")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(storeDir, "nats-server.conf"), "utf8")).toContain('host: "127.0.0.1"');
  await nats.down();
  expect(isRunning(nats.pid())).toBe(false);
  await nats.up();
  while ((await link.check().catch(() => "away")) === "away") await Bun.sleep(10);
  expect((await link.api.streams.info("REPORTS_1_0")).state.messages).toBe(1);
  await link.close();
});

/** What keeps an embedded broker from starting in this folder. */
async function inProcess(path: string, env: Record<string, string>): Promise<unknown> {
  const { nats } = readConfig({ HOME: tmpdir(), ...env }).config;
  if (nats.kind !== "embedded") throw new Error("the broker is embedded");
  using folder = openDataFolder(path);
  const events = { natsServerRestarted: () => {}, natsServerOld: () => {} };
  try {
    const server = await openEmbeddedNats({ config: nats, folder, partitions: 1, events, say: () => {} });
    await server.stop(0);
    return null;
  } catch (error) {
    return error;
  }
}
