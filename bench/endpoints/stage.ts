/** A node that notifies, with its database and broker, and webhooks that lead to receivers of the bench. */
import { join } from "node:path";
import type { Filter } from "../../src/domain/webhook";
import { openStore } from "../../src/store/open";
import type { AcquiredLease, Store } from "../../src/store/store";
import { startBroker } from "../broker";
import { ADMIN_TOKEN, ServiceNode } from "../failover/nodes";
import type { BenchDatabase, Databases } from "../scale/database";
import { cpuMicrosOf } from "../scale/processes";

const LEASE_TTL_MS = 600_000;
const LOOK_MS = 5;
/** Without any progress for so long something is wrong. */
const STUCK_MS = 120_000;

export interface Stage {
  readonly store: Store;
  readonly config: BenchDatabase["config"];
  readonly natsUrl: string;
  readonly node: ServiceNode;
  /** Processor time so far, in microseconds. */
  readonly cpu: () => { readonly node: number; readonly database: number };
}

/** Closed with the stack. */
export async function openStage(
  stack: AsyncDisposableStack,
  { databases, partitions, dir }: { databases: Databases; partitions: number; dir: string },
): Promise<Stage> {
  const { config } = await databases.create();
  const broker = stack.adopt(await startBroker(join(dir, "broker"), { partitions }), (started) => started.stop());
  const databaseUrl = config.kind === "postgres" ? config.url : `sqlite:${config.file}`;
  const store = stack.adopt(await openStore(config), (opened) => opened.close());
  const node = stack.adopt(
    await ServiceNode.prepare({ databaseUrl, natsUrl: broker.url, partitions, dir: join(dir, "node"), roles: "http,notify" }),
    async (prepared) => {
      prepared.signal("SIGKILL");
      await prepared.ended();
    },
  );
  await node.start();
  const cpu = () => ({ node: cpuMicrosOf(node.pid), database: databases.pid === null ? 0 : cpuMicrosOf(databases.pid) });
  return { store, config, natsUrl: broker.url, node, cpu };
}

/** One webhook for each address, as anybody would register it. */
export async function register({ node }: Pick<Stage, "node">, urls: readonly string[], filterOf: (index: number) => Filter): Promise<void> {
  for (const [index, url] of urls.entries()) {
    const registered = await fetch(`${node.apiUrl}/v1/webhooks`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ url, filter: filterOf(index) }),
    });
    if (registered.status !== 201) throw new Error(`a webhook was not registered: ${await registered.text()}`);
  }
}

/** The changes of a sensor that is labelled with the endpoint, and nobody else's. */
export function ofEndpoint(index: number): Filter {
  return { labels: { endpoint: String(index) } };
}

/** Keeps the node from planning until the function that it gives is called, which resolves as soon as the node plans again. */
export async function holdPlanning(store: Store, partitions: number): Promise<() => Promise<void>> {
  const held: AcquiredLease[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const wish = { role: "notify", partition, owner: "bench", ttlMs: LEASE_TTL_MS, takeOver: true } as const;
    held.push((await store.acquireLease(wish)) as AcquiredLease);
  }
  return async () => {
    for (const { lease } of held) await store.releaseLease(lease);
    const isTaken = (all: Awaited<ReturnType<Store["listPartitions"]>>) =>
      all.some(({ role, owner }) => role === "notify" && owner !== null);
    await until(
      async () => isTaken(await store.listPartitions()),
      () => Promise.resolve(0),
    );
  };
}

/** Until every change is planned. */
export async function planned(store: Store, numbers: readonly number[]): Promise<void> {
  const reached = async () => (await store.listPartitions()).filter(({ role }) => role === "notify");
  await until(
    async () => (await reached()).every(({ partition, changeNumber }) => changeNumber >= (numbers[partition] ?? 0)),
    async () => (await reached()).reduce((sum, { changeNumber }) => sum + changeNumber, 0),
  );
}

/** Until nothing is owed any more; throws if anything did not end as delivered. */
export async function drained(
  store: Store,
  numbers: readonly number[],
  { received, owed }: { received: () => Promise<number>; owed: number },
): Promise<void> {
  await until(async () => (await received()) >= owed, received);
  await planned(store, numbers);
  const some = async (state: "pending" | "failed") =>
    (await store.listDeliveries({ states: [state] }, { limit: 1, cursor: null })).items.length > 0;
  await until(async () => !(await some("pending")), received);
  if (await some("failed")) throw new Error("a delivery failed");
}

async function until(isSo: () => Promise<boolean>, progress: () => Promise<number>): Promise<void> {
  let [reached, movedAt] = [Number.NaN, performance.now()];
  while (!(await isSo())) {
    const now = await progress();
    if (now !== reached) [reached, movedAt] = [now, performance.now()];
    if (performance.now() > movedAt + STUCK_MS) throw new Error(`nothing moves any more: ${reached} were reached`);
    await Bun.sleep(LOOK_MS);
  }
}
