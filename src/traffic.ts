import { createHash, randomBytes } from "node:crypto";
import type { RedisLink } from "./cache/redis";
import { SharedRates } from "./cache/sharedRates";
import type { Config } from "./config";
import { divideRates, type Rates } from "./notifier/webhook/rates";
import { createTraffic, type Traffic } from "./notifier/webhook/traffic";
import type { SharedSecretStore } from "./store/store";
import type { Events } from "./telemetry/events";

export interface TrafficMeans {
  readonly config: Pick<Config, "roles" | "store">;
  /** Null without REDIS_URL. */
  readonly redis: RedisLink | null;
  readonly store: SharedSecretStore;
  readonly node: string;
  /** P. */
  readonly partitions: number;
  /** Of which this node sends, now. */
  readonly owned: () => number;
  readonly events: Pick<Events, "ratesShared" | "circuitChanged">;
}

/** What this node may send to webhooks: with Redis their rates hold across all nodes; without, whoever owns more partitions sends more of each. */
export async function openTraffic(stack: AsyncDisposableStack, means: TrafficMeans): Promise<Traffic> {
  const { config, redis, owned, partitions, events } = means;
  // Who sends nothing, or is alone, shares no rate with others.
  const isShared = config.roles.includes("notify") && config.store.kind === "postgres";
  const rates = redis !== null && isShared ? await shareRates(stack, redis, means) : divideRates(() => Math.max(1, owned()) / partitions);
  return createTraffic({ rates, onCircuit: (webhookId, open) => events.circuitChanged(webhookId, open) });
}

async function shareRates(stack: AsyncDisposableStack, redis: RedisLink, { store, events, ...rest }: TrafficMeans): Promise<Rates> {
  const secret = await store.sharedSecret("rates", randomBytes(32).toString("base64url"));
  const prefix = `tocsin:${createHash("sha256").update(secret).digest("hex").slice(0, 8)}`;
  const onShared = (shared: boolean, reason: string | null) => events.ratesShared(shared, reason);
  const rates = new SharedRates({ ...rest, redis, prefix, onShared });
  stack.defer(() => rates.stop());
  return rates;
}
