/** The whole service as `npm start` runs it, or as a node on Postgres, for benches that speak HTTP to it. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StoreConfig } from "../../src/config";
import { newSealingKeyText } from "../../src/vault/sealingKey";
import { freePort, startBroker } from "../broker";

const READY_MS = 120_000;
const LOOK_MS = 50;
export const ADMIN_TOKEN = "bench-admin-token";

export interface BenchService extends AsyncDisposable {
  readonly port: number;
  readonly natsUrl: string;
  readonly pid: number;
}

export interface ServiceSettings {
  readonly dir: string;
  readonly store: StoreConfig;
  readonly partitions: number;
  /** As the environment names them; all of them without it. */
  readonly roles?: string;
}

/** With SQLite a broker of its own, as embedded; with Postgres one beside it. No limit of rates: the generator has one address and one token. */
export async function startService({ dir, store, partitions, roles = "" }: ServiceSettings): Promise<BenchService> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const place = await placeOf({ dir, store, partitions }, stack);
  const child = stack.adopt(
    Bun.spawn([process.execPath, "--no-env-file", resolve(import.meta.dir, "../../src/main.ts"), "serve"], {
      env: { ...process.env, ...place, ...everywhere(port, dir), ROLES: roles },
      stdout: "ignore",
      stderr: "inherit",
    }),
    async (running) => {
      running.kill("SIGTERM");
      await running.exited;
    },
  );
  await ready(port, child);
  const running = stack.move();
  return {
    port,
    natsUrl: place["NATS_URL"] || `nats://127.0.0.1:${place["NATS_PORT"]}`,
    pid: child.pid,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function everywhere(port: number, dir: string): Record<string, string> {
  return {
    DATA_DIR: dir,
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: String(port),
    ADMIN_TOKEN,
    RATE_PER_TOKEN: "0",
    RATE_PER_ADDRESS: "0",
    LOG_LEVEL: "error",
  };
}

async function placeOf({ dir, store, partitions }: ServiceSettings, stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const shared = { PARTITIONS: String(partitions), REDIS_URL: "" };
  if (store.kind === "sqlite") {
    const [nats, mqtt] = [await freePort(), await freePort()];
    return { ...shared, DATABASE_URL: `sqlite:${store.file}`, NATS_URL: "", NATS_PORT: String(nats), MQTT_PORT: String(mqtt) };
  }
  const folder = join(dir, "broker");
  mkdirSync(folder);
  const broker = stack.adopt(await startBroker(folder, { partitions }), (each) => each.stop());
  return { ...shared, DATABASE_URL: store.url, NATS_URL: broker.url, SECRETS_KEY: newSealingKeyText() };
}

async function ready(port: number, child: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the service ended with exit code ${child.exitCode} before it was ready`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok === true) return;
    await Bun.sleep(LOOK_MS);
  }
  throw new Error("the service did not become ready");
}
