import { describe, expect, test } from "bun:test";
import { connect } from "@nats-io/transport-node";
import { connectAsync } from "mqtt";
import { seededRandom } from "../ledger/random";
import { openReceiver } from "../recovery/receiver";
import { rage } from "../recovery/storm";
import { underLoad } from "../recovery/underLoad";
import { startTocsin } from "../servers/tocsin";
import { natsVersions } from "../servers/natsVersions";

const TEST_MS = 240_000;
const TAKEN = () => ({ status: 204, delayMs: 0 });

const versions = await natsVersions();
console.log(`the main path runs on nats-server ${versions.map(({ version }) => version).join(" and ")}`);

describe.each(versions)("on nats-server $version", ({ path, version }) => {
  const env = { NATS_SERVER_BIN: path, LOG_LEVEL: "silent" };

  test("what is reported over NATS, MQTT and HTTP becomes a change and a signed webhook", async () => {
    await using tocsin = await startTocsin({ env });
    await using receiver = await openReceiver({ api: tocsin.api.bind(tocsin), filter: { initial: true }, answer: TAKEN });
    const nats = await connect({ servers: tocsin.natsUrl });
    expect(nats.info?.version).toBe(version);
    nats.publish("sensors.by-nats.status", "overheated");
    await nats.drain();
    const mqtt = await connectAsync(tocsin.mqttUrl, { protocolVersion: 4 });
    await mqtt.publishAsync("sensors/by-mqtt/status", '{"status":"low","value":3}', { qos: 1 });
    await mqtt.endAsync();
    const { status } = await tocsin.api("/v1/sensors/by-http/reports", { method: "POST", body: '{"status":"fault"}' });
    expect(status).toBe(202);

    while (receiver.arrivals().length < 3) await Bun.sleep(5);
    const told = receiver.arrivals().map(({ body, signatureValid }) => `${JSON.parse(body).data.sensorId} ${signatureValid}`);
    expect(told.sort()).toEqual(["by-http true", "by-mqtt true", "by-nats true"]);
  });

  test(
    "kill -9 of the process and of the broker, with reports in flight, breaks no promise",
    async () => {
      const load = {
        env,
        fleet: { seed: 7, natsSensors: 80, httpSensors: 20, mqttSensors: 2, changeShare: 0.1, pauseMs: 60 },
        webhooks: [{ filter: { initial: true }, answer: TAKEN }],
      };
      const evidence = await underLoad(load, async (scene) => {
        await rage(scene, { tocsinKills: 2, brokerKills: 1, inFlightMin: 10, random: seededRandom(7) });
      });
      expect(evidence.acknowledged.length).toBeGreaterThan(500);
      expect(evidence.changes.length).toBeGreaterThan(50);
    },
    TEST_MS,
  );
});
