/** Nodes that send to one webhook as fast as its rate lets them, on a real Redis. */
import { openRedis } from "../../src/cache/redis";
import { SharedRates } from "../../src/cache/sharedRates";
import { SETTINGS_DEFAULT, type Webhook } from "../../src/domain/webhook";
import { createTraffic } from "../../src/notifier/webhook/traffic";
import { activeWebhook } from "../notifier/activeWebhook";

export const PARTITIONS = 4;
/** How much of a second's worth may come at once, beside the one that is always there: moments that are early and late. */
const SLACK_S = 0.11;
const REST_MS = 100;

export interface Turn {
  readonly shared: boolean;
  readonly reason: string | null;
}

export interface SendingNode extends AsyncDisposable {
  /** When attempts started, by the monotonic clock of this process. */
  readonly sent: number[];
  readonly turns: Turn[];
  readonly isShared: () => boolean;
  /** May be changed while it runs. */
  owned: number;
  /** Whether it has anything to send. */
  busy: boolean;
}

export interface SendingNodeOptions {
  readonly url: string;
  readonly owned?: number;
  readonly busy?: boolean;
  readonly perSecond: number;
}

/** As `traffic.ts` connects it; its endpoint answers at once. */
export function openSendingNode({ url, owned = 2, busy = true, perSecond }: SendingNodeOptions): SendingNode {
  const link = openRedis(url);
  const turns: Turn[] = [];
  const rates = new SharedRates({
    redis: link,
    prefix: "tocsin:test",
    node: crypto.randomUUID(),
    partitions: PARTITIONS,
    owned: () => node.owned,
    onShared: (shared, reason) => void turns.push({ shared, reason }),
    restMs: REST_MS,
  });
  const traffic = createTraffic({ rates });
  const webhook = rated(perSecond);
  const ending = new AbortController();
  let wake = () => {};
  traffic.onFree(() => wake());

  async function send(): Promise<void> {
    while (!ending.signal.aborted) {
      const now = Date.now();
      const admission = node.busy ? traffic.admit(webhook, false, now) : ({ kind: "later", at: now + 10 } as const);
      if (admission.kind === "now") {
        node.sent.push(performance.now());
        traffic.end(traffic.start(webhook, false, now), webhook, { result: "answered", timedOut: false, now });
      } else if (admission.kind === "later") await Bun.sleep(Math.min(50, Math.max(1, admission.at - now)));
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  const node: SendingNode = {
    sent: [],
    turns,
    isShared: () => turns.at(-1)?.shared === true,
    owned,
    busy,
    async [Symbol.asyncDispose]() {
      ending.abort();
      wake();
      await sending;
      rates.stop();
      await link.close();
    },
  };
  const sending = send();
  return node;
}

function rated(ratePerSecond: number): Webhook {
  return activeWebhook({ id: "wh_rated", concurrency: 1000, settings: { ...SETTINGS_DEFAULT, ratePerSecond } });
}

/** By how many the fullest stretch of time, however long, goes beyond what the rate gives in it and the slack; at most 1 is right. */
export function excess(times: readonly number[], perSecond: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let worst = 0;
  for (let from = 0; from < sorted.length; from += 1) {
    for (let to = from; to < sorted.length; to += 1) {
      const seconds = ((sorted[to] as number) - (sorted[from] as number)) / 1000;
      worst = Math.max(worst, to - from + 1 - perSecond * (seconds + SLACK_S));
    }
  }
  return worst;
}

/** The most a second over so many sent one after the other; 0 where fewer were. */
export function quickest(times: readonly number[], count: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  const spans = sorted.slice(count).map((at, index) => at - (sorted[index] as number));
  return spans.length === 0 ? 0 : (count * 1000) / Math.min(...spans);
}
