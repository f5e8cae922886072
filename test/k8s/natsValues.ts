/** k8s/nats/values.yaml, and the configuration that the chart makes of it for one server alone. */
import { readRepoFile } from "../verify/repo";

export interface NatsValues {
  readonly config: {
    readonly cluster: { readonly enabled: boolean; readonly replicas: number };
    readonly jetstream: {
      readonly enabled: boolean;
      readonly fileStore: { readonly pvc: { readonly size: string } };
      readonly memoryStore: { readonly enabled: boolean; readonly maxSize: string };
      readonly merge: Readonly<Record<string, unknown>>;
    };
    readonly mqtt: { readonly enabled: boolean; readonly port: number };
    readonly merge: { readonly max_payload: number; readonly mappings: Readonly<Record<string, string>> };
  };
  readonly container: {
    readonly image: { readonly tag: string };
    readonly env: { readonly GOMEMLIMIT: string };
    readonly merge: { readonly resources: { readonly limits: { readonly memory: string } } };
  };
}

export function natsValues(): NatsValues {
  return Bun.YAML.parse(readRepoFile("k8s/nats/values.yaml")) as NatsValues;
}

const UNITS: Readonly<Record<string, number>> = { Mi: 1024 ** 2, Gi: 1024 ** 3, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A quantity such as `20Gi` in bytes. */
export function bytesOf(quantity: string): number {
  const [, number, unit = ""] = /^(\d+)([A-Za-z]+)$/.exec(quantity) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (Number.isNaN(bytes)) throw new Error(`"${quantity}" is no quantity that is known here`);
  return bytes;
}

export interface Place {
  readonly port: number;
  readonly mqttPort: number;
  readonly storeDir: string;
}

/**
 * The chart lays `merge` over what it makes of the other values. A server by itself has no cluster; the store's limit is the volume's
 * size. JSON is a form that the server reads.
 */
export function serverConfiguration({ config }: NatsValues, { port, mqttPort, storeDir }: Place): Record<string, unknown> {
  return {
    server_name: "nats-0",
    host: "127.0.0.1",
    port,
    jetstream: {
      store_dir: storeDir,
      max_file_store: bytesOf(config.jetstream.fileStore.pvc.size),
      max_memory_store: bytesOf(config.jetstream.memoryStore.maxSize),
      ...config.jetstream.merge,
    },
    mqtt: { host: "127.0.0.1", port: mqttPort },
    ...config.merge,
  };
}
