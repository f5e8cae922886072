import { randomBytes } from "node:crypto";
import { CONCURRENCY_DEFAULT, type Filter, SETTINGS_DEFAULT, type Webhook, type WebhookSettings } from "../../src/domain/webhook";
import type { GuardConfig } from "../../src/guardConfig";
import { type Notifier, type NotifierOptions, openNotifier } from "../../src/notifier/notifier";
import { createTurns } from "../../src/notifier/turns";
import { createSender, type SenderOptions } from "../../src/notifier/webhook/sender";
import type { AcquiredLease, DeliveryRecord, Store } from "../../src/store/store";
import { createEvents } from "../../src/telemetry/events";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import { LogWorker, report } from "../ingest/log";
import { until } from "../until";

const LEASE_TTL_MS = 4000;
export const STRICT: GuardConfig = { allowCidrs: [], allowLoopback: false, allowPorts: [], dnsServers: [] };
export const LOOPBACK_ALLOWED: GuardConfig = { ...STRICT, allowLoopback: true };

export const quietEvents = () => createEvents(openLog("silent"), openMetrics());

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

export interface StartOptions extends Partial<Pick<NotifierOptions, "store" | "isHeld" | "watch" | "clock" | "sender">> {
  readonly sending?: SenderOptions;
}

export interface Running {
  readonly notifier: Notifier;
  /** What the broker does when changes are published. */
  readonly wake: () => void;
  readonly lost: () => boolean;
  readonly stop: (graceMs?: number) => Promise<void>;
}

/** A real store with a log that is written by hand, and notifiers that work on it; closed in order. */
export class Scene implements AsyncDisposable {
  #said = 0;
  #webhooks = 0;
  readonly #running: Running[] = [];

  private constructor(readonly log: LogWorker) {}

  static async open(): Promise<Scene> {
    return new Scene(await LogWorker.open());
  }

  get store(): Store {
    return this.log.store;
  }

  addWebhook(
    url: string,
    options: { filter?: Filter; concurrency?: number; secrets?: readonly string[]; settings?: Partial<WebhookSettings> } = {},
  ): Promise<Webhook> {
    const { filter = {}, concurrency = CONCURRENCY_DEFAULT, secrets = [newSecret()] } = options;
    return this.store.createWebhook({
      id: `wh_${(this.#webhooks += 1)}`,
      url,
      filter,
      description: "",
      concurrency,
      settings: { ...SETTINGS_DEFAULT, ...options.settings },
      credentials: plainCredentials(secrets),
    });
  }

  /** Each of the sensors changes its status so many times, in turns, in one commit; wakes who is running. */
  async change(sensorIds: readonly string[], times = 1, attributes?: Record<string, unknown>): Promise<void> {
    const said = [];
    for (let time = 0; time < times; time += 1) {
      for (const id of sensorIds) said.push(report((this.#said += 1), id, { status: `s${this.#said}`, severity: "warning", attributes }));
    }
    await this.log.take(said);
    for (const { wake } of this.#running) wake();
  }

  /** One report; wakes who is running. */
  async say(sensorId: string, status: string, severity: string): Promise<void> {
    await this.log.take([report((this.#said += 1), sensorId, { status, severity })]);
    for (const { wake } of this.#running) wake();
  }

  async acquire(): Promise<AcquiredLease> {
    const wish = { role: "notify", partition: 0, owner: `test-${Math.random()}`, ttlMs: LEASE_TTL_MS, takeOver: true } as const;
    const acquired = await this.store.acquireLease(wish);
    if (acquired === null) throw new Error("a lease is always given to who takes over");
    return acquired;
  }

  async start(options: StartOptions = {}): Promise<Running> {
    const { lease, position } = await this.acquire();
    let wake = () => {};
    let lost = false;
    const notifier = await openNotifier({
      store: this.store,
      lease,
      leaseTtlMs: LEASE_TTL_MS,
      isHeld: () => true,
      onLost: () => {
        lost = true;
      },
      from: position.changeNumber,
      watch: (onWake) => {
        wake = onWake;
        return Promise.resolve({ stop: () => Promise.resolve() });
      },
      sender: createSender(LOOPBACK_ALLOWED, options.sending),
      turns: createTurns(1),
      events: quietEvents(),
      ...options,
    });
    let stopped = false;
    const running: Running = {
      notifier,
      wake: () => wake(),
      lost: () => lost,
      stop: async (graceMs = 2000) => {
        if (stopped) return;
        stopped = true;
        await notifier.stop(graceMs);
      },
    };
    this.#running.push(running);
    return running;
  }

  /** All deliveries of a webhook, in the order in which they were planned. */
  async deliveries(webhookId: string): Promise<DeliveryRecord[]> {
    const found: DeliveryRecord[] = [];
    for (let cursor: string | null = null; ;) {
      const page: Awaited<ReturnType<Store["listDeliveries"]>> = await this.store.listDeliveries({ webhookId }, { limit: 1000, cursor });
      found.push(...page.items);
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    const ordered = found.toReversed();
    return Promise.all(ordered.map(async (record) => (await this.store.getDelivery(record.id)) ?? record));
  }

  /** Resolves once everything is planned and nothing is pending. */
  async settled(withinMs?: number): Promise<void> {
    await until(async () => (await this.#isPlanned()) && !(await this.hasPending()), "still owed", withinMs);
  }

  async hasPending(): Promise<boolean> {
    const { items } = await this.store.listDeliveries({ states: ["pending"] }, { limit: 1, cursor: null });
    return items.length > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) await running.stop(0);
    await this.log[Symbol.asyncDispose]();
  }

  async #isPlanned(): Promise<boolean> {
    const partitions = await this.store.listPartitions();
    const reached = (role: string) => partitions.find((partition) => partition.role === role)?.changeNumber ?? 0;
    return reached("notify") === reached("ingest");
  }
}

export function plainCredentials(secrets: readonly string[]): string {
  return `plain:${JSON.stringify(secrets)}`;
}

/** How each delivery of a webhook ended, by sensor and revision. */
export async function fates(scene: Scene, { id }: Webhook): Promise<Record<string, string>> {
  const records = await scene.deliveries(id);
  return Object.fromEntries(
    records.map(({ sensorId, revision, state, reason }) => [`${sensorId} ${revision}`, `${state} ${reason ?? ""}`.trim()]),
  );
}
