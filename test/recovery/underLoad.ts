import { expect } from "bun:test";
import { collectEvidence } from "../ledger/collect";
import type { Evidence } from "../ledger/evidence";
import { describeViolations, findViolations } from "../ledger/ledger";
import { startTocsin, type TocsinProcess } from "../servers/tocsin";
import { type Fleet, type FleetOptions, startFleet } from "./fleet";
import { openReceiver, type Receiver, type ReceiverOptions } from "./receiver";
import { settled } from "./settled";

const SETTLE_MS = 60_000;

export interface Load {
  readonly fleet: FleetOptions;
  readonly webhooks: readonly Pick<ReceiverOptions, "filter" | "answer">[];
  /** Sensors with the shortest heartbeat there is. */
  readonly watched?: readonly string[];
  /** The service's environment, beside what every test gives it. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Scene {
  readonly tocsin: TocsinProcess;
  readonly fleet: Fleet;
  readonly receivers: readonly Receiver[];
}

/** Runs the real service under load, lets `act` happen to it, waits until nothing is owed any more, and lets the ledger judge. */
export async function underLoad(load: Load, act: (scene: Scene) => Promise<void>): Promise<Evidence> {
  await using stack = new AsyncDisposableStack();
  const tocsin = stack.use(await startTocsin({ env: load.env }));
  const receivers: Receiver[] = [];
  for (const webhook of load.webhooks) {
    receivers.push(stack.use(await openReceiver({ ...webhook, api: (path, init) => tocsin.api(path, init) })));
  }
  for (const id of load.watched ?? []) await register(tocsin, id);
  const { natsUrl, mqttUrl } = tocsin;
  const roads = { natsUrls: [natsUrl], mqttUrls: [mqttUrl], api: (path: string, init: RequestInit) => tocsin.api(path, init) };
  const fleet = await startFleet(roads, load.fleet);
  try {
    await act({ tocsin, fleet, receivers });
  } finally {
    await fleet.stop();
  }
  for (const receiver of receivers) receiver.heal();
  await settled(tocsin.dbFile, fleet.acknowledged, SETTLE_MS);
  const arrivals = receivers.flatMap((receiver) => receiver.arrivals());
  const sources = { database: tocsin.dbFile, natsUrls: [tocsin.natsUrl], partitions: 1 };
  const evidence = await collectEvidence(sources, { acknowledged: fleet.acknowledged, arrivals });
  expect(describeViolations(findViolations(evidence))).toBe("");
  // Nothing was lost by the broker, and nobody was given up.
  expect(evidence.partitions).toMatchObject([{ generation: 1 }]);
  expect(evidence.deliveries.filter(({ state }) => state !== "delivered")).toEqual([]);
  return evidence;
}

async function register(tocsin: TocsinProcess, id: string): Promise<void> {
  const body = JSON.stringify({ id, name: id, labels: { site: "north" }, heartbeat: { intervalSeconds: 4, graceSeconds: 1 } });
  const response = await tocsin.api("/v1/sensors", { method: "POST", body });
  if (response.status !== 201) throw new Error(`${id} was not registered: ${response.status} ${await response.text()}`);
}
