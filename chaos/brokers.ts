import { startNatsCluster } from "../test/servers/natsCluster";
import { startNatsServer } from "../test/servers/natsServer";

/** One nats-server, or three that keep every stream together. */
export interface Brokers extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly mqttUrls: readonly string[];
  readonly version: string;
  /** kill -9. */
  kill(server: number): Promise<void>;
  /** The same store and ports again. */
  start(server: number): Promise<void>;
}

export function startBrokers({ cluster, partitions }: { cluster: boolean; partitions: number }): Promise<Brokers> {
  return cluster ? startNatsCluster({ partitions, advertise: false }) : startSingle(partitions);
}

async function startSingle(partitions: number): Promise<Brokers> {
  const server = await startNatsServer({ partitions });
  return {
    urls: [server.url],
    mqttUrls: [server.mqttUrl],
    version: server.version,
    async kill() {
      server.kill();
      await server.down();
    },
    start: () => server.up(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
