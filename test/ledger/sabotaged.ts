/** The real service in this process, with one piece of it replaced by a wrong one: what it does wrong must show in the ledger. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config";
import { openService, type Service, type ServiceOptions } from "../../src/service";
import type { Store } from "../../src/store/store";
import { openReceiver, type Receiver, type ReceiverOptions } from "../recovery/receiver";
import { settled } from "../recovery/settled";
import { ADMIN_TOKEN } from "../servers/tocsin";
import { freePorts } from "../servers/freePorts";
import { testNatsBinary } from "../servers/natsServer";
import { collectEvidence } from "./collect";
import type { Acknowledgement } from "./evidence";
import { findViolations, type Violation } from "./ledger";
import { until } from "../until";

type Overrides = NonNullable<ServiceOptions["overrides"]>;

const REPORT_MS = 10_000;
const SETTLE_MS = 20_000;
const AGAIN_MS = 50;

export class SabotagedService implements AsyncDisposable {
  readonly #acknowledged: Acknowledgement[] = [];
  #service: Service | null = null;
  #receiver: Receiver | null = null;

  private constructor(
    private readonly dataDir: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** With a webhook that is owed every change, and takes it unless it is told otherwise. */
  static async open(overrides: Overrides, webhook: Partial<Pick<ReceiverOptions, "settings" | "answer">> = {}): Promise<SabotagedService> {
    const dataDir = mkdtempSync(join(tmpdir(), "tocsin-sabotaged-"));
    const [http, nats, mqtt] = await freePorts(3);
    const ports = { HTTP_PORT: `${http}`, NATS_PORT: `${nats}`, MQTT_PORT: `${mqtt}` };
    const env = { ...ports, DATA_DIR: dataDir, ADMIN_TOKEN, LOG_LEVEL: "silent", NATS_SERVER_BIN: await testNatsBinary() };
    const sabotaged = new SabotagedService(dataDir, env);
    try {
      await sabotaged.#start(overrides);
      sabotaged.#receiver = await openReceiver({
        api: (path, init) => sabotaged.#api(path, init),
        filter: { initial: true },
        answer: () => ({ status: 204, delayMs: 0 }),
        ...webhook,
      });
      return sabotaged;
    } catch (error) {
      await sabotaged[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Sends a report over HTTP until it is acknowledged. */
  async report(sensorId: string, reportId: string, status: string): Promise<void> {
    const deadline = performance.now() + REPORT_MS;
    const body = JSON.stringify({ id: reportId, status });
    for (;;) {
      const response = await this.#api(`/v1/sensors/${sensorId}/reports`, { method: "POST", body });
      if (response.status === 202) {
        const { sequence } = (await response.json()) as { sequence: number };
        this.#acknowledged.push({ sensorId, reportId, by: "http", at: Date.now(), partition: 0, sequence });
        return;
      }
      if (performance.now() > deadline) throw new Error(`${reportId} is not acknowledged: ${response.status} ${await response.text()}`);
      await Bun.sleep(AGAIN_MS);
    }
  }

  signalBroker(signal: NodeJS.Signals): void {
    process.kill(this.#brokerPid, signal);
  }

  /** Resolves when it hears nothing more: a signal takes each of its threads a moment. */
  async freezeBroker(): Promise<void> {
    this.signalBroker("SIGSTOP");
    const threads = `/proc/${this.#brokerPid}/task`;
    const stateOf = (thread: string) =>
      readFileSync(join(threads, thread, "stat"), "utf8")
        .split(") ")
        .at(-1)?.[0];
    await until(() => readdirSync(threads).every((thread) => stateOf(thread) === "T"), "the broker runs on");
  }

  get #brokerPid(): number {
    return (JSON.parse(readFileSync(join(this.dataDir, "run.json"), "utf8")) as { natsPid: number }).natsPid;
  }

  /** Starts it again, as it should be. */
  async restart(): Promise<void> {
    await this.#service?.stop();
    await this.#start({});
  }

  /** Resolves once all that was acknowledged has had its effects, as far as the service itself can tell. */
  async settle(): Promise<void> {
    await settled(this.#dbFile, this.#acknowledged, SETTLE_MS);
  }

  async violations(): Promise<Violation[]> {
    await this.settle();
    const natsUrl = this.#service?.natsUrl ?? "";
    const arrivals = this.#receiver?.arrivals() ?? [];
    return findViolations(
      await collectEvidence({ database: this.#dbFile, natsUrls: [natsUrl], partitions: 1 }, { acknowledged: this.#acknowledged, arrivals }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
    await this.#receiver?.[Symbol.asyncDispose]();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  get #dbFile(): string {
    return join(this.dataDir, "tocsin.db");
  }

  async #start(overrides: Overrides): Promise<void> {
    this.#service = null;
    this.#service = await openService({ ...readConfig(this.env), say: () => {}, overrides });
  }

  #api(path: string, init: RequestInit): Promise<Response> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    return fetch(`${this.#service?.httpUrl}${path}`, { ...init, headers });
  }
}

/** The real store but for one method. Its methods may be private to its class, so it is asked itself. */
export function replaced<Method extends keyof Store>(real: Store, method: Method, wrong: Store[Method]): Store {
  return new Proxy(real, {
    get(target, name) {
      if (name === method) return wrong;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
