/** Who is told: a webhook of each kind, each at an endpoint of its own that can be struck. */
import type { Filter, WebhookSettings } from "../src/domain/webhook";
import type { Arrival } from "../test/ledger/evidence";
import { isSigned } from "../test/receivers/receiver";
import { type Ailment, type Answer, openEndpoint } from "./endpoint";

export interface Receiver extends AsyncDisposable {
  readonly name: string;
  readonly webhookId: string;
  /** In the order in which they came, the signatures checked when they came. */
  arrivals(): Arrival[];
  ail(ailment: Ailment | null): Promise<void>;
  /** From now on everything is taken at once. */
  heal(): Promise<void>;
}

/** A call of the API. */
export type Api = (path: string, init: RequestInit) => Promise<Response>;

interface Kind {
  readonly name: string;
  readonly filter: Filter;
  readonly settings: Partial<WebhookSettings>;
  readonly answer: (count: number) => Answer;
  /** It stays as it is to the end. */
  readonly isIncurable?: boolean;
}

const TIMEOUT_SECONDS = 1;
const TIMEOUT_DEFAULT_SECONDS = 15;
/** So that a round sees several attempts. */
const QUICK = { timeoutSeconds: TIMEOUT_SECONDS, retrySchedule: [1, 1, 2] };
const TAKEN: Answer = { status: 204, delayMs: 0 };
const GONE_AFTER = 25;

/** Never struck, and with the usual settings: what it sees is what the service's own outages cost. */
export const WITNESS = "witness";
/** Its endpoint says at some time that it wants nothing more, ever. */
const GONE = "gone";
/** Those that can be struck. */
export const STRUCK = [
  "slow",
  "failing",
  "availability",
  "unordered",
  "latest",
  "spaced",
  "batch",
  "cloudevents",
  "paced",
  "events",
] as const;

function kindsOf(random: () => number): Kind[] {
  const all = { initial: true };
  const taken = () => TAKEN;
  const named: Record<(typeof STRUCK)[number], Omit<Kind, "name">> = {
    slow: { filter: { minSeverity: "critical" }, settings: {}, answer: () => ({ status: 200, delayMs: random() * 150 }) },
    failing: {
      filter: { labels: { site: "north" } },
      settings: {},
      answer: () => ({ status: random() < 0.1 ? 503 : 204, delayMs: random() * 10 }),
    },
    availability: {
      filter: { kinds: ["availability"] },
      settings: {},
      answer: () => ({ status: random() < 0.05 ? 500 : 204, delayMs: 0 }),
    },
    unordered: { filter: all, settings: { ordering: "none" }, answer: taken },
    latest: { filter: all, settings: { mode: "latest" }, answer: taken },
    spaced: { filter: all, settings: { mode: "latest", minIntervalSeconds: 1 }, answer: taken },
    batch: { filter: all, settings: { batch: { maxItems: 20, maxWaitMs: 50 } }, answer: taken },
    cloudevents: { filter: all, settings: { format: "cloudevents" }, answer: taken },
    paced: { filter: all, settings: { ratePerSecond: 60 }, answer: taken },
    events: { filter: {}, settings: { events: ["webhook.disabled", "webhook.failing", "delivery.failed"] }, answer: taken },
  };
  const gone = (count: number): Answer => (count > GONE_AFTER ? { status: 410, delayMs: 0 } : TAKEN);
  return [
    { name: WITNESS, filter: all, settings: {}, answer: taken },
    ...STRUCK.map((name) => ({ ...named[name], name, settings: { ...QUICK, ...named[name].settings } })),
    { name: GONE, filter: all, settings: QUICK, answer: gone, isIncurable: true },
  ];
}

/** Registers them all. */
export async function openReceivers(stack: AsyncDisposableStack, api: Api, random: () => number): Promise<Receiver[]> {
  const receivers: Receiver[] = [];
  for (const kind of kindsOf(random)) receivers.push(stack.use(await openReceiver(kind, api)));
  return receivers;
}

async function openReceiver({ name, filter, settings, answer, isIncurable = false }: Kind, api: Api): Promise<Receiver> {
  const arrivals: Omit<Arrival, "webhookId">[] = [];
  let secret = "";
  let healed = false;
  const endpoint = await openEndpoint({
    answer: () => (healed ? TAKEN : answer(arrivals.length)),
    timeoutMs: (settings.timeoutSeconds ?? TIMEOUT_DEFAULT_SECONDS) * 1000,
    onRequest: ({ headers, body }, answered) => {
      const signatureValid = isSigned({ headers, body }, secret);
      arrivals.push({ deliveryId: headers["webhook-id"] ?? "", body, signatureValid, at: Date.now(), answered });
    },
  });
  const body = JSON.stringify({ url: endpoint.url, filter, description: name, ...settings });
  const response = await api("/v1/webhooks", { method: "POST", body });
  if (response.status !== 201) throw new Error(`${name} was not registered: ${response.status} ${await response.text()}`);
  // Nothing reports yet, so that nothing comes before it is known.
  const registered = (await response.json()) as { id: string; secret: string };
  secret = registered.secret;
  return {
    name,
    webhookId: registered.id,
    arrivals: () => arrivals.map((arrival) => ({ webhookId: registered.id, ...arrival })),
    ail: (ailment) => endpoint.ail(ailment),
    heal: async () => {
      healed = !isIncurable;
      await endpoint.ail(null);
    },
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}
