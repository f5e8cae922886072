/** Everything that a run needs, started: database, brokers, nodes behind their proxies, receivers, and a fleet of sensors. */
import { type Fleet, type FleetOptions, startFleet } from "../test/recovery/fleet";
import { seededRandom } from "../test/ledger/random";
import { startPostgres, type TestPostgres } from "../test/servers/postgres";
import { type Brokers, startBrokers } from "./brokers";
import { ServiceNode } from "./node";
import type { ChaosOptions } from "./options";
import { type Operators, startOperators } from "./operators";
import { type Api, openReceivers, type Receiver } from "./receivers";

const WATCHED_NATS = 12;
const WATCHED_HTTP = 6;
const CALL_MS = 30_000;
const FLEET: Omit<FleetOptions, "seed"> = {
  natsSensors: 120,
  httpSensors: 40,
  bulkShare: 0.5,
  mqttSensors: 10,
  changeShare: 0.06,
  pauseMs: 400,
};

export interface Stage {
  readonly postgres: TestPostgres;
  readonly databaseUrl: string;
  readonly brokers: Brokers;
  readonly nodes: readonly ServiceNode[];
  readonly receivers: readonly Receiver[];
  readonly fleet: Fleet;
  readonly operators: Operators;
  readonly api: Api;
}

/** Resolves with the fleet reporting. `stack` ends it all. */
export async function setStage(stack: AsyncDisposableStack, options: ChaosOptions): Promise<Stage> {
  const { seed, partitions, cluster } = options;
  const [postgres, brokers] = await Promise.all([startPostgres(), startBrokers({ cluster, partitions })]);
  stack.use(postgres);
  stack.use(brokers);
  const databaseUrl = await postgres.createDatabase();
  const nodes: ServiceNode[] = [];
  for (let index = 0; index < options.nodes; index += 1) {
    const name = `node ${index}`;
    nodes.push(stack.use(await ServiceNode.prepare({ name, databaseUrl, natsUrls: brokers.urls, partitions })));
  }
  // All at once, on an empty database.
  await Promise.all(nodes.map((node) => node.start()));
  const random = seededRandom(seed ^ 0x5eed);
  const api = anyNode(nodes, random);
  const receivers = await openReceivers(stack, api, random);
  for (let index = 0; index < WATCHED_NATS; index += 1) await register(api, `nats-${index}`);
  for (let index = 0; index < WATCHED_HTTP; index += 1) await register(api, `http-${index}`);
  const fleet = await startFleet({ natsUrls: brokers.urls, mqttUrls: brokers.mqttUrls, api }, { ...FLEET, seed });
  const operators = startOperators(api, random);
  return { postgres, databaseUrl, brokers, nodes, receivers, fleet, operators, api };
}

/** As a balancer would: whichever node runs, hung or not. */
function anyNode(nodes: readonly ServiceNode[], random: () => number): Api {
  return (path, init) => {
    const running = nodes.filter((node) => node.running);
    const node = running[Math.floor(random() * running.length)];
    if (node === undefined) return Promise.reject(new Error("no node runs"));
    return node.api(path, { signal: AbortSignal.timeout(CALL_MS), ...init });
  };
}

/** With the shortest heartbeat there is, so that whoever is called offline without being silent shows. */
async function register(api: Api, id: string): Promise<void> {
  const body = JSON.stringify({ id, name: id, labels: { site: "north" }, heartbeat: { intervalSeconds: 4, graceSeconds: 1 } });
  const response = await api("/v1/sensors", { method: "POST", body });
  if (response.status !== 201) throw new Error(`${id} was not registered: ${response.status} ${await response.text()}`);
}
