import { readConfig } from "../src/config";
import { openDataFolder } from "../src/dataFolder";
import { openEmbeddedNats } from "../src/jetstream/embedded/server";
import { createEvents } from "../src/telemetry/events";
import { openLog } from "../src/telemetry/log";
import { openMetrics } from "../src/telemetry/metrics";
import { freePorts } from "../test/servers/freePorts";

export interface Broker {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** A nats-server of the bench's own, as the embedded mode runs it, on free ports. */
export async function startBroker(dir: string, { syncAlways = false, partitions = 1 } = {}): Promise<Broker> {
  const [port, mqttPort] = await freePorts(2);
  const { config } = readConfig({ ...process.env, NATS_URL: "", NATS_PORT: String(port), MQTT_PORT: String(mqttPort), DATA_DIR: dir });
  if (config.nats.kind !== "embedded") throw new Error("the bench starts a broker of its own");
  const folder = openDataFolder(dir);
  const events = createEvents(openLog("error"), openMetrics());
  const say = (line: string) => console.error(line);
  const nats = await openEmbeddedNats({ config: config.nats, folder, partitions, syncAlways, say, events });
  return {
    url: nats.url,
    version: nats.version,
    async stop() {
      await nats.stop(3000);
      folder.release();
    },
  };
}

/** A port of loopback that nobody listens on, and that nobody else gets from here. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port;
}
